/**
 * Guesses what tick the server is at, from the ticks that updates carried and when they came.
 *
 * Updates come late by a varying amount; the guess follows their mean slowly, so that motion on the screen stays even.
 * A guess that is far off (another server, a stall) is thrown away at once.
 */
const FOLLOW = 0.08;
const FAR_OFF_TICKS = 30;

export class TickClock {
  readonly #ticksPerMs: number;
  #offset: number | undefined;

  constructor(tickHz: number) {
    this.#ticksPerMs = tickHz / 1_000;
  }

  /** An update of `tick` came at `now` (ms). */
  heard(tick: number, now: number): void {
    const offset = tick - now * this.#ticksPerMs;
    const error = offset - (this.#offset ?? offset);
    this.#offset =
      this.#offset === undefined || Math.abs(error) > FAR_OFF_TICKS ? offset : this.#offset + error * FOLLOW;
  }

  at(now: number): number {
    return (this.#offset ?? 0) + now * this.#ticksPerMs;
  }
}
