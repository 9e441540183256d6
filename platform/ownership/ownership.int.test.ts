import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshDatabase } from "../../test/stores/fixtures.ts";
import { silentLog } from "../log.ts";
import { createPool, migrate, type Pool, query } from "../postgres.ts";
import { MIGRATIONS } from "./migrations.ts";
import {
  closeZone,
  createZone,
  declareZone,
  hold,
  LEASE_MS,
  listServers,
  listZones,
  place,
  register,
  release,
  removeZone,
} from "./ownership.ts";

const FLEET = "default/starlanes";
let pool: Pool;

beforeAll(async () => {
  const url = await freshDatabase();
  await Promise.all([1, 2, 3].map(() => migrate(url, MIGRATIONS, "ownership", silentLog())));
  pool = createPool({ url, name: "test", log: silentLog() });
});
afterAll(() => pool.end());

const expireLease = (server: string) =>
  query(pool, "UPDATE server SET lease_until = now() - interval '1 ms' WHERE id = $1", [server]);

describe("a lease", () => {
  it("is renewed by hold, which lists the zones of this life only", async () => {
    await register(pool, "default/a", FLEET, "life-1");
    await declareZone(pool, FLEET, "sol", "fixed", 50);
    expect(await hold(pool, "default/a", "life-1")).toEqual([]);
    expect(
      await place(pool, { fleet: FLEET, zone: "sol", epoch: 0, owner: "default/a", ownerLife: "life-1" }),
    ).toBe(1);
    expect(await hold(pool, "default/a", "life-1")).toEqual([
      { id: "sol", kind: "fixed", epoch: 1, capacity: 50 },
    ]);
  });

  it("passes to the next life of the name: the earlier one is fenced and its zones are unleased", async () => {
    await register(pool, "default/a", FLEET, "life-2");
    expect(await hold(pool, "default/a", "life-1")).toBeUndefined();
    expect(await hold(pool, "default/a", "life-2")).toEqual([]);
    const [zone] = await listZones(pool, FLEET);
    expect(zone).toMatchObject({ id: "sol", owner: "default/a", ownerLife: "life-1", leased: false });
  });

  it("ends by release and by time", async () => {
    await place(pool, { fleet: FLEET, zone: "sol", epoch: 1, owner: "default/a", ownerLife: "life-2" });
    const sol = async () => (await listZones(pool, FLEET)).find((zone) => zone.id === "sol");
    expect(await sol()).toMatchObject({ leased: true, released: false });
    await release(pool, "default/a", "life-2");
    expect(await sol()).toMatchObject({ leased: false, released: true });
    expect(await listServers(pool, FLEET)).toEqual([{ id: "default/a", life: "life-2", leased: false }]);
    await hold(pool, "default/a", "life-2");
    expect((await listServers(pool, FLEET))[0]?.leased).toBe(true);
    await expireLease("default/a");
    expect((await listServers(pool, FLEET))[0]?.leased).toBe(false);
    expect(await sol()).toMatchObject({ leased: false, released: false });
    expect(LEASE_MS).toBeGreaterThan(0);
  });
});

describe("placing a zone", () => {
  it("is won by exactly one of many that saw the same epoch", async () => {
    await declareZone(pool, FLEET, "vega", "fixed", 50);
    for (const name of ["b", "c", "d", "e"]) await register(pool, `default/${name}`, FLEET, "x");
    const tries = ["b", "c", "d", "e"].map((name) =>
      place(pool, { fleet: FLEET, zone: "vega", epoch: 0, owner: `default/${name}`, ownerLife: "x" }),
    );
    const epochs = (await Promise.all(tries)).filter((epoch) => epoch !== undefined);
    expect(epochs).toEqual([1]);
  });

  it("is refused to a server whose lease has ended", async () => {
    await expireLease("default/b");
    expect(
      await place(pool, { fleet: FLEET, zone: "vega", epoch: 1, owner: "default/b", ownerLife: "x" }),
    ).toBeUndefined();
  });
});

describe("an on-demand zone", () => {
  it("is made once, served from the start, and closed only by its owner at its epoch", async () => {
    const request = { fleet: FLEET, zone: "match-1", owner: "default/c", ownerLife: "x", capacity: 10 };
    expect(await createZone(pool, request)).toBe(true);
    expect(await createZone(pool, { ...request, owner: "default/d" })).toBe(false);
    expect(await closeZone(pool, FLEET, "match-1", "default/d", 1)).toBe(false);
    expect(await closeZone(pool, FLEET, "match-1", "default/c", 2)).toBe(false);
    expect(await closeZone(pool, FLEET, "match-1", "default/c", 1)).toBe(true);
    expect(await removeZone(pool, FLEET, "match-1", 1)).toBe(false);
  });

  it("is not made on a server that is gone", async () => {
    const request = { fleet: FLEET, zone: "match-2", owner: "default/nobody", ownerLife: "x", capacity: 10 };
    expect(await createZone(pool, request)).toBe(false);
  });
});
