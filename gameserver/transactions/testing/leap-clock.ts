import type { Clock } from "../clock.ts";

/** Real time, and leaps over waits. */
export class LeapClock implements Clock {
  #ahead = 0;
  leap(ms: number): void {
    this.#ahead += ms;
  }
  now(): number {
    return Date.now() + this.#ahead;
  }
  after(ms: number, act: () => void): () => void {
    const timer = setTimeout(act, Math.min(ms, 20));
    return () => clearTimeout(timer);
  }
}
