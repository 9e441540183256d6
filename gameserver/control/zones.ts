/**
 * The zones this pod serves: opened and closed here, on all threads together.
 *
 * Whether a pod *may* serve a zone is decided elsewhere (ownership.ts); this is how it does.
 */
import { fail } from "../../platform/errors.ts";
import type { OwnedZone } from "../../platform/ownership/ownership.ts";
import { MAX_ROWS, rowsOf, type ZoneMemory, zoneMemory } from "../simulation/memory.ts";
import type { Schema } from "../simulation/schema.ts";
import type { Threads } from "./threads.ts";

export interface OpenZone extends OwnedZone {
  /** Names the zone between threads for as long as it is open. */
  readonly index: number;
  readonly memory: ZoneMemory;
  /** Session id by player slot. */
  readonly seats: (string | undefined)[];
  /** Takes players. */
  open: boolean;
  /** The game has ended it. */
  over: boolean;
  /** Monotonic ms since which nobody is in it; undefined while somebody is. */
  emptySince: number | undefined;
}

export class Zones {
  readonly #threads: Pick<Threads, "simulation" | "transports">;
  readonly #schema: Schema;
  readonly #most: number;
  readonly #zones = new Map<string, OpenZone>();
  #index = 0;

  constructor(threads: Pick<Threads, "simulation" | "transports">, schema: Schema, most: number) {
    this.#threads = threads;
    this.#schema = schema;
    this.#most = most;
  }

  get(id: string): OpenZone | undefined {
    return this.#zones.get(id);
  }

  byIndex(index: number): OpenZone | undefined {
    return this.list().find((zone) => zone.index === index);
  }

  list(): OpenZone[] {
    return [...this.#zones.values()];
  }

  /** Opens a zone in the game's start state. Throws when the pod cannot hold it. */
  async open(owned: OwnedZone, nowMs: number): Promise<OpenZone> {
    if (this.#zones.size >= this.#most)
      throw fail("SERVER_FULL", `this server holds ${this.#most} zones already`);
    const rows = rowsOf(this.#schema, owned.capacity);
    if (rows > MAX_ROWS) {
      throw fail(
        "GAME_INVALID",
        `zone ${owned.id}: ${owned.capacity} players need ${rows} rows, more than ${MAX_ROWS}`,
      );
    }
    const index = ++this.#index;
    const memory = zoneMemory(this.#schema, owned.capacity);
    const seats: (string | undefined)[] = Array.from({ length: owned.capacity });
    await this.#threads.simulation.open(index, owned.id, owned.capacity, memory.buffer);
    for (const transport of this.#threads.transports)
      transport.openZone(index, owned.capacity, memory.buffer);
    const zone: OpenZone = { ...owned, index, memory, seats, open: true, over: false, emptySince: nowMs };
    this.#zones.set(owned.id, zone);
    return zone;
  }

  /** Ends a zone here. Its sessions must be gone. */
  async close(zone: OpenZone): Promise<void> {
    zone.open = false;
    this.#zones.delete(zone.id);
    for (const transport of this.#threads.transports) transport.closeZone(zone.index);
    await this.#threads.simulation.close(zone.index);
  }

  /** Takes the lowest free slot for a session. Throws `ZONE_FULL`. */
  seat(zone: OpenZone, session: string): number {
    const slot = zone.seats.indexOf(undefined);
    if (slot < 0)
      throw fail("ZONE_FULL", `zone ${zone.id} holds ${zone.capacity} of ${zone.capacity} sessions`);
    zone.seats[slot] = session;
    zone.emptySince = undefined;
    return slot;
  }

  unseat(zone: OpenZone, slot: number, nowMs: number): void {
    zone.seats[slot] = undefined;
    if (occupied(zone) === 0) zone.emptySince = nowMs;
  }
}

/** Sessions in a zone, connected or not. */
export function occupied(zone: OpenZone): number {
  return zone.seats.reduce((sum, seat) => sum + (seat === undefined ? 0 : 1), 0);
}
