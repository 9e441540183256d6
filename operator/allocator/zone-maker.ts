/**
 * Making on-demand zones. One at a time and server: of many requests that find no room at once, the first makes a
 * zone and the others wait for it, instead of each making its own.
 */
import type { Breaker } from "../../platform/breaker.ts";
import { fail } from "../../platform/errors.ts";
import { uuidv7 } from "../../platform/ids.ts";
import { createZone } from "../../platform/ownership/ownership.ts";
import type { Pool } from "../../platform/postgres.ts";
import type { Redis } from "../../platform/redis.ts";
import { keys } from "../../protocol/directory.ts";
import type { FleetView, ViewServer } from "./view.ts";

export interface NewZone {
  readonly server: ViewServer;
  readonly zone: string;
  readonly capacity: number;
}

interface Made extends NewZone {
  /** Seats that nobody here has been given yet. */
  left: number;
  readonly until: number;
}

/** How long a zone made here is filled from here: by then the pod's samples show it to everybody. */
const OWN_MS = 3_000;

export interface ZoneMakerOptions {
  readonly pool: Pool;
  readonly redis: Redis;
  readonly breaker: Breaker;
}

export class ZoneMaker {
  readonly #options: ZoneMakerOptions;
  readonly #making = new Map<string, Promise<Made>>();

  constructor(options: ZoneMakerOptions) {
    this.#options = options;
  }

  /** A zone on `server` with room for `count`: one just made here, or a new one. */
  async zoneOn(view: FleetView, server: ViewServer, count: number): Promise<NewZone> {
    const key = `${view.key} ${server.name} ${server.life}`;
    for (;;) {
      const made = this.#making.get(key);
      if (!made) break;
      const zone = await made;
      if (zone.left >= count && performance.now() < zone.until) {
        zone.left -= count;
        return zone;
      }
      if (this.#making.get(key) === made) this.#making.delete(key);
    }
    const making = this.#make(view, server);
    this.#making.set(key, making);
    try {
      const zone = await making;
      zone.left -= count;
      return zone;
    } catch (error) {
      this.#making.delete(key);
      throw error;
    }
  }

  async #make(view: FleetView, server: ViewServer): Promise<Made> {
    const { pool, redis, breaker } = this.#options;
    const zone = `z${uuidv7().replaceAll("-", "")}`;
    const capacity = view.record.onDemandSessions;
    const owner = `${view.record.namespace}/${server.name}`;
    const made = await breaker.run(() =>
      createZone(pool, { fleet: view.key, zone, owner, ownerLife: server.life, capacity }),
    );
    if (!made) {
      throw fail("ZONE_UNPLACED", `server ${server.name} has lost its lease; try again`, {
        retryAfterSeconds: 1,
      });
    }
    await redis.publish(keys.poke(owner), "zones").catch(() => {});
    return { server, zone, capacity, left: capacity, until: performance.now() + OWN_MS };
  }
}
