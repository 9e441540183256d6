import type { Redis } from "ioredis";
import { Redis as Client } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fail } from "../../platform/errors.ts";
import { silentLog } from "../../platform/log.ts";
import { counter, createRegistry, gauge } from "../../platform/metrics.ts";
import { MIGRATIONS } from "../../platform/ownership/migrations.ts";
import { createZone, listZones, register, release } from "../../platform/ownership/ownership.ts";
import { createPool, migrate, type Pool, query } from "../../platform/postgres.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { keys } from "../../protocol/directory.ts";
import { freshDatabase, freshRedis, redisUrl } from "../../test/stores/fixtures.ts";
import { type FleetZones, Placer } from "./placer.ts";
import type { ZoneServer } from "./zone-plan.ts";

const FLEET = "default/lane";
let redis: Redis;
let pool: Pool;
let fleets: FleetZones[];
let leads: boolean;
let refusals: number;
let placed: ReturnType<typeof counter>;
let waiting: ReturnType<typeof gauge<"fleet">>;
let placer: Placer;

beforeAll(async () => {
  redis = await freshRedis();
  const url = await freshDatabase();
  await migrate(url, MIGRATIONS, "ownership", silentLog());
  pool = createPool({ url, name: "test", log: silentLog() });
});
afterAll(async () => {
  redis.disconnect();
  await pool.end();
});
beforeEach(async () => {
  await pool.query("DELETE FROM zone");
  await pool.query("DELETE FROM server");
  const registry = createRegistry();
  placed = counter(registry, "placed_total", "Zones placed");
  waiting = gauge(registry, "waiting", "Zones that wait", ["fleet"]);
  leads = true;
  refusals = 0;
  fleets = [];
  placer = new Placer({
    pool,
    redis,
    log: silentLog(),
    placed,
    waiting,
    fleets: () => fleets,
    check: () => {
      if (leads) return;
      refusals += 1;
      throw fail("LEADERSHIP_LOST", "not the leader");
    },
  });
});

const server = (name: string, over: Partial<ZoneServer> = {}): ZoneServer => ({
  id: `default/${name}`,
  life: "life-1",
  usable: true,
  silent: false,
  draining: false,
  capacity: 100,
  sessionsByZone: new Map(),
  ...over,
});

function see(over: Partial<FleetZones> = {}): void {
  const fixed = [
    { name: "sol", sessions: 50 },
    { name: "vega", sessions: 50 },
  ];
  fleets = [{ fleet: FLEET, fixed, servers: [server("a"), server("b")], starting: 0, ...over }];
}

/** Both servers registered, both zones declared and placed. */
async function settled(): Promise<void> {
  await register(pool, "default/a", FLEET, "life-1");
  await register(pool, "default/b", FLEET, "life-1");
  see();
  await placer.round();
  await placer.round();
}

/** `zone owner epoch` of every row. */
const rows = async (fleet = FLEET) =>
  (await listZones(pool, fleet)).map((row) => `${row.id} ${row.owner ?? "-"} ${row.epoch}`);
const waits = async () => (await waiting.get()).values.map(({ value }) => value);

describe("a round", () => {
  it("declares the zones of the fleet, and the next one places them, spread", async () => {
    await register(pool, "default/a", FLEET, "life-1");
    await register(pool, "default/b", FLEET, "life-1");
    see();
    await placer.round();
    expect(await rows()).toEqual(["sol - 0", "vega - 0"]);
    await placer.round();
    expect(await rows()).toEqual(["sol default/a 1", "vega default/b 1"]);
    expect((await placed.get()).values[0]?.value).toBe(2);
    expect(await waits()).toEqual([0]);
  });

  it("changes nothing when all is well", async () => {
    await settled();
    const before = await pool.query("SELECT xmin, * FROM zone ORDER BY id");
    await placer.round();
    expect((await pool.query("SELECT xmin, * FROM zone ORDER BY id")).rows).toEqual(before.rows);
  });

  it("pokes the server that gets a zone", async () => {
    const listener = new Client(redisUrl());
    const heard: string[] = [];
    listener.on("message", (channel: string) => heard.push(channel));
    await listener.subscribe(keys.poke("default/a"), keys.poke("default/b"));
    await settled();
    await eventually(() => expect(heard.sort()).toEqual([keys.poke("default/a"), keys.poke("default/b")]));
    listener.disconnect();
  });

  it("follows a changed capacity", async () => {
    await settled();
    see({
      fixed: [
        { name: "sol", sessions: 70 },
        { name: "vega", sessions: 50 },
      ],
    });
    await placer.round();
    expect((await listZones(pool, FLEET)).map((row) => row.capacity)).toEqual([70, 50]);
  });

  it("gives nothing to servers that hold no lease, and says how many zones wait", async () => {
    see();
    await placer.round();
    await placer.round();
    expect(await rows()).toEqual(["sol - 0", "vega - 0"]);
    expect(await waits()).toEqual([2]);
    await register(pool, "default/a", FLEET, "another-life");
    await placer.round();
    expect(await waits()).toEqual([2]);
  });
});

