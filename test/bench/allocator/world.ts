/**
 * The world around an allocator: a directory with servers that report each second, and PostgreSQL with their leases.
 * The servers are rows and samples only: no player connects in this benchmark.
 */
import type { Redis } from "ioredis";
import type { Pool } from "pg";
import { keys, LOAD_TTL_MS, type LoadSample } from "../../../protocol/directory.ts";

export interface WorldOptions {
  readonly redis: Redis;
  readonly pool: Pool;
  readonly servers: number;
  readonly sessionsPerServer: number;
  readonly sessionsPerZone: number;
}

export const FLEET = "default/bench";
const nameOf = (index: number) => `bench-${index}`;

/** Sets the directory and the leases up. */
export async function makeWorld({
  redis,
  pool,
  servers,
  sessionsPerServer,
  sessionsPerZone,
}: WorldOptions): Promise<void> {
  const record = { namespace: "default", name: "bench", capacity: sessionsPerServer };
  await redis.set(
    keys.fleet(FLEET),
    JSON.stringify({ ...record, onDemandSessions: sessionsPerZone, onDemandMax: 1_000_000 }),
  );
  await redis.sadd(keys.fleets(), FLEET);
  for (let index = 0; index < servers; index++) {
    const entry = {
      state: "Ready",
      address: "127.0.0.1",
      port: 7000 + (index % 1_000),
      life: "life",
      drainBy: 0,
    };
    await redis.hset(keys.roster(FLEET), nameOf(index), JSON.stringify(entry));
    await pool.query(
      "INSERT INTO server (id, fleet, life, lease_until) VALUES ($1, $2, 'life', 'infinity')",
      [`default/${nameOf(index)}`, FLEET],
    );
  }
}

/** One second in the life of all servers: they report the zones that the allocator made on them. */
export async function report({ redis, pool, servers, sessionsPerServer }: WorldOptions): Promise<void> {
  const rows = await pool.query<{ id: string; owner: string; capacity: number }>(
    "SELECT id, owner, capacity FROM zone WHERE fleet = $1",
    [FLEET],
  );
  // Whoever was given a seat has come: what the pods would see a moment later.
  const counting = redis.pipeline();
  for (const { id } of rows.rows) counting.zcard(keys.zoneSeats(FLEET, id));
  const counts = (await counting.exec()) ?? [];
  const zones = new Map<string, LoadSample["zones"]>();
  for (const [index, { id, owner, capacity }] of rows.rows.entries()) {
    const list = zones.get(owner) ?? [];
    const sessions = Number(counts[index]?.[1] ?? 0);
    list.push({ id, kind: "on-demand", epoch: 1, sessions, capacity, open: true });
    zones.set(owner, list);
  }
  const batch = redis.pipeline();
  for (let index = 0; index < servers; index++) {
    const sample: LoadSample = {
      v: 1,
      server: nameOf(index),
      fleet: "bench",
      life: "life",
      state: "Ready",
      cpuPercent: 20 + (index % 40),
      memoryBytes: 1,
      sessions: (zones.get(`default/${nameOf(index)}`) ?? []).reduce((sum, zone) => sum + zone.sessions, 0),
      capacity: sessionsPerServer,
      tickLatenessMs: 0,
      loopDelayMs: 0,
      zones: zones.get(`default/${nameOf(index)}`) ?? [],
    };
    batch.set(keys.load(`default/${nameOf(index)}`), JSON.stringify(sample), "PX", LOAD_TTL_MS);
  }
  await batch.exec();
}
