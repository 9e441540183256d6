/**
 * Keeps this pod's lease and follows its zones: every 2 s, at once when poked, and when a ticket names a zone that is
 * not open here. What the store says this life holds is what is open; nothing else is.
 *
 * While PostgreSQL is away the zones stay as they are: players go on playing. See stores.ts for when that ends.
 */
import { loop } from "../../platform/background.ts";
import { fail, messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import { closeZone, hold, type OwnedZone, register } from "../../platform/ownership/ownership.ts";
import type { Pool } from "../../platform/postgres.ts";
import { warnAgain } from "../../platform/warn-again.ts";
import type { StoreHealth } from "./stores.ts";
import { planZones } from "./zone-plan.ts";
import { type OpenZone, occupied, type Zones } from "./zones.ts";

const LOOK_MS = 2_000;

export interface OwnershipOptions {
  readonly pool: Pool;
  /** ServerKey, FleetKey and life of this pod. */
  readonly server: string;
  readonly fleet: string;
  readonly life: string;
  readonly zones: Zones;
  readonly emptyZoneMs: number;
  readonly health: StoreHealth;
  readonly log: Log;
  /** Ends the sessions of a zone that is lost or over; afterwards the zone is closed. */
  readonly evict: (zone: OpenZone, why: "moved" | "ended") => Promise<void>;
  /** Zones were opened: whoever looks for their players' server should hear of it now. */
  readonly opened: () => void;
}

export class Ownership {
  readonly #options: OwnershipOptions;
  #registered = false;
  #fenced = false;
  #again = false;
  #looking: Promise<void> | undefined;

  constructor(options: OwnershipOptions) {
    this.#options = options;
  }

  /** True once the first list of zones was read and opened. */
  get settled(): boolean {
    return this.#registered && this.#looking === undefined;
  }

  /** True when another life of this server has taken its name: nothing may be served here any more. */
  get fenced(): boolean {
    return this.#fenced;
  }

  run(signal: AbortSignal): Promise<void> {
    return loop(() => this.look(), {
      everyMs: LOOK_MS,
      signal,
      onError: (error) => warnAgain(this.#options.log, "lease not renewed", error),
    });
  }

  /** Renews the lease and opens and closes zones. A call during another one makes it look once more. */
  look(): Promise<void> {
    this.#again = true;
    this.#looking ??= this.#lookUntilQuiet();
    return this.#looking;
  }

  /** The open zone; looks once when it is not known. Throws ZONE_NOT_FOUND or STORE_UNAVAILABLE. */
  async zone(id: string): Promise<OpenZone> {
    const { zones } = this.#options;
    if (!zones.get(id)) {
      await this.look().catch((cause: unknown) => {
        throw fail("STORE_UNAVAILABLE", `whether zone ${id} is served here cannot be known now`, { cause });
      });
    }
    const zone = zones.get(id);
    if (!zone) throw fail("ZONE_NOT_FOUND", `zone ${id} is not served here`);
    return zone;
  }

  async #lookUntilQuiet(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        await this.#follow(await this.#held());
        await this.#closeEmpty();
      }
    } finally {
      // In one step with the last look at `again`: a call in between would be told of a look that is over.
      this.#looking = undefined;
    }
  }

  /** Zones of this life; none when it is fenced. */
  async #held(): Promise<OwnedZone[]> {
    const { pool, server, fleet, life, health, log } = this.#options;
    try {
      // Once only: a life that was fenced must not take its name back.
      if (!this.#registered) await register(pool, server, fleet, life);
      this.#registered = true;
      const held = await hold(pool, server, life);
      health.note("postgres", true);
      if (held) return held;
      if (!this.#fenced) log.error({ server, life }, "fenced: another life has this server's name");
      this.#fenced = true;
      return [];
    } catch (error) {
      health.note("postgres", false);
      throw error;
    }
  }

  async #follow(held: readonly OwnedZone[]): Promise<void> {
    const { zones, log, evict, opened } = this.#options;
    const served = zones.list().map((zone) => ({ ...zone, sessions: occupied(zone) }));
    const plan = planZones(served, held);
    for (const id of plan.close) {
      const zone = zones.get(id);
      if (!zone) continue;
      zone.open = false;
      await evict(zone, "moved");
      await zones.close(zone);
      log.info({ zone: id, epoch: zone.epoch }, "zone closed: not ours any more");
    }
    for (const owned of plan.open) {
      try {
        await zones.open(owned, performance.now());
        log.info({ zone: owned.id, epoch: owned.epoch, capacity: owned.capacity }, "zone opened");
      } catch (error) {
        log.error({ zone: owned.id, err: { message: messageOf(error) } }, "zone cannot be opened");
      }
    }
    if (plan.open.length > 0) opened();
  }

  async #closeEmpty(): Promise<void> {
    const { zones, pool, fleet, server, emptyZoneMs, log } = this.#options;
    const since = performance.now() - emptyZoneMs;
    for (const zone of zones.list()) {
      if (zone.kind !== "on-demand" || zone.emptySince === undefined) continue;
      if (!zone.over && zone.emptySince > since) continue;
      zone.open = false;
      const gone = await closeZone(pool, fleet, zone.id, server, zone.epoch).catch(() => undefined);
      // Somebody may have been seated while we asked; the next look will find the row gone and say "moved".
      if (gone === undefined) zone.open = !zone.over;
      else await zones.close(zone);
      log.info({ zone: zone.id, closed: gone }, "empty zone");
    }
  }
}
