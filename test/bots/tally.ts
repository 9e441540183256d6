/** What a crowd of bots has seen, counted as it happens. */

import type { Bought } from "../../client/index.ts";

/** Samples kept for percentiles: the newest of them. */
const KEEP = 200_000;

export class Samples {
  readonly #values = new Float64Array(KEEP);
  #count = 0;

  add(value: number): void {
    this.#values[this.#count++ % KEEP] = value;
  }

  get count(): number {
    return this.#count;
  }

  /** Value below which `share` (0 to 1) of the kept samples lie, or of the newest few; NaN when there are none. */
  quantile(share: number, newest = KEEP): number {
    const sorted = this.#newest(Math.min(newest, this.#count, KEEP)).sort();
    return sorted.length === 0
      ? Number.NaN
      : (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  }

  /** Of the kept samples; NaN when there are none. */
  mean(): number {
    const count = Math.min(this.#count, KEEP);
    let sum = 0;
    for (let i = 0; i < count; i++) sum += this.#values[i] as number;
    return sum / count;
  }

  /** A copy of the last `count` values, which may lie across the end of the ring. */
  #newest(count: number): Float64Array {
    const end = this.#count % KEEP;
    if (count <= end) return this.#values.slice(end - count, end);
    const out = new Float64Array(count);
    out.set(this.#values.subarray(KEEP - (count - end)));
    out.set(this.#values.subarray(0, end), count - end);
    return out;
  }
}

export class Tally {
  /** Bots that have been in the game at least once. */
  played = 0;
  playing = 0;
  /** Sessions that ended although their bot wanted to go on. */
  lostSessions = 0;
  /** Losses of connection that were made good, by session kept or begun anew. */
  resumed = 0;
  restarted = 0;
  updates = 0;
  bytes = 0;
  events = 0;
  inputs = 0;
  /** Inputs whose effect was seen. */
  acknowledged = 0;
  /** Frames that broke the order or could not be read. */
  badFrames = 0;
  /** Purchases that were told to be settled, by id, and how many got each last word, with the reason of a "no". */
  readonly settled: string[] = [];
  readonly purchases = new Map<string, number>();
  /** Purchases whose last word is awaited. */
  buying = 0;
  /** Why sessions were lost, with how many. */
  readonly reasons = new Map<string, number>();
  /** Time from an input to the update that shows its effect, ms. */
  readonly inputToSeen = new Samples();
  /** How late this process itself was with its inputs, ms: what of the above is not the server's. */
  readonly late = new Samples();
  /** Time between two updates of one bot, ms. */
  readonly updateGap = new Samples();
  /** Time without play after a loss, ms. */
  readonly outage = new Samples();

  bought({ id, status, detail }: Bought): void {
    this.buying -= 1;
    const word = detail === "" ? status : `${status}: ${detail}`;
    this.purchases.set(word, (this.purchases.get(word) ?? 0) + 1);
    if (status === "settled") this.settled.push(id);
  }

  lost(reason: string): void {
    this.lostSessions += 1;
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }
}
