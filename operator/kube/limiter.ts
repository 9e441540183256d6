/**
 * At most `limit` pieces of work at once; the rest wait in order. Bounds writes in flight: beyond about 32 the
 * API server answers no faster, every answer only takes longer.
 */
export class Limiter {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get running(): number {
    return this.#running;
  }

  /** Runs `work` when there is room. Rejects with the signal's reason when it aborts during the wait. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#acquire(signal);
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  async #acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running < this.#limit) {
      this.#running += 1;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const aborted = (): void => {
      const place = this.#waiting.indexOf(resolve);
      // Not found: the place was handed over in this same turn. Keep it; the work sees the signal itself.
      if (place < 0) return;
      this.#waiting.splice(place, 1);
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", aborted, { once: true });
    this.#waiting.push(resolve);
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", aborted);
    }
  }

  #release(): void {
    // The place is handed on rather than freed, so that a newcomer cannot overtake those who wait.
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
