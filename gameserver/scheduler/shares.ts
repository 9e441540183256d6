/**
 * The minimum share of each band below the player-facing ones, and its bound: while players wait, a band earns credit
 * by its share of the time, and what it runs then is paid from the credit. So nothing starves, and nothing takes more
 * than its slice from a player. While no player waits nothing is earned or paid.
 */
import { BAND, BANDS, PLAYER_BANDS } from "./bands.ts";

/** Share of the time while players wait. Together 20 %: players have the 80 % a pod is meant to be used. */
export const DEFAULT_SHARES: Readonly<Record<number, number>> = {
  [BAND.simulation]: 0.04,
  [BAND.replication]: 0.06,
  [BAND.transactions]: 0.05,
  [BAND.ai]: 0.03,
  [BAND.background]: 0.02,
};
/** Saved up at most, ms; or the cost of the task that waits, if that is more. */
const MOST_CREDIT_MS = 2;

export class Shares {
  readonly #share = new Float64Array(BANDS);
  readonly #credit = new Float64Array(BANDS);
  readonly #used = new Float64Array(BANDS);
  #pendingMs = 0;

  constructor(shares: Readonly<Record<number, number>> = DEFAULT_SHARES) {
    for (let band = PLAYER_BANDS; band < BANDS; band++) this.#share[band] = shares[band] ?? 0;
  }

  /** `ms` have passed in which players waited. */
  pending(ms: number): void {
    this.#pendingMs += ms;
  }

  /** The same for a band in which a task waits that is expected to cost `costMs`. */
  earn(band: number, ms: number, costMs: number): void {
    const most = Math.max(MOST_CREDIT_MS, costMs);
    const credit = (this.#credit[band] as number) + (this.#share[band] as number) * ms;
    this.#credit[band] = credit < most ? credit : most;
  }

  /** Nothing waits in the band: credit is for those that wait. */
  forfeit(band: number): void {
    if ((this.#credit[band] as number) > 0) this.#credit[band] = 0;
  }

  /** Whether the band may run a task of this cost although players wait. */
  affords(band: number, costMs: number): boolean {
    const credit = this.#credit[band] as number;
    return credit > 0 && credit >= costMs;
  }

  /** The band has run for `ms` while players waited. */
  pay(band: number, ms: number): void {
    this.#credit[band] = (this.#credit[band] as number) - ms;
    this.#used[band] = (this.#used[band] as number) + ms;
  }

  /** Share of the time while players waited that the band has had so far. */
  used(band: number): number {
    return this.#pendingMs === 0 ? 0 : (this.#used[band] as number) / this.#pendingMs;
  }
}
