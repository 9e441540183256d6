/**
 * PostgreSQL is killed again and again while several placers fight over the same zones. Whatever they were told, no epoch
 * of a zone has ever had two owners, and no epoch went back.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { silentLog } from "../../platform/log.ts";
import { MIGRATIONS } from "../../platform/ownership/migrations.ts";
import { declareZone, listZones, place, register } from "../../platform/ownership/ownership.ts";
import { createPool, migrate, type Pool } from "../../platform/postgres.ts";
import { type Store, startPostgres } from "../stores/stores.ts";
import { faultSeed, kills } from "./seed.ts";

const FLEET = "default/lane";
const ZONES = ["sol", "vega"];
const OWNERS = ["default/a", "default/b", "default/c"];
let store: Store;
const pools: Pool[] = [];

beforeAll(async () => {
  store = await startPostgres();
  await migrate(store.url, MIGRATIONS, "ownership", silentLog());
});
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await store.stop();
});

it("has one owner for each epoch, while PostgreSQL is killed", async () => {
  const random = faultSeed("ownership under PostgreSQL kills");
  const setup = createPool({ url: store.url, name: "setup", log: silentLog() });
  pools.push(setup);
  for (const owner of OWNERS) await register(setup, owner, FLEET, "1");
  for (const zone of ZONES) await declareZone(setup, FLEET, zone, "fixed", 10);
  const stop = new AbortController();
  const owners = new Map<string, string>();
  let changes = 0;
  let unknown = 0;
  const placer = async (owner: string) => {
    const pool = createPool({ url: store.url, name: owner, log: silentLog() });
    pools.push(pool);
    while (!stop.signal.aborted) {
      try {
        await register(pool, owner, FLEET, "1");
        const rows = await listZones(pool, FLEET);
        const row = rows[Math.floor(random() * rows.length)];
        if (!row) continue;
        const epoch = await place(pool, {
          fleet: FLEET,
          zone: row.id,
          epoch: row.epoch,
          owner,
          ownerLife: "1",
        });
        if (epoch === undefined) continue;
        const key = `${row.id}@${epoch}`;
        expect(owners.has(key), `${key} was given to ${owners.get(key)} and to ${owner}`).toBe(false);
        owners.set(key, owner);
        changes += 1;
      } catch (error) {
        if (error instanceof Error && error.name === "AssertionError") throw error;
        unknown += 1;
        await sleep(20);
      }
    }
  };
  const placers = OWNERS.map(placer);
  const highest = new Map<string, number>();
  for (let kill = 0; kill < kills(); kill++) {
    await sleep(200 + random() * 600);
    await store.kill();
    await store.start();
    for (const { id, epoch, owner } of await listZones(setup, FLEET)) {
      expect(epoch).toBeGreaterThanOrEqual(highest.get(id) ?? 0);
      highest.set(id, epoch);
      const told = owners.get(`${id}@${epoch}`);
      // Whoever was told that it owns this epoch is the one in the row; nobody may have been told (a lost answer).
      if (told !== undefined) expect(owner).toBe(told);
    }
  }
  stop.abort();
  await Promise.all(placers);
  expect(changes).toBeGreaterThan(20);
  expect(unknown).toBeGreaterThan(0);
});
