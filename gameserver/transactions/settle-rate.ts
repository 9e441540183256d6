/**
 * How many entries a second a lane has lately settled while it was busy: a mean over time in which a second ago counts
 * a third. A mean of each batch's own rate would count quick batches as much as long ones and promise too much; a
 * shorter memory takes a good moment for the rule.
 */

/** Busy time after which what was measured counts 1/e, s. */
const MEMORY_SECONDS = 1;
/** The rate before anything was measured: low, so that a cold start does not promise too much. */
const FIRST_RATE = 1_000;
/** What this guess weighs; a second that was measured weighs 0.63. */
const FIRST_WEIGHT = 0.1;
/** Smaller batches speak of latency, not of what could be managed. */
const TELLING_BATCH = 16;

export class SettleRate {
  #weighted = FIRST_RATE * FIRST_WEIGHT;
  #weight = FIRST_WEIGHT;

  get perSecond(): number {
    return this.#weighted / this.#weight;
  }

  /** `count` came back `ms` after those before them. */
  settled(count: number, ms: number): void {
    const seconds = Math.max(ms, 0.1) / 1_000;
    const rate = count / seconds;
    // Unless they show more than was thought: after a bad time so little is let in that there are no others.
    if (count < TELLING_BATCH && rate < this.perSecond) return;
    const left = Math.exp(-seconds / MEMORY_SECONDS);
    this.#weighted = this.#weighted * left + rate * (1 - left);
    this.#weight = this.#weight * left + (1 - left);
  }
}
