/** The allocator role, put together: stores, signer, views, HTTP. Any number of replicas may run. */
import { sleep } from "../../platform/background.ts";
import { createBreaker } from "../../platform/breaker.ts";
import { Callers } from "../../platform/callers.ts";
import { hasCode, messageOf } from "../../platform/errors.ts";
import { createHttpServer } from "../../platform/http.ts";
import type { Log } from "../../platform/log.ts";
import { addProcessMetrics, counter, createRegistry, histogram } from "../../platform/metrics.ts";
import { createPool } from "../../platform/postgres.ts";
import { connectRedis } from "../../platform/redis.ts";
import type { AllocatorConfig } from "./config.ts";
import { addRoutes } from "./routes.ts";
import { Seats } from "./seats.ts";
import { Signer } from "./signer.ts";
import { Views } from "./views.ts";
import { ZoneMaker } from "./zone-maker.ts";

export interface RunningAllocator {
  readonly url: string;
  /** Stops taking requests, ends the background work, closes the stores. */
  close(): Promise<void>;
}

export async function startAllocator(
  config: AllocatorConfig,
  version: string,
  log: Log,
): Promise<RunningAllocator> {
  const registry = createRegistry();
  addProcessMetrics(registry);
  const redis = connectRedis({ url: config.GAMEFLEET_REDIS_URL, name: "gamefleet-allocator", log });
  const pool = createPool({ url: config.GAMEFLEET_DATABASE_URL, name: "gamefleet-allocator", log });
  const breaker = createBreaker({
    name: "ownership",
    registry,
    ignore: (error) => hasCode(error, "ZONE_UNPLACED"),
  });
  const signer = new Signer({ redis, log, rotationMs: config.GAMEFLEET_KEY_ROTATION });
  const views = new Views(redis, log);
  const callers = new Callers(config.GAMEFLEET_SERVICE_TOKENS_DIR, log);
  await callers.load();
  const stop = new AbortController();
  const ready = () => {
    if (stop.signal.aborted) return "stopping";
    if (!signer.ready) return "no signing key published yet";
    return redis.status === "ready" ? undefined : "redis is away";
  };
  const server = await createHttpServer({ name: "gamefleet allocator", version, log, registry, ready });
  const parts = {
    redis,
    views,
    seats: new Seats(redis),
    signer,
    zones: new ZoneMaker({ pool, redis, views, breaker }),
    random: Math.random,
  };
  await addRoutes(server, {
    parts,
    callers,
    allocations: counter(
      registry,
      "gamefleet_allocations_total",
      "Allocations by result: allocated, fleet_full, zone_full, zone_unplaced, idempotency_conflict, or error",
      ["result"],
    ),
    seconds: histogram(registry, "gamefleet_allocation_seconds", "Time to answer an allocation"),
    ratePerCaller: config.GAMEFLEET_RATE_PER_CALLER,
    ratePerAddress: config.GAMEFLEET_RATE_PER_ADDRESS,
  });
  const background = [signerLife(signer, log, stop.signal), views.run(stop.signal), callers.run(stop.signal)];
  const url = await server.listen({
    host: config.GAMEFLEET_ALLOCATOR_HOST,
    port: config.GAMEFLEET_ALLOCATOR_PORT,
  });
  log.info({ url }, "allocator listening");
  return {
    url,
    close: async () => {
      stop.abort();
      await server.close();
      await Promise.all(background);
      signer.close();
      breaker.close();
      redis.disconnect();
      await pool.end();
    },
  };
}

/** The first key is tried until Redis takes it; then it is kept published. */
async function signerLife(signer: Signer, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !signer.ready) {
    try {
      await signer.start();
    } catch (error) {
      log.warn({ err: { message: messageOf(error) } }, "signing key not published; no tickets yet");
      await sleep(250, signal);
    }
  }
  await signer.run(signal);
}
