/**
 * What players wait for, in order: one heap by deadline for each player-facing band, over one set of items.
 *
 * While every deadline can be met the earliest goes first, whatever its band: that order misses none that any order
 * could meet. Once one is missed there is more work than time, and earliest-first would let everyone be late in turn;
 * then the higher band goes first. Nobody waits for ever: who is `AGED_MS` beyond its deadline goes before all.
 */
import { type Band, PLAYER_BANDS } from "./bands.ts";
import { DeadlineHeap } from "./heap.ts";

/** Longer than this beyond its deadline nothing is left waiting for a higher band. */
export const AGED_MS = 200;

export class PlayerQueue {
  readonly #engaged: DeadlineHeap;
  readonly #active: DeadlineHeap;
  readonly #calm: DeadlineHeap;
  readonly #heaps: readonly DeadlineHeap[];
  /** By item: the heap it is in. */
  readonly #band: Uint8Array;

  constructor(capacity: number) {
    const places = new Int32Array(capacity).fill(-1);
    this.#band = new Uint8Array(capacity);
    this.#engaged = new DeadlineHeap(capacity, places);
    this.#active = new DeadlineHeap(capacity, places);
    this.#calm = new DeadlineHeap(capacity, places);
    this.#heaps = [this.#engaged, this.#active, this.#calm];
  }

  get size(): number {
    return this.#engaged.size + this.#active.size + this.#calm.size;
  }

  /** How many wait in one band. */
  depth(band: number): number {
    return this.#heaps[band]?.size ?? 0;
  }

  has(item: number): boolean {
    return this.#engaged.has(item);
  }

  /** The deadline of an item that waits. */
  deadline(item: number): number {
    return (this.#heaps[this.#band[item] as number] as DeadlineHeap).key(item);
  }

  /** The earliest deadline of all, or Infinity. */
  get earliest(): number {
    return Math.min(this.#engaged.firstKey, this.#active.firstKey, this.#calm.firstKey);
  }

  /** `item` must not wait yet; `band` below `PLAYER_BANDS`. */
  push(item: number, band: Band, deadline: number): void {
    this.#band[item] = band;
    (this.#heaps[band] as DeadlineHeap).push(item, deadline);
  }

  /** Moves a waiting item to another deadline, and to another band if it must. */
  change(item: number, band: Band, deadline: number): void {
    const now = this.#band[item] as number;
    if (now === band) {
      (this.#heaps[band] as DeadlineHeap).change(item, deadline);
      return;
    }
    (this.#heaps[now] as DeadlineHeap).remove(item);
    this.push(item, band, deadline);
  }

  /** Gives a waiting item another deadline in its band. */
  rekey(item: number, deadline: number): void {
    const band = this.#band[item];
    const heap = band === 0 ? this.#engaged : band === 1 ? this.#active : this.#calm;
    heap.change(item, deadline);
  }

  remove(item: number): void {
    (this.#heaps[this.#band[item] as number] as DeadlineHeap).remove(item);
  }

  /** The next item at `nowMs`, still waiting; −1 when none waits. */
  peek(nowMs: number): number {
    const heap = this.#next(nowMs);
    return heap ? heap.first : -1;
  }

  /** Takes the next item at `nowMs`; −1 when none waits. */
  pop(nowMs: number): number {
    const heap = this.#next(nowMs);
    return heap ? heap.pop() : -1;
  }

  #next(nowMs: number): DeadlineHeap | undefined {
    // Called for every task: no destructuring, no array.
    const a = this.#engaged;
    const b = this.#active;
    const c = this.#calm;
    const key = Math.min(a.firstKey, b.firstKey, c.firstKey);
    // In time, or aged: by deadline. Late, or none has a deadline: by band.
    if (key !== Number.POSITIVE_INFINITY && (key >= nowMs || nowMs - key > AGED_MS))
      return key === a.firstKey ? a : key === b.firstKey ? b : c;
    return a.size > 0 ? a : b.size > 0 ? b : c.size > 0 ? c : undefined;
  }
}

/** Whether a band is ordered by deadline. */
export function isPlayerFacing(band: number): boolean {
  return band < PLAYER_BANDS;
}
