/**
 * Runnables that live and end together.
 */
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import { type Clock, sleepOn } from "./clock.ts";
import type { Runnable } from "./runnable.ts";

export class Group {
  /** Resolves with what the first failing runnable threw; stays pending otherwise. */
  readonly failure: Promise<unknown>;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #kill = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #fail: (error: unknown) => void;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.failure = promise;
    this.#fail = resolve;
  }

  start(runnable: Runnable): void {
    const running = this.#run(runnable).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Asks all to finish; true when they did within `graceMs`. */
  async stop(graceMs: number): Promise<boolean> {
    this.#stop.abort();
    const done = new AbortController();
    const late = sleepOn(this.#clock, graceMs, done.signal);
    await Promise.race([Promise.all(this.#running), late]);
    done.abort();
    return this.#running.size === 0;
  }

  /** Tells all to drop what they do. */
  kill(): void {
    this.#stop.abort();
    this.#kill.abort();
  }

  async #run(runnable: Runnable): Promise<void> {
    try {
      await runnable.run({ stop: this.#stop.signal, kill: this.#kill.signal });
    } catch (error) {
      if (this.#kill.signal.aborted) return;
      this.#log.error({ runnable: runnable.name, error: messageOf(error) }, "runnable failed");
      this.#fail(error);
    }
  }
}
