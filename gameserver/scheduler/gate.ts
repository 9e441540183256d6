/**
 * What holds a band back although it has work: a pause (the ladder's), and the CPU governor's duty for AI and
 * background together. Neither ever holds back what players wait for.
 */
import { BAND, BANDS } from "./bands.ts";
import { isPlayerFacing } from "./player-queue.ts";

/** A paused band still runs a task that waited so long: a pause must not become a stop. */
export const LONGEST_PAUSE_MS = 10_000;
/** Bands the CPU governor may slow down. */
const GOVERNED_FROM = BAND.ai;
/** Unused duty is kept for so long, ms. */
const KEPT_MS = 100;

export class Gate {
  /** Share of real time (0 … 1) that the governed bands may use. */
  duty = 1;
  readonly #paused = new Uint8Array(BANDS);
  #leftMs = 0;

  pause(band: number, paused: boolean): void {
    this.#paused[band] = paused && !isPlayerFacing(band) ? 1 : 0;
  }

  /** Real time has passed. */
  pass(ms: number): void {
    this.#leftMs = Math.min(this.duty * KEPT_MS, this.#leftMs + ms * this.duty);
  }

  /** A task of `band` ran for `ms`. */
  pay(band: number, ms: number): void {
    if (band >= GOVERNED_FROM) this.#leftMs -= ms;
  }

  /** Whether a task of `band` that has waited so long may run. */
  allows(band: number, waitedMs: number): boolean {
    if (band >= GOVERNED_FROM && this.duty < 1 && this.#leftMs <= 0) return false;
    return this.#paused[band] === 0 || waitedMs > LONGEST_PAUSE_MS;
  }
}
