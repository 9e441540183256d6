/**
 * Redis is killed again and again while callers ask for places. What was answered must be there afterwards: the seat, the
 * session, and no zone with more players than it holds.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startAllocator } from "../../operator/allocator/allocator.ts";
import { readAllocatorConfig } from "../../operator/allocator/config.ts";
import type { Allocation } from "../../operator/allocator/schemas.ts";
import { silentLog } from "../../platform/log.ts";
import { MIGRATIONS } from "../../platform/ownership/migrations.ts";
import { createPool, migrate, type Pool } from "../../platform/postgres.ts";
import { keys, type LoadSample } from "../../protocol/directory.ts";
import { freshDatabase } from "../stores/fixtures.ts";
import { type Store, startRedis } from "../stores/stores.ts";
import { faultSeed, kills } from "./seed.ts";

const FLEET = "default/lane";
const ZONES = ["sol", "vega", "rigel"];
const CAPACITY = 400;
const TOKEN = "a-service-token-for-faults";
const folder = mkdtempSync(join(tmpdir(), "gamefleet-tokens-"));
let store: Store;
let pool: Pool;
let databaseUrl: string;

beforeAll(async () => {
  store = await startRedis();
  databaseUrl = await freshDatabase();
  await migrate(databaseUrl, MIGRATIONS, "ownership", silentLog());
  pool = createPool({ url: databaseUrl, name: "test", log: silentLog() });
  writeFileSync(join(folder, "test"), TOKEN);
});
afterAll(async () => {
  await store.stop();
  await pool.end();
  rmSync(folder, { recursive: true });
});

/** The directory, as operator and pod would publish it again after a loss. */
async function publish(redis: Redis): Promise<void> {
  const sample: LoadSample = {
    v: 1,
    server: "a",
    fleet: "lane",
    life: "1",
    state: "Ready",
    cpuPercent: 10,
    memoryBytes: 1,
    sessions: 0,
    capacity: 10_000,
    tickLatenessMs: 0,
    loopDelayMs: 0,
    zones: ZONES.map((id) => ({ id, kind: "fixed", epoch: 1, sessions: 0, capacity: CAPACITY, open: true })),
  };
  const record = {
    namespace: "default",
    name: "lane",
    capacity: 10_000,
    onDemandSessions: 0,
    onDemandMax: 0,
  };
  const entry = { state: "Ready", address: "127.0.0.1", port: 7000, life: "1", drainBy: 0 };
  await redis
    .multi()
    .set(keys.fleet(FLEET), JSON.stringify(record))
    .hset(keys.roster(FLEET), "a", JSON.stringify(entry))
    .set(keys.load("default/a"), JSON.stringify(sample))
    .exec();
}

it("keeps every place it gave, and gives none twice, while Redis is killed", async () => {
  const random = faultSeed("allocator under Redis kills");
  const redis = new Redis(store.url, { maxRetriesPerRequest: null });
  redis.on("error", () => {});
  await publish(redis);
  const config = readAllocatorConfig({
    GAMEFLEET_REDIS_URL: store.url,
    GAMEFLEET_DATABASE_URL: databaseUrl,
    GAMEFLEET_SERVICE_TOKENS_DIR: folder,
    GAMEFLEET_ALLOCATOR_PORT: "0",
    GAMEFLEET_ALLOCATOR_HOST: "127.0.0.1",
  });
  const allocator = await startAllocator(config, "0.0.0", silentLog());
  const stop = new AbortController();
  const given: Allocation[] = [];
  const refusals = new Map<string, number>();
  const caller = async (name: number) => {
    for (let n = 0; !stop.signal.aborted; n++) {
      // Each request is repeated under its key until it is answered, as a careful caller does.
      const body = JSON.stringify({
        fleet: "lane",
        players: [`p${name}-${n}`],
        requestKey: `request-${name}-${n}`,
      });
      for (let answered = false; !answered && !stop.signal.aborted; ) {
        const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
        const answer = await fetch(`${allocator.url}/v1/allocations`, { method: "POST", headers, body });
        const json = (await answer.json()) as Allocation & { code?: string };
        if (answer.ok) given.push(json);
        else refusals.set(json.code ?? "?", (refusals.get(json.code ?? "?") ?? 0) + 1);
        answered = answer.ok || json.code === "FLEET_FULL";
        if (!answer.ok) await sleep(20);
      }
      await sleep(10 + random() * 20);
    }
  };
  const callers = Array.from({ length: 6 }, (_, name) => caller(name));
  for (let kill = 0; kill < kills(); kill++) {
    await sleep(300 + random() * 700);
    await store.kill();
    await sleep(random() * 300);
    await store.start();
  }
  await sleep(500);
  stop.abort();
  await Promise.all(callers);
  await allocator.close();

  expect(given.length).toBeGreaterThan(50);
  expect(refusals.get("INTERNAL")).toBeUndefined();
  for (const { zone, server, sessions } of given) {
    const [seat] = sessions;
    const where = `${zone} ${seat?.session}`;
    expect(await redis.zscore(keys.zoneSeats(FLEET, zone), seat?.session ?? ""), where).not.toBeNull();
    expect(await redis.zscore(keys.serverSeats(FLEET, server), seat?.session ?? ""), where).not.toBeNull();
    expect(await redis.exists(keys.session(FLEET, seat?.session ?? "")), where).toBe(1);
  }
  const tickets = given.map((answer) => answer.sessions[0]?.ticket);
  expect(new Set(tickets).size).toBe(tickets.length);
  for (const zone of ZONES)
    expect(await redis.zcard(keys.zoneSeats(FLEET, zone))).toBeLessThanOrEqual(CAPACITY);
  redis.disconnect();
});
