/**
 * Keeps a fixed rate without drift, on a thread of its own: sleeps in `Atomics.wait`, which wakes within a tenth
 * of a millisecond where timers are off by one and more.
 *
 * A thread that was held up catches up by at most `MAX_CATCH_UP` steps; what is beyond that is given up, and the
 * world runs late for good (dilation) rather than in a hurry.
 */
const MAX_CATCH_UP = 2;

export interface Beat {
  /** How late the step begins, ms. */
  readonly lateMs: number;
  /** Steps given up just now. */
  readonly skipped: number;
}

export interface Clock {
  /** Monotonic ms. */
  now(): number;
  /** Blocks the thread for about `ms`. */
  wait(ms: number): void;
}

export function threadClock(): Clock {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  return {
    now: () => performance.now(),
    wait: (ms) => {
      Atomics.wait(cell, 0, 0, ms);
    },
  };
}

export class Pacer {
  readonly #clock: Clock;
  readonly #hz: number;
  #next: number;

  constructor(hz: number, clock: Clock) {
    this.#clock = clock;
    this.#hz = hz;
    this.#next = clock.now() + 1_000 / hz;
  }

  /** Returns when the next step is due. `timeScale`: world seconds per real second, the ladder's last step. */
  await(timeScale = 1): Beat {
    const period = 1_000 / (this.#hz * timeScale);
    let now = this.#clock.now();
    while (now < this.#next) {
      this.#clock.wait(this.#next - now);
      now = this.#clock.now();
    }
    const lateMs = now - this.#next;
    const behind = Math.floor(lateMs / period);
    const skipped = Math.max(0, behind - MAX_CATCH_UP);
    this.#next += (skipped + 1) * period;
    return { lateMs, skipped };
  }
}
