/** Choosing and taking over real stores, with pods that report as they do: nobody is refused while there is room. */
import { once } from "node:events";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createBreaker } from "../../platform/breaker.ts";
import { silentLog } from "../../platform/log.ts";
import { createRegistry } from "../../platform/metrics.ts";
import { MIGRATIONS } from "../../platform/ownership/migrations.ts";
import { createZone, listZones, register, type ZoneRow } from "../../platform/ownership/ownership.ts";
import { createPool, migrate, type Pool } from "../../platform/postgres.ts";
import { connectRedis } from "../../platform/redis.ts";
import { keys, type LoadSample, type RosterEntry } from "../../protocol/directory.ts";
import { freshDatabase, freshRedis, redisUrl } from "../../test/stores/fixtures.ts";
import { type AllocatorParts, allocate } from "./allocate.ts";
import type { Allocation } from "./schemas.ts";
import { Seats } from "./seats.ts";
import { Signer } from "./signer.ts";
import { Views } from "./views.ts";
import { ZoneMaker } from "./zone-maker.ts";

const SERVER_SEATS = 200;
const ZONE_SEATS = 10;
const log = silentLog();
const stop = new AbortController();
let admin: Redis;
let pool: Pool;
const closing: (() => void | Promise<void>)[] = [];

beforeAll(async () => {
  admin = await freshRedis();
  const url = await freshDatabase();
  await migrate(url, MIGRATIONS, "ownership", log);
  pool = createPool({ url, name: "test", log });
});
afterAll(async () => {
  stop.abort();
  for (const close of closing) await close();
  admin.disconnect();
  await pool.end();
});

/** A fleet of these servers; returns what lets all of them report, as if whoever was given a seat had come. */
async function fleet(name: string, servers: readonly string[]): Promise<() => Promise<void>> {
  const key = `default/${name}`;
  const record = { namespace: "default", name, capacity: SERVER_SEATS };
  await admin.set(
    keys.fleet(key),
    JSON.stringify({ ...record, onDemandSessions: ZONE_SEATS, onDemandMax: 10_000 }),
  );
  const entry: RosterEntry = { state: "Ready", address: "127.0.0.1", port: 7001, life: "life", drainBy: 0 };
  for (const server of servers) {
    await register(pool, `default/${server}`, key, "life");
    await admin.hset(keys.roster(key), server, JSON.stringify(entry));
  }
  const report = async () => {
    const rows = await listZones(pool, key);
    for (const server of servers) {
      const owned = rows.filter(({ owner }) => owner === `default/${server}`);
      await admin.set(keys.load(`default/${server}`), JSON.stringify(await sampleOf(key, server, owned)));
    }
  };
  await report();
  return report;
}

async function sampleOf(key: string, server: string, owned: readonly ZoneRow[]): Promise<LoadSample> {
  const zones: LoadSample["zones"] = [];
  for (const { id, kind, epoch, capacity } of owned) {
    const sessions = await admin.zcard(keys.zoneSeats(key, id));
    zones.push({ id, kind, epoch, sessions, capacity, open: true });
  }
  const sessions = zones.reduce((sum, zone) => sum + zone.sessions, 0);
  const seats = { sessions, capacity: SERVER_SEATS, zones };
  const load = { cpuPercent: 10, memoryBytes: 1, tickLatenessMs: 0, loopDelayMs: 0 };
  return {
    v: 1,
    server,
    fleet: key.slice("default/".length),
    life: "life",
    state: "Ready",
    ...load,
    ...seats,
  };
}

async function allocator(name: string): Promise<AllocatorParts> {
  const redis = connectRedis({ url: redisUrl(), name, log });
  await once(redis, "ready");
  const breaker = createBreaker({ name: "ownership", registry: createRegistry() });
  const signer = new Signer({ redis, log, rotationMs: 3_600_000 });
  await signer.start();
  const views = new Views(redis, log);
  const running = views.run(stop.signal);
  closing.push(async () => {
    await running;
    signer.close();
    breaker.close();
    redis.disconnect();
  });
  const zones = new ZoneMaker({ pool, redis, views, breaker });
  return { redis, views, seats: new Seats(redis), signer, zones, random: Math.random };
}

