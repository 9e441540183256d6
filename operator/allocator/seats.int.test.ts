/** Seats over a real Redis: what many requests at once may and may not do to each other. */
import { once } from "node:events";
import fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { uuidv7 } from "../../platform/ids.ts";
import { silentLog } from "../../platform/log.ts";
import { connectRedis } from "../../platform/redis.ts";
import { isStoreAway } from "../../platform/store-errors.ts";
import { keys } from "../../protocol/directory.ts";
import { freshRedis, redisUrl } from "../../test/stores/fixtures.ts";
import { type SeatAnswer, type SeatRequest, Seats } from "./seats.ts";

let admin: Redis;
let redis: Redis;
let seats: Seats;
beforeAll(async () => {
  admin = await freshRedis();
  redis = await connected("test");
});
beforeEach(async () => {
  await admin.flushall();
  seats = new Seats(redis);
});
afterAll(() => {
  admin.disconnect();
  redis.disconnect();
});

/** As the allocator is connected. */
async function connected(name: string): Promise<Redis> {
  const connection = connectRedis({ url: redisUrl(), name, log: silentLog() });
  await once(connection, "ready");
  return connection;
}

const SERVER_CAPACITY = 6;
const ZONE_CAPACITY = 4;

interface Asked {
  readonly fleet: number;
  readonly server: number;
  readonly zone: number;
  readonly count: number;
  readonly key: number | null;
}

const asked: fc.Arbitrary<Asked> = fc.record({
  fleet: fc.nat(1),
  server: fc.nat(1),
  zone: fc.nat(1),
  count: fc.integer({ min: 1, max: 3 }),
  key: fc.option(fc.nat(3), { freq: 1 }),
});

function requestOf({ fleet, server, zone, count, key }: Asked): SeatRequest {
  const names = { server: `s${server}`, zone: `z${server}${zone}` };
  const sessions = Array.from({ length: count }, () => {
    const session = uuidv7();
    return { ...names, session, player: "p", resumeHash: "h".repeat(43) };
  });
  return {
    ...names,
    fleet: `default/f${fleet}`,
    zoneCapacity: ZONE_CAPACITY,
    serverCapacity: SERVER_CAPACITY,
    sessions,
    ...(key === null ? {} : { request: { key: `key-${key}`, body: JSON.stringify(sessions) } }),
  };
}

/** What must be answered to these, one after the other. */
function expectedOf(requests: readonly SeatRequest[]): SeatAnswer[] {
  const held = new Map<string, number>();
  const bodies = new Map<string, string>();
  return requests.map(({ fleet, server, zone, sessions, request }) => {
    const known = request && bodies.get(`${fleet} ${request.key}`);
    if (known) return { result: "again", body: known };
    const inZone = (held.get(`${fleet} ${zone}`) ?? 0) + sessions.length;
    const onServer = (held.get(`${fleet} ${server}`) ?? 0) + sessions.length;
    if (inZone > ZONE_CAPACITY) return { result: "zone-full" };
    if (onServer > SERVER_CAPACITY) return { result: "server-full" };
    held.set(`${fleet} ${zone}`, inZone).set(`${fleet} ${server}`, onServer);
    if (request) bodies.set(`${fleet} ${request.key}`, request.body);
    return { result: "taken" };
  });
}

/** Sessions that hold a seat in Redis, by the sorted set that says so. */
async function held(kind: "zone" | "server"): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const name of await admin.keys(`gf:seats:*:${kind}:*`)) {
    found.set(name, (await admin.zrange(name, "0", "-1")).sort());
  }
  return found;
}

function grouped(requests: readonly SeatRequest[], keyOf: (request: SeatRequest) => string) {
  const out = new Map<string, string[]>();
  for (const request of requests) {
    const list = out.get(keyOf(request)) ?? [];
    list.push(...request.sessions.map(({ session }) => session));
    out.set(keyOf(request), list.sort());
  }
  return out;
}

