/**
 * Time that a test moves by hand. Each process under test has a clock of its own, which may be paused as
 * SIGSTOP does it: its timers wait, while time itself runs on.
 */
import type { Clock } from "../clock.ts";

interface Timer {
  readonly at: number;
  readonly clock: VirtualClock;
  readonly fire: () => void;
}

export class VirtualTime {
  #now = 0;
  readonly #timers = new Set<Timer>();

  get now(): number {
    return this.#now;
  }

  clock(): VirtualClock {
    return new VirtualClock(this, this.#timers);
  }

  /** Moves time on by `ms`, firing what falls due in order and letting promises settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.at);
      this.#timers.delete(next);
      next.fire();
      await settled();
    }
    this.#now = end;
  }

  #next(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.clock.paused || timer.at > end) continue;
      if (first === undefined || timer.at < first.at) first = timer;
    }
    return first;
  }
}

export class VirtualClock implements Clock {
  paused = false;
  /** What this machine's wall clock is off by, ms. */
  wallOffset = Date.parse("2026-01-01T00:00:00Z");
  readonly #time: VirtualTime;
  readonly #timers: Set<Timer>;

  constructor(time: VirtualTime, timers: Set<Timer>) {
    this.#time = time;
    this.#timers = timers;
  }

  now(): number {
    return this.#time.now;
  }

  wall(): number {
    return this.#time.now + this.wallOffset;
  }

  timer(ms: number, fire: () => void): () => void {
    const timer: Timer = { at: this.#time.now + Math.max(ms, 0), clock: this, fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.timer(ms, resolve));
  }

  /** How many timers are set: a test of leaks. */
  get pending(): number {
    return [...this.#timers].filter((timer) => timer.clock === this).length;
  }
}

/** Lets every promise that can settle do so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