it("nobody is refused while there is room, and no place is given twice", async () => {
  const servers = ["a", "b", "c", "d"];
  const report = await fleet("lane", servers);
  const allocators = [await allocator("one"), await allocator("two")];
  // Three quarters of all there are.
  const seats = (servers.length * SERVER_SEATS * 3) / 4;
  let asked = 0;
  const answers: Allocation[] = [];
  const refusals: unknown[] = [];
  const callers = Array.from({ length: 32 }, async (_, caller) => {
    const parts = allocators[caller % 2] as AllocatorParts;
    while (asked < seats) {
      const players = [`p${asked++}`];
      await allocate(parts, { namespace: "default", fleet: "lane", players }).then(
        (answer) => answers.push(answer),
        (error: unknown) => refusals.push(error),
      );
    }
  });
  while (answers.length + refusals.length < seats) await report();
  await Promise.all(callers);
  expect(refusals).toEqual([]);
  expect(new Set(answers.map(({ sessions }) => sessions[0]?.ticket)).size).toBe(answers.length);
  for (const [zone, given] of Map.groupBy(answers, ({ zone }) => zone)) {
    expect(given.length, zone).toBeLessThanOrEqual(ZONE_SEATS);
    expect(await admin.zcard(keys.zoneSeats("default/lane", zone)), zone).toBe(given.length);
  }
});

it("who asks while a fleet is read for the first time waits for that", async () => {
  await fleet("first", ["first"]);
  const { views } = await allocator("first");
  const asked = [];
  for (let turn = 0; turn < 100; turn++) {
    asked.push(views.get("default/first"));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await Promise.all(asked)).filter((view) => view === undefined)).toEqual([]);
});

it("where players come fast, the next zone is made before the last one is full", async () => {
  await fleet("fast", ["fast"]);
  const parts = await allocator("fast");
  const players = Array.from({ length: ZONE_SEATS - 1 }, (_, n) => `p${n}`);
  await allocate(parts, { namespace: "default", fleet: "fast", players });
  await expect.poll(async () => (await listZones(pool, "default/fast")).length).toBe(2);
});

it("a zone made here that has filled up since is not offered again", async () => {
  const report = await fleet("solo", ["solo"]);
  const parts = await allocator("solo");
  const ask = () => allocate(parts, { namespace: "default", fleet: "solo", players: ["p"] });
  const { zone } = await ask();
  const seen = async () => (await parts.views.get("default/solo"))?.zone(zone);
  const before = await seen();
  await report();
  // Its seats are known from what the pod reports from here on, no more from what was made here.
  await expect.poll(seen).not.toBe(before);
  const zones = new Set<string>();
  for (let n = 0; n < 3 * ZONE_SEATS; n++) zones.add((await ask()).zone);
  expect(zones.size).toBeGreaterThanOrEqual(3);
});

it("who loses seats to another allocator goes where there is most room", async () => {
  const key = "default/behind";
  const report = await fleet("behind", ["behind"]);
  const parts = await allocator("behind");
  const zones = ["z1", "z2", "z3", "z4", "z5", "z6"];
  const fill = async (zone: string, from: number, to: number) => {
    for (let n = from; n < to; n++) await admin.zadd(keys.zoneSeats(key, zone), "+inf", `${zone}-${n}`);
  };
  for (const zone of zones) {
    const owner = { owner: "default/behind", ownerLife: "life", capacity: ZONE_SEATS };
    expect(await createZone(pool, { fleet: key, zone, ...owner })).toBe(true);
    await fill(zone, 0, zone === "z6" ? 1 : ZONE_SEATS - 1);
  }
  await report();
  // Nobody reports what was given away since.
  for (const zone of zones.slice(0, -1)) await fill(zone, ZONE_SEATS - 1, ZONE_SEATS);
  const answer = await allocate(parts, { namespace: "default", fleet: "behind", players: ["p"] });
  expect(answer.zone).toBe("z6");
});