describe("a zone whose server is lost", () => {
  it("is placed anew at the next epoch once lease and pod are gone, not before", async () => {
    await settled();
    see({ servers: [server("b")] });
    await placer.round();
    expect(await rows()).toEqual(["sol default/a 1", "vega default/b 1"]);
    await query(pool, "UPDATE server SET lease_until = now() - interval '1 ms' WHERE id = 'default/a'");
    see();
    await placer.round();
    expect(await rows()).toEqual(["sol default/a 1", "vega default/b 1"]);
    see({ servers: [server("b")] });
    await placer.round();
    expect(await rows()).toEqual(["sol default/b 2", "vega default/b 1"]);
  });

  it("is placed anew as soon as its server has given the lease up", async () => {
    await settled();
    await release(pool, "default/a", "life-1");
    see({ servers: [server("a", { usable: false, sessionsByZone: new Map([["sol", 9]]) }), server("b")] });
    await placer.round();
    expect(await rows()).toEqual(["sol default/b 2", "vega default/b 1"]);
  });

  it("goes to the next life of the same name", async () => {
    await settled();
    await register(pool, "default/a", FLEET, "life-2");
    see({ servers: [server("a", { life: "life-2" }), server("b")] });
    await placer.round();
    const [sol] = await listZones(pool, FLEET);
    expect(sol).toMatchObject({ owner: "default/a", ownerLife: "life-2", epoch: 2, leased: true });
  });
});

describe("a zone that is not wanted any more", () => {
  it("is removed when nobody plays in it", async () => {
    await settled();
    const playing = server("b", { sessionsByZone: new Map([["vega", 1]]) });
    see({ fixed: [], servers: [server("a"), playing] });
    await placer.round();
    expect(await rows()).toEqual(["vega default/b 1"]);
    see({ fixed: [] });
    await placer.round();
    expect(await rows()).toEqual([]);
  });

  it("stays while its fleet has vanished and its server lives; its row goes with the lease", async () => {
    await settled();
    fleets = [];
    await placer.round();
    expect(await rows()).toEqual(["sol default/a 1", "vega default/b 1"]);
    await release(pool, "default/a", "life-1");
    await placer.round();
    expect(await rows()).toEqual(["vega default/b 1"]);
    await release(pool, "default/b", "life-1");
    await placer.round();
    expect(await rows()).toEqual([]);
  });

  it("takes on-demand zones of a vanished fleet along, and leaves other fleets alone", async () => {
    await settled();
    await register(pool, "default/z", "default/other", "life-1");
    const request = { owner: "default/z", ownerLife: "life-1", capacity: 5 };
    await createZone(pool, { fleet: "default/other", zone: "match", ...request });
    await release(pool, "default/z", "life-1");
    await placer.round();
    expect(await rows("default/other")).toEqual([]);
    expect(await rows()).toHaveLength(2);
  });
});

describe("a process that does not lead", () => {
  it("declares, places, removes and forgets nothing", async () => {
    leads = false;
    see();
    await expect(placer.round()).rejects.toMatchObject({ code: "LEADERSHIP_LOST" });
    expect(await rows()).toEqual([]);
    leads = true;
    await placer.round();
    await register(pool, "default/a", FLEET, "life-1");
    leads = false;
    await expect(placer.round()).rejects.toMatchObject({ code: "LEADERSHIP_LOST" });
    expect(await rows()).toEqual(["sol - 0", "vega - 0"]);
    see({ fixed: [] });
    await expect(placer.round()).rejects.toMatchObject({ code: "LEADERSHIP_LOST" });
    fleets = [];
    await expect(placer.round()).rejects.toMatchObject({ code: "LEADERSHIP_LOST" });
    expect(await rows()).toEqual(["sol - 0", "vega - 0"]);
  });
});

it("runs: places what it has declared without waiting, goes on after an error, and ends with its signal", async () => {
  await register(pool, "default/a", FLEET, "life-1");
  see({ servers: [server("a")] });
  leads = false;
  const ending = new AbortController();
  const running = placer.run(ending.signal);
  await eventually(() => expect(refusals).toBeGreaterThan(0));
  leads = true;
  placer.poke();
  await eventually(async () => expect(await rows()).toEqual(["sol default/a 1", "vega default/a 1"]));
  ending.abort();
  await running;
});
