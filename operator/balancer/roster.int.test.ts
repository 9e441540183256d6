import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fail } from "../../platform/errors.ts";
import { createLog, type Log } from "../../platform/log.ts";
import { connectRedis } from "../../platform/redis.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { FleetRecord, keys, RosterEntry } from "../../protocol/directory.ts";
import { freshRedis, redisUrl } from "../../test/stores/fixtures.ts";
import { Roster } from "./roster.ts";

const FLEET = "default/lane";
const record: FleetRecord = {
  namespace: "default",
  name: "lane",
  capacity: 20,
  onDemandSessions: 5,
  onDemandMax: 100,
};
const entry: RosterEntry = { state: "Ready", address: "10.0.0.1", port: 7001, life: "life-1", drainBy: 0 };
const lines: string[] = [];
const listen = () =>
  createLog({ name: "test", level: "warn", destination: { write: (line) => void lines.push(line) } });

let log: Log;
let redis: Redis;
let leads: boolean;
let roster: Roster;
const check = () => {
  if (!leads) throw fail("LEADERSHIP_LOST", "not the leader");
};

beforeAll(async () => {
  redis = await freshRedis();
});
afterAll(() => redis.disconnect());
beforeEach(async () => {
  await redis.flushall();
  lines.length = 0;
  log = listen();
  leads = true;
  roster = new Roster(redis, log, check);
});

/** All that Redis has of rosters. Asked over the roster's own connection: after whatever it has sent. */
async function told() {
  const fleets = (await redis.smembers(keys.fleets())).sort();
  const out: Record<string, { record: FleetRecord | null; servers: Record<string, RosterEntry> }> = {};
  for (const fleet of fleets) {
    const text = await redis.get(keys.fleet(fleet));
    const servers = Object.entries(await redis.hgetall(keys.roster(fleet)));
    out[fleet] = {
      record: text === null ? null : FleetRecord.parse(JSON.parse(text)),
      servers: Object.fromEntries(
        servers.map(([name, said]) => [name, RosterEntry.parse(JSON.parse(said))] as const),
      ),
    };
  }
  return out;
}

describe("what changes", () => {
  it("is written at once: fleets, servers, and their end", async () => {
    roster.setFleet(FLEET, record);
    roster.setServer(FLEET, "a", entry);
    roster.setServer(FLEET, "b", { ...entry, port: 7002 });
    await eventually(async () =>
      expect(await told()).toEqual({
        [FLEET]: { record, servers: { a: entry, b: { ...entry, port: 7002 } } },
      }),
    );
    roster.setServer(FLEET, "a", { ...entry, state: "Draining", drainBy: 5 });
    roster.removeServer(FLEET, "b");
    const now = { ...entry, state: "Draining", drainBy: 5 };
    await eventually(async () => expect(await told()).toEqual({ [FLEET]: { record, servers: { a: now } } }));
    expect(roster.server(FLEET, "a")).toEqual(now);
    expect(roster.server(FLEET, "b")).toBeUndefined();
    roster.removeFleet(FLEET);
    await eventually(async () => expect(await redis.keys("*")).toEqual([]));
    expect(lines).toEqual([]);
  });

  it("is all that is written: the same again costs no command", async () => {
    roster.setFleet(FLEET, record);
    roster.setServer(FLEET, "a", entry);
    await eventually(async () => expect((await told())[FLEET]?.servers).toEqual({ a: entry }));
    await redis.flushall();
    roster.setFleet(FLEET, { ...record });
    roster.setServer(FLEET, "a", { ...entry });
    roster.removeServer(FLEET, "never-was");
    roster.setServer(FLEET, "b", entry);
    // Commands of one connection run in order: once b is there, nothing sent before it is still on its way.
    await eventually(async () => expect(await redis.hkeys(keys.roster(FLEET))).toEqual(["b"]));
    expect(await redis.keys("*")).toEqual([keys.roster(FLEET)]);
  });
});

describe("republish", () => {
  it("tells everything again after Redis has lost it", async () => {
    roster.setFleet(FLEET, record);
    roster.setServer(FLEET, "a", entry);
    roster.setServer("default/alone", "s", entry);
    await eventually(async () => expect(await redis.exists(keys.roster("default/alone"))).toBe(1));
    await redis.flushall();
    await roster.republish();
    expect(await told()).toEqual({
      [FLEET]: { record, servers: { a: entry } },
      "default/alone": { record: null, servers: { s: entry } },
    });
  });

  it("takes out what Redis has and we do not: servers and fleets of an earlier leader", async () => {
    const earlier = new Roster(redis, log, check);
    earlier.setFleet("default/gone", record);
    earlier.setServer("default/gone", "x", entry);
    earlier.setServer(FLEET, "stale", entry);
    await earlier.republish();
    roster.setFleet(FLEET, record);
    roster.setServer(FLEET, "a", entry);
    await roster.republish();
    await eventually(async () =>
      expect(await told()).toEqual({ [FLEET]: { record, servers: { a: entry } } }),
    );
    expect(await redis.exists(keys.fleet("default/gone"), keys.roster("default/gone"))).toBe(0);
  });
});

describe("a process that does not lead", () => {
  it("writes nothing, and logs that it was refused", async () => {
    leads = false;
    roster.setFleet(FLEET, record);
    roster.setServer(FLEET, "a", entry);
    roster.removeServer(FLEET, "a");
    roster.removeFleet(FLEET);
    await expect(roster.republish()).rejects.toMatchObject({ code: "LEADERSHIP_LOST" });
    // Four writes, one cause, one line.
    await eventually(() => expect(lines).toHaveLength(1));
    expect(lines.join("")).toContain("not the leader");
    expect(await redis.keys("*")).toEqual([]);
  });

  it("wipes nothing of the leader that follows it", async () => {
    const next = new Roster(redis, log, () => {});
    next.setServer(FLEET, "b", entry);
    await next.republish();
    leads = false;
    await expect(roster.republish()).rejects.toMatchObject({ code: "LEADERSHIP_LOST" });
    expect((await told())[FLEET]?.servers).toEqual({ b: entry });
  });
});

it("what could not be written while Redis was away is written by the next round", async () => {
  const own = connectRedis({ url: redisUrl(), name: "test", log });
  await new Promise((resolve) => own.once("ready", resolve));
  roster = new Roster(own, log, check);
  own.disconnect();
  roster.setServer(FLEET, "a", entry);
  await eventually(() => expect(lines.join("")).toContain("roster not written"));
  expect(await redis.keys("*")).toEqual([]);
  await own.connect();
  const ending = new AbortController();
  const running = roster.run(ending.signal);
  await eventually(async () => expect((await told())[FLEET]?.servers).toEqual({ a: entry }));
  ending.abort();
  await running;
  own.disconnect();
});
