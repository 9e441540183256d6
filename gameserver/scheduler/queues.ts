/** Where ready tasks wait: heaps by deadline for the player-facing bands, rings for the rest. */
import { BANDS, type Band } from "./bands.ts";
import { isPlayerFacing, PlayerQueue } from "./player-queue.ts";
import { Ring } from "./ring.ts";

export class ReadyQueues {
  readonly players: PlayerQueue;
  readonly #rings: readonly Ring[];
  /** By task: the band it waits in, or −1. */
  readonly #in: Int8Array;
  /** Bit by band: whether a ring holds a task. */
  #filled = 0;

  constructor(capacity: number) {
    this.players = new PlayerQueue(capacity);
    const places = new Int32Array(capacity).fill(-1);
    this.#rings = Array.from(
      { length: BANDS },
      (_, band) => new Ring(isPlayerFacing(band) ? 0 : capacity, places),
    );
    this.#in = new Int8Array(capacity).fill(-1);
  }

  /** One bit for each band below the player-facing ones in which a task waits. */
  get filled(): number {
    return this.#filled;
  }

  /** Tasks that wait in a band. */
  depth(band: number): number {
    return isPlayerFacing(band) ? this.players.depth(band) : (this.#rings[band] as Ring).size;
  }

  /** Puts a task in, or moves it. In a ring a task that stays in its band keeps its place. */
  put(task: number, band: number, deadline: number): void {
    const before = this.#in[task] as number;
    if (before >= 0) {
      if (isPlayerFacing(before) && isPlayerFacing(band)) {
        this.players.change(task, band as Band, deadline);
        this.#in[task] = band;
        return;
      }
      if (before === band) return;
      this.take(task);
    }
    this.#in[task] = band;
    if (isPlayerFacing(band)) this.players.push(task, band as Band, deadline);
    else {
      (this.#rings[band] as Ring).push(task);
      this.#filled |= 1 << band;
    }
  }

  /** Takes a task out, wherever it waits. */
  take(task: number): void {
    const band = this.#in[task] as number;
    if (band < 0) return;
    this.#in[task] = -1;
    if (isPlayerFacing(band)) {
      this.players.remove(task);
      return;
    }
    const ring = this.#rings[band] as Ring;
    ring.remove(task);
    if (ring.size === 0) this.#filled &= ~(1 << band);
  }

  /** The player-facing task to run at `nowMs`, taken out; −1 when none waits. */
  popPlayer(nowMs: number): number {
    const task = this.players.pop(nowMs);
    if (task >= 0) this.#in[task] = -1;
    return task;
  }

  /** The task that waits longest in a band that is not player-facing, or −1. */
  first(band: number): number {
    return (this.#rings[band] as Ring).peek();
  }
}

/** The lowest band of a set of bits that is not empty. */
export function lowestBand(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
