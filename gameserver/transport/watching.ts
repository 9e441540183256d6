/**
 * Whom a spectator follows: one player of the zone at a time, counted in the zone's memory, so that every thread knows
 * who is watched. When the player is gone, the next one by slot is taken.
 */
import type { ZonePicture } from "../replication/zone-picture.ts";

/** Ticks between two searches while there is nobody to follow. */
const SEARCH_TICKS = 30;

export class Watching {
  readonly #picture: ZonePicture;
  #slot = -1;
  #id = 0;
  #searchedTick = Number.NEGATIVE_INFINITY;

  constructor(picture: ZonePicture) {
    this.#picture = picture;
  }

  /** Entity id, 0 while there is nobody. */
  get id(): number {
    return this.#id;
  }

  /** Follows the player whose entity has this id; with 0, or one that is nobody's, the next player. */
  follow(id: number): void {
    const { memory, identity } = this.#picture;
    const row = id & 0xffff;
    const owner = id !== 0 && row < identity.length ? (memory.owner[row] as number) : 0;
    const lives = owner > 0 && (identity[row] as number) >>> 16 === id >>> 16;
    if (lives) this.#set(owner - 1, id);
    else this.#next();
  }

  /** Answers whether somebody else is followed now than before. */
  refresh(tick: number): boolean {
    if (this.#alive()) return false;
    if (tick - this.#searchedTick < SEARCH_TICKS) return false;
    this.#searchedTick = tick;
    const before = this.#id;
    this.#next();
    return this.#id !== before;
  }

  stop(): void {
    this.#set(-1, 0);
  }

  #alive(): boolean {
    const { identity } = this.#picture;
    const now = identity[this.#id & 0xffff] as number;
    return this.#id !== 0 && (now & 0xff) !== 0 && now >>> 16 === this.#id >>> 16;
  }

  #next(): void {
    const { memory, identity } = this.#picture;
    const { slots, playerRow } = memory;
    for (let n = 1; n <= slots; n++) {
      const slot = (this.#slot + n + slots) % slots;
      const row = (playerRow[slot] as number) - 1;
      // A player who has only just joined is not in the picture yet.
      if (row < 0 || ((identity[row] as number) & 0xff) === 0) continue;
      this.#set(slot, (((identity[row] as number) & 0xffff_0000) | row) >>> 0);
      return;
    }
    this.#set(-1, 0);
  }

  #set(slot: number, id: number): void {
    const { watchers } = this.#picture.memory;
    if (slot !== this.#slot) {
      if (this.#slot >= 0) Atomics.sub(watchers, this.#slot, 1);
      if (slot >= 0) Atomics.add(watchers, slot, 1);
    }
    this.#slot = slot;
    this.#id = id;
  }
}
