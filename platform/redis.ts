/**
 * Redis connections with the settings that a game server needs: commands fail fast when Redis is away
 * (no offline queue), and every command is raced against a deadline by its caller through `commandTimeout`.
 */
import { once } from "node:events";
import { Redis, type RedisOptions } from "ioredis";
import type { Log } from "./log.ts";

export { Command, type Redis } from "ioredis";

export interface RedisSettings {
  readonly url: string;
  readonly name: string;
  readonly log: Log;
  /** Longest wait for one command, ms. Default 1,000. */
  readonly commandTimeoutMs?: number;
}

/**
 * A connection that comes back by itself. `connect` is started, not awaited: the process must run while Redis
 * is away. Close it with `disconnect()`.
 */
export function connectRedis(settings: RedisSettings): Redis {
  const options: RedisOptions & { replyMapping: "legacy" } = {
    replyMapping: "legacy",
    connectionName: settings.name,
    commandTimeout: settings.commandTimeoutMs ?? 1_000,
    connectTimeout: 2_000,
    // Commands given while the connection is down fail at once: the caller knows what to do, a queue does not.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // ioredis sleeps up to this long while Redis loads its file; the default costs a needless second.
    maxLoadingRetryTime: 100,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000),
    enableAutoPipelining: true,
  };
  const redis = new Redis(settings.url, options);
  let away = false;
  redis.on("error", (err: Error) => {
    if (!away) settings.log.warn({ err: { message: err.message }, store: "redis" }, "store away");
    away = true;
  });
  redis.on("ready", () => {
    if (away) settings.log.info({ store: "redis" }, "store back");
    away = false;
  });
  return redis;
}

/** How long a start waits for a store that it can do without, ms. */
const FIRST_WAIT_MS = 1_000;

/** Resolves when the connection is made, or has not been for a second: what is done first need not fail for that. */
export async function firstConnection(redis: Redis): Promise<void> {
  if (redis.status === "ready") return;
  await once(redis, "ready", { signal: AbortSignal.timeout(FIRST_WAIT_MS) }).catch(() => {});
}
