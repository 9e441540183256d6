/**
 * The placer: keeps every zone of every fleet served. Runs on the leader, once a second and at once when a server
 * changes. Each change of owner is a compare-and-set in PostgreSQL, so a placer that is no longer the leader, or two
 * at once, can waste work but never give one zone to two servers.
 */
import { sleep } from "../../platform/background.ts";
import type { Log } from "../../platform/log.ts";
import type { Counter, Gauge } from "../../platform/metrics.ts";
import {
  declareZone,
  listServers,
  listZoneFleets,
  listZones,
  place,
  removeZone,
} from "../../platform/ownership/ownership.ts";
import type { Pool } from "../../platform/postgres.ts";
import type { Redis } from "../../platform/redis.ts";
import { warnAgain } from "../../platform/warn-again.ts";
import { type FleetKey, keys } from "../../protocol/directory.ts";
import { type FixedZone, planZones, type ZoneServer } from "./zone-plan.ts";

export const PLACE_EVERY_MS = 1_000;

export interface FleetZones {
  readonly fleet: FleetKey;
  readonly fixed: readonly FixedZone[];
  /** Servers that Kubernetes knows to live, with what their samples say. */
  readonly servers: readonly ZoneServer[];
  /** Servers that started not long ago and are not ready yet. */
  readonly starting: number;
}

export interface PlacerOptions {
  readonly pool: Pool;
  readonly redis: Redis;
  readonly log: Log;
  readonly placed: Counter;
  readonly waiting: Gauge<"fleet">;
  /** All fleets as the caches see them. */
  readonly fleets: () => readonly FleetZones[];
  /** Throws when this process is not the leader (any more). */
  readonly check: () => void;
}

export class Placer {
  readonly #options: PlacerOptions;
  #wake: (() => void) | undefined;
  #poked = false;

  constructor(options: PlacerOptions) {
    this.#options = options;
  }

  /** Look at once: something changed. */
  poke(): void {
    this.#poked = true;
    this.#wake?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#poked = false;
      try {
        await this.round();
      } catch (error) {
        if (!signal.aborted) warnAgain(this.#options.log, "zones not placed", error);
      }
      if (!this.#poked) await this.#rest(signal);
    }
  }

  /** One look at all fleets. */
  async round(): Promise<void> {
    const fleets = this.#options.fleets();
    for (const fleet of fleets) await this.#placeFleet(fleet);
    await this.#forget(new Set(fleets.map((entry) => entry.fleet)));
  }

  async #placeFleet({ fleet, fixed, servers, starting }: FleetZones): Promise<void> {
    const { pool, redis, log } = this.#options;
    const [rows, registered] = await Promise.all([listZones(pool, fleet), listServers(pool, fleet)]);
    const leased = new Set(registered.filter((row) => row.leased).map((row) => `${row.id} ${row.life}`));
    const usable = servers.map((server) => ({
      ...server,
      usable: server.usable && leased.has(`${server.id} ${server.life}`),
    }));
    const plan = planZones(fixed, rows, usable, starting);
    for (const zone of plan.declare) {
      this.#options.check();
      await declareZone(pool, fleet, zone.name, "fixed", zone.sessions);
    }
    for (const { zone, epoch } of plan.remove) {
      this.#options.check();
      if (await removeZone(pool, fleet, zone, epoch)) log.info({ fleet, zone }, "zone removed");
    }
    for (const request of plan.place) {
      this.#options.check();
      const next = await place(pool, { fleet, ...request });
      if (next === undefined) continue;
      this.#options.placed.inc();
      log.info({ fleet, zone: request.zone, server: request.owner, epoch: next }, "zone placed");
      await redis.publish(keys.poke(request.owner), "zones").catch(() => {});
    }
    this.#options.waiting.set({ fleet }, plan.waiting.length);
    // Zones just declared are placed by the next round, which shall come now.
    if (plan.declare.length > 0) this.poke();
  }

  /** Zones of fleets that no longer exist: once nobody can be serving them, their rows go. */
  async #forget(known: ReadonlySet<FleetKey>): Promise<void> {
    const { pool } = this.#options;
    for (const fleet of await listZoneFleets(pool)) {
      if (known.has(fleet)) continue;
      for (const row of await listZones(pool, fleet)) {
        this.#options.check();
        if (!row.leased) await removeZone(pool, fleet, row.id, row.epoch);
      }
    }
  }

  async #rest(signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await sleep(PLACE_EVERY_MS, AbortSignal.any([signal, woken.signal]));
    this.#wake = undefined;
  }
}
