/**
 * What a task of each kind costs, learned from those that are timed: an exponentially weighted mean, ms.
 *
 * The first runs of a kind and every run of a costly one are timed, of cheap ones each 64th: reading the clock
 * costs about as much as a small task.
 */
const FIRST_RUNS = 8;
const SAMPLE_MASK = 63;
/** From here on reading the clock is nothing, ms. */
const COSTLY_MS = 0.05;
const SHARE = 0.1;
/** A run that took so many times the mean was interrupted (garbage collection, another process): counts as this. */
const MOST_TIMES = 8;

export class Costs {
  readonly #mean: Float64Array;
  readonly #wait: Float64Array;
  readonly #runs: Float64Array;
  #count = 0;

  /** First guesses by kind, ms. */
  constructor(guesses: readonly number[]) {
    this.#mean = Float64Array.from(guesses);
    this.#wait = new Float64Array(guesses.length);
    this.#runs = new Float64Array(guesses.length);
  }

  /** Expected cost of one task of this kind, ms. */
  of(kind: number): number {
    return this.#mean[kind] as number;
  }

  /** Mean wait from submission to start, ms. */
  waitOf(kind: number): number {
    return this.#wait[kind] as number;
  }

  runsOf(kind: number): number {
    return this.#runs[kind] as number;
  }

  /** Counts a run about to begin; true when it is to be timed. */
  begin(kind: number): boolean {
    const runs = this.#runs[kind] as number;
    this.#runs[kind] = runs + 1;
    return (
      (++this.#count & SAMPLE_MASK) === 0 || runs < FIRST_RUNS || (this.#mean[kind] as number) >= COSTLY_MS
    );
  }

  learn(kind: number, costMs: number, waitedMs: number): void {
    const mean = this.#mean[kind] as number;
    const runs = this.#runs[kind] as number;
    const sample = runs > FIRST_RUNS ? Math.min(costMs, Math.max(mean, 0.001) * MOST_TIMES) : costMs;
    // The first runs weigh as much as they are few: a wrong guess is forgotten at once.
    const share = Math.max(SHARE, 1 / Math.max(1, runs));
    this.#mean[kind] = mean + (sample - mean) * share;
    this.#wait[kind] = (this.#wait[kind] as number) + (waitedMs - (this.#wait[kind] as number)) * share;
  }
}