describe("many requests at once", () => {
  it("each get one answer, as if they had come one after the other", async () => {
    const property = fc.asyncProperty(fc.array(asked, { maxLength: 80 }), async (list) => {
      await admin.flushall();
      const requests = list.map(requestOf);
      const answers = await Promise.all(requests.map((request) => seats.take(request)));
      expect(answers).toEqual(expectedOf(requests));
      const taken = requests.filter((_, index) => answers[index]?.result === "taken");
      expect(await held("zone")).toEqual(grouped(taken, ({ fleet, zone }) => keys.zoneSeats(fleet, zone)));
      expect(await held("server")).toEqual(
        grouped(taken, ({ fleet, server }) => keys.serverSeats(fleet, server)),
      );
      const records = taken.flatMap(({ fleet, sessions }) =>
        sessions.map((record) => [keys.session(fleet, record.session), JSON.stringify(record)] as const),
      );
      for (const [key, text] of records) expect(await admin.get(key)).toBe(text);
      expect(await admin.keys("gf:session:*")).toHaveLength(records.length);
    });
    await fc.assert(property, { numRuns: 40 });
  });

  it("of two allocators never hold more seats than there are, and lose none", async () => {
    const other = await connected("other");
    const second = new Seats(other);
    const property = fc.asyncProperty(fc.array(asked, { minLength: 10, maxLength: 80 }), async (list) => {
      await admin.flushall();
      const requests = list.map(requestOf);
      const answers = await Promise.all(
        requests.map((request, index) => (index % 2 === 0 ? seats : second).take(request)),
      );
      const taken = requests.filter((_, index) => answers[index]?.result === "taken");
      expect(await held("zone")).toEqual(grouped(taken, ({ fleet, zone }) => keys.zoneSeats(fleet, zone)));
      for (const sessions of (await held("zone")).values())
        expect(sessions.length).toBeLessThanOrEqual(ZONE_CAPACITY);
      for (const sessions of (await held("server")).values())
        expect(sessions.length).toBeLessThanOrEqual(SERVER_CAPACITY);
    });
    await fc.assert(property, { numRuns: 20 });
    other.disconnect();
  });
});

const one = { fleet: 0, server: 0, zone: 0, count: 1, key: null };

it("an error that one request meets is its own", async () => {
  const broken = requestOf({ ...one, server: 1 });
  await admin.set(keys.serverSeats(broken.fleet, broken.server), "not a sorted set");
  const answers = await Promise.allSettled(
    [requestOf(one), broken, requestOf(one)].map((request) => seats.take(request)),
  );
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(String((answers[1] as PromiseRejectedResult).reason)).toContain("WRONGTYPE");
  expect(await admin.exists(keys.zoneSeats(broken.fleet, broken.zone))).toBe(0);
});

it("seats that have run out are free", async () => {
  const { fleet, zone, server } = requestOf(one);
  const past = Date.now() - 60_000;
  for (let n = 0; n < SERVER_CAPACITY; n++) {
    if (n < ZONE_CAPACITY) await admin.zadd(keys.zoneSeats(fleet, zone), past, `gone-${n}`);
    await admin.zadd(keys.serverSeats(fleet, server), past, `gone-${n}`);
  }
  const requests = Array.from({ length: ZONE_CAPACITY + 1 }, () => requestOf(one));
  const answers = await Promise.all(requests.map((request) => seats.take(request)));
  expect(answers.map(({ result }) => result)).toEqual([
    ...Array.from({ length: ZONE_CAPACITY }, () => "taken"),
    "zone-full",
  ]);
});

it("who has a seat takes it again in a full zone", async () => {
  const requests = Array.from({ length: ZONE_CAPACITY }, () => requestOf(one));
  const [first] = requests;
  for (const request of requests) await seats.take(request);
  expect(await seats.take(requestOf(one))).toEqual({ result: "zone-full" });
  expect(await seats.take(first as SeatRequest)).toEqual({ result: "taken" });
});

it("a Redis that has forgotten the script is taught again", async () => {
  expect(await seats.take(requestOf(one))).toEqual({ result: "taken" });
  await admin.script("FLUSH");
  expect(await seats.take(requestOf(one))).toEqual({ result: "taken" });
});

it("who waits behind a call that Redis does not answer is told so with it, and not sent after it", async () => {
  const roomy = { zoneCapacity: 100, serverCapacity: 100 };
  const requests = Array.from({ length: 40 }, () => ({ ...requestOf(one), ...roomy }));
  await admin.client("PAUSE", 600_000, "WRITE");
  const answers = await Promise.allSettled(requests.map((request) => seats.take(request)));
  await admin.client("UNPAUSE");
  for (const answer of answers) {
    expect(answer.status).toBe("rejected");
    expect(isStoreAway((answer as PromiseRejectedResult).reason)).toBe(true);
  }
  // On the same connection: what was sent before has been carried out by then.
  expect(await seats.take({ ...requestOf(one), ...roomy })).toEqual({ result: "taken" });
  expect(await admin.zcard(keys.zoneSeats("default/f0", "z00"))).toBe(33);
});
