/** What an allocator reads: a fleet's record, its servers, their load. */
import type { Redis } from "ioredis";
import { register } from "../../platform/ownership/ownership.ts";
import type { Pool } from "../../platform/postgres.ts";
import { keys, type LoadSample, type RosterEntry } from "../../protocol/directory.ts";

export const FLEET = "default/lane";

export interface ServerOptions {
  readonly entry?: Partial<RosterEntry>;
  readonly sample?: Partial<LoadSample>;
}

/** Two servers with one fixed zone each of ten places, twenty places a server. */
export async function layOut(
  redis: Redis,
  pool: Pool,
  options: Record<string, ServerOptions>,
): Promise<void> {
  const names = await redis.keys("gf:*");
  const stale = names.filter((name) => name !== keys.jwks());
  if (stale.length > 0) await redis.del(...stale);
  await pool.query("DELETE FROM zone");
  const record = { namespace: "default", name: "lane", capacity: 20, onDemandSessions: 5, onDemandMax: 100 };
  await redis.set(keys.fleet(FLEET), JSON.stringify(record));
  for (const [name, { entry, sample }] of Object.entries(options)) {
    await register(pool, `default/${name}`, FLEET, "life");
    const zone = { id: `zone-${name}`, kind: "fixed", epoch: 1, sessions: 0, capacity: 10, open: true };
    const load = {
      v: 1,
      server: name,
      fleet: "lane",
      life: "life",
      state: "Ready",
      cpuPercent: 10,
      memoryBytes: 1,
      sessions: 0,
      capacity: 20,
      tickLatenessMs: 0,
      loopDelayMs: 0,
      zones: [zone],
      ...sample,
    };
    const said = { state: "Ready", address: "127.0.0.1", port: 7001, life: "life", drainBy: 0, ...entry };
    await redis.hset(keys.roster(FLEET), name, JSON.stringify(said));
    await redis.set(keys.load(`default/${name}`), JSON.stringify(load));
  }
  // Both replicas read a few times a second; what they knew of the last test must be gone.
  await new Promise((resolve) => setTimeout(resolve, 700));
}
