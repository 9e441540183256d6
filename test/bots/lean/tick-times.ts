/** When each tick of the server began, by the clock of the load generator: told now and then, filled in between. */

const KEEP = 4_096;
/** More than these in a row are not made up. */
const MOST_MISSED = 30;
const MOST_WAITING = 200_000;

export class TickTimes {
  readonly #times = new Float64Array(KEEP);
  readonly #ticks = new Float64Array(KEEP).fill(-1);
  /** Updates whose latency is not known yet: tick, arrival. */
  #waiting: number[] = [];
  #last = -1;
  #lastMs = 0;

  add(tick: number, ms: number): void {
    if (tick <= this.#last) return;
    const steps = tick - this.#last;
    // A watcher that missed a tick or two: they lie evenly between.
    const between = this.#last >= 0 && steps <= MOST_MISSED ? steps : 0;
    for (let n = 1; n < between; n++) {
      this.#put(this.#last + n, this.#lastMs + ((ms - this.#lastMs) * n) / steps);
    }
    this.#put(tick, ms);
    this.#last = tick;
    this.#lastMs = ms;
  }

  /** Undefined for a tick that is not known (any more). */
  at(tick: number): number | undefined {
    const place = tick % KEEP;
    return this.#ticks[place] === tick ? this.#times[place] : undefined;
  }

  arrived(tick: number, ms: number): void {
    if (this.#waiting.length < MOST_WAITING * 2) this.#waiting.push(tick, ms);
  }

  /** Tells the latency of all updates whose tick is known; those of ticks to come wait on. */
  settle(tell: (ms: number) => void): void {
    const waiting: number[] = [];
    for (let i = 0; i < this.#waiting.length; i += 2) {
      const tick = this.#waiting[i] as number;
      const arrival = this.#waiting[i + 1] as number;
      const began = this.at(tick);
      if (began !== undefined) tell(arrival - began);
      else if (tick > this.#last) waiting.push(tick, arrival);
    }
    this.#waiting = waiting;
  }

  forget(): void {
    this.#waiting = [];
  }

  #put(tick: number, ms: number): void {
    this.#ticks[tick % KEEP] = tick;
    this.#times[tick % KEEP] = ms;
  }
}
