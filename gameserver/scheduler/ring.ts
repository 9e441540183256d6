/**
 * One band that is served in the order of arrival. Taking a task out of the middle leaves a hole that is stepped over
 * later; holes are closed when the ring runs full, so it never refuses a task of its table.
 */
export class Ring {
  readonly #items: Int32Array;
  readonly #mask: number;
  /** By task: where in the ring it is, or −1. Shared by all rings of a table: a task is in one at a time. */
  readonly #places: Int32Array;
  #head = 0;
  #tail = 0;
  #live = 0;

  constructor(capacity: number, places: Int32Array) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(2, capacity * 2)));
    this.#items = new Int32Array(size);
    this.#mask = size - 1;
    this.#places = places;
  }

  get size(): number {
    return this.#live;
  }

  push(task: number): void {
    if (this.#head - this.#tail > this.#mask) this.#close();
    const place = this.#head++ & this.#mask;
    this.#items[place] = task;
    this.#places[task] = place;
    this.#live++;
  }

  /** The task that waits longest, or −1. */
  peek(): number {
    if (this.#live === 0) {
      this.#tail = this.#head;
      return -1;
    }
    for (;;) {
      const place = this.#tail & this.#mask;
      const task = this.#items[place] as number;
      if (this.#places[task] === place) return task;
      this.#tail++;
    }
  }

  /** `task` must be in this ring. */
  remove(task: number): void {
    this.#places[task] = -1;
    // Written over: the task may come back to this ring at another place, and this one must stay a hole.
    this.#live--;
  }

  #close(): void {
    let to = this.#tail;
    for (let at = this.#tail; at < this.#head; at++) {
      const task = this.#items[at & this.#mask] as number;
      if (this.#places[task] !== (at & this.#mask)) continue;
      this.#items[to & this.#mask] = task;
      this.#places[task] = to++ & this.#mask;
    }
    this.#head = to;
  }
}
