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
  readonly #heaps: readonly [DeadlineHeap, DeadlineHeap, DeadlineHeap];
  readonly #keys: Float64Array;
  /** By item: the heap it is in. */
  readonly #band: Uint8Array;

  constructor(capacity: number) {
    const shared = { keys: new Float64Array(capacity), places: new Int32Array(capacity).fill(-1) };
    this.#keys = shared.keys;
    this.#band = new Uint8Array(capacity);
    this.#heaps = [
      new DeadlineHeap(capacity, shared),
      new DeadlineHeap(capacity, shared),
      new DeadlineHeap(capacity, shared),
    ];
  }

  get size(): number {
    const [a, b, c] = this.#heaps;
    return a.size + b.size + c.size;
  }

  /** How many wait in one band. */
  depth(band: number): number {
    return this.#heaps[band]?.size ?? 0;
  }

  has(item: number): boolean {
    return this.#heaps[0].has(item);
  }

  /** The deadline of a waiting item. */
  deadline(item: number): number {
    return this.#keys[item] as number;
  }

  /** The earliest deadline of all, or Infinity. */
  get earliest(): number {
    const [a, b, c] = this.#heaps;
    return Math.min(a.firstKey, b.firstKey, c.firstKey);
  }

  /** `item` must not wait yet; `band` below `PLAYER_BANDS`. */
  push(item: number, band: Band, deadline: number): void {
    this.#band[item] = band;
    (this.#heaps[band as number] as DeadlineHeap).push(item, deadline);
  }

  /** Moves a waiting item to another deadline, and to another band if it must. */
  change(item: number, band: Band, deadline: number): void {
    const now = this.#band[item] as number;
    if (now === band) {
      (this.#heaps[band as number] as DeadlineHeap).change(item, deadline);
      return;
    }
    (this.#heaps[now] as DeadlineHeap).remove(item);
    this.push(item, band, deadline);
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
    const [a, b, c] = this.#heaps;
    const [ka, kb, kc] = [a.firstKey, b.firstKey, c.firstKey];
    const earliest = ka <= kb && ka <= kc ? a : kb <= kc ? b : c;
    const key = earliest.firstKey;
    // In time, or aged: by deadline. Late, or none has a deadline: by band.
    if (key !== Number.POSITIVE_INFINITY && (key >= nowMs || nowMs - key > AGED_MS)) return earliest;
    return a.size > 0 ? a : b.size > 0 ? b : c.size > 0 ? c : undefined;
  }
}

/** Whether a band is ordered by deadline. */
export function isPlayerFacing(band: number): boolean {
  return band < PLAYER_BANDS;
}
