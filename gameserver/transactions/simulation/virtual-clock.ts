/**
 * Time that a test moves: events happen in order of their time, and everything that follows from one (promises) has
 * happened before the next. The same seed gives the same run, event by event.
 */
import type { Clock } from "../clock.ts";

interface Event {
  readonly at: number;
  readonly serial: number;
  readonly act: () => void;
}

export class VirtualClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  #serial = 0;
  readonly #heap: Event[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, act: () => void): () => void {
    let off = false;
    this.#push({ at: this.#now + Math.max(0, ms), serial: this.#serial++, act: () => off || act() });
    return () => {
      off = true;
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Runs events until `done()` holds. Throws when time has run for longer than `withinMs`. */
  async runUntil(done: () => boolean, withinMs: number): Promise<void> {
    const end = this.#now + withinMs;
    await settlePromises();
    while (!done()) {
      const event = this.#pop();
      if (!event) throw new Error("nothing will ever happen any more");
      if (event.at > end) throw new Error(`not done after ${withinMs} ms of virtual time`);
      this.#now = event.at;
      event.act();
      await settlePromises();
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (before(heap[parent] as Event, event)) break;
      heap[at] = heap[parent] as Event;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || !last) return first;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (before(last, heap[child] as Event)) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.serial < b.serial);

/** Every promise that can go on has gone on: the event loop turns only when its microtasks are done. */
const settlePromises = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
