/**
 * Making on-demand zones, one at a time and server: of many requests that find no room at once, the first makes a
 * zone and the others wait for it, instead of each making its own. Where players come fast, a zone is made before the
 * last one is full: nobody waits for PostgreSQL then.
 */
import type { Breaker } from "../../platform/breaker.ts";
import { fail } from "../../platform/errors.ts";
import { uuidv7 } from "../../platform/ids.ts";
import { createZone } from "../../platform/ownership/ownership.ts";
import type { Pool } from "../../platform/postgres.ts";
import type { Redis } from "../../platform/redis.ts";
import { keys } from "../../protocol/directory.ts";
import { roomIn } from "./choose.ts";
import type { FleetView, ViewServer, ViewZone } from "./view.ts";
import type { Views } from "./views.ts";

/**
 * Share of the players of late (`pending`, two seconds of them) that there must be room for on a server: half a second
 * of them, far more time than a zone takes to be made. Where fewer than four come, none is made ahead.
 */
const AHEAD = 1 / 4;

export interface ZoneMakerOptions {
  readonly pool: Pool;
  readonly redis: Redis;
  readonly views: Views;
  readonly breaker: Breaker;
}

export class ZoneMaker {
  readonly #options: ZoneMakerOptions;
  readonly #making = new Map<string, Promise<ViewZone>>();

  constructor(options: ZoneMakerOptions) {
    this.#options = options;
  }

  /** A zone that is made on `server` now, and seen by all who choose from then on. Others may be given its seats. */
  zoneOn(view: FleetView, server: ViewServer): Promise<ViewZone> {
    const key = `${view.key} ${server.name} ${server.life}`;
    const before = this.#making.get(key);
    if (before) return before;
    const making = this.#make(view, server).finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return making;
  }

  /** Makes a zone on `server` when its room will not last; after giving a seat there. Never throws. */
  ahead(view: FleetView, server: ViewServer): void {
    const { onDemandSessions, onDemandMax } = view.record;
    if (onDemandSessions === 0 || view.onDemandZones >= onDemandMax) return;
    const room = server.zones.reduce((sum, zone) => sum + Math.max(0, roomIn(zone)), 0);
    const needed = Math.floor(server.pending * AHEAD);
    if (room >= needed || server.capacity - server.taken <= room) return;
    // Whoever needs it and does not get it is told.
    void this.zoneOn(view, server).catch(() => {});
  }

  async #make(view: FleetView, { name, life }: ViewServer): Promise<ViewZone> {
    const { pool, redis, views, breaker } = this.#options;
    const id = `z${uuidv7().replaceAll("-", "")}`;
    const capacity = view.record.onDemandSessions;
    const owner = `${view.record.namespace}/${name}`;
    const made = await breaker.run(() =>
      createZone(pool, { fleet: view.key, zone: id, owner, ownerLife: life, capacity }),
    );
    if (!made) {
      throw fail("ZONE_UNPLACED", `server ${name} has lost its lease; try again`, { retryAfterSeconds: 1 });
    }
    const zone: ViewZone = { id, kind: "on-demand", capacity, open: true, taken: 0 };
    views.made(view.key, { server: name, life, zone });
    await redis.publish(keys.poke(owner), "zones").catch(() => {});
    return zone;
  }
}
