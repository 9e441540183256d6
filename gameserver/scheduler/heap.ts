/**
 * An indexed 4-ary heap: items are small integers, keys are deadlines, and a key can change while the item waits.
 *
 * Four children a node make half the levels of a binary heap, and their keys lie side by side in one cache line:
 * keys are kept in the order of the heap, not by item. `places` may be shared by several heaps as long as an item is
 * in one of them at a time. Nothing is allocated after construction. Equal keys leave in no promised order.
 */
export class DeadlineHeap {
  readonly #keys: Float64Array;
  readonly #items: Int32Array;
  /** By item: where it is, or −1. */
  readonly #places: Int32Array;
  #size = 0;

  /** `places`: those of another heap over the same items. */
  constructor(capacity: number, places: Int32Array = new Int32Array(capacity).fill(-1)) {
    // An empty heap's first key says so: no branch on the way to it.
    this.#keys = new Float64Array(capacity + 4).fill(Number.POSITIVE_INFINITY);
    this.#items = new Int32Array(capacity + 4).fill(-1);
    this.#places = places;
  }

  get size(): number {
    return this.#size;
  }

  /** The item with the smallest key, or −1. */
  get first(): number {
    return this.#items[0] as number;
  }

  /** The smallest key, or Infinity. */
  get firstKey(): number {
    return this.#keys[0] as number;
  }

  /** Whether `item` waits here; with shared places, in any of the heaps. */
  has(item: number): boolean {
    return (this.#places[item] as number) >= 0;
  }

  /** The key of an item that is in this heap. */
  key(item: number): number {
    return this.#keys[this.#places[item] as number] as number;
  }

  /** `item` must not be in a heap. */
  push(item: number, key: number): void {
    this.#up(this.#size++, item, key);
  }

  /** Takes the first item out; −1 when there is none. */
  pop(): number {
    const first = this.#items[0] as number;
    if (first >= 0) this.remove(first);
    return first;
  }

  /** `item` must be in this heap. */
  remove(item: number): void {
    const at = this.#places[item] as number;
    this.#places[item] = -1;
    const end = --this.#size;
    const last = this.#items[end] as number;
    const key = this.#keys[end] as number;
    this.#items[end] = -1;
    this.#keys[end] = Number.POSITIVE_INFINITY;
    if (last === item) return;
    if (at > 0 && key < (this.#keys[(at - 1) >> 2] as number)) this.#up(at, last, key);
    else this.#down(at, last, key);
  }

  /** Gives an item that is in this heap another key. */
  change(item: number, key: number): void {
    const at = this.#places[item] as number;
    const before = this.#keys[at] as number;
    if (key < before) this.#up(at, item, key);
    else if (key > before) this.#down(at, item, key);
  }

  #up(from: number, item: number, key: number): void {
    const items = this.#items;
    const places = this.#places;
    const keys = this.#keys;
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 2;
      const aboveKey = keys[above] as number;
      if (aboveKey <= key) break;
      const parent = items[above] as number;
      items[at] = parent;
      keys[at] = aboveKey;
      places[parent] = at;
      at = above;
    }
    items[at] = item;
    keys[at] = key;
    places[item] = at;
  }

  #down(from: number, item: number, key: number): void {
    const items = this.#items;
    const places = this.#places;
    const keys = this.#keys;
    const size = this.#size;
    let at = from;
    for (;;) {
      const child = at * 4 + 1;
      if (child >= size) break;
      // Which of two is smaller is anybody's guess, so it is added and not branched on: a wrong guess costs more.
      const low = child + +((keys[child + 1] as number) < (keys[child] as number));
      const high = child + 2 + +((keys[child + 3] as number) < (keys[child + 2] as number));
      const best = low + (high - low) * +((keys[high] as number) < (keys[low] as number));
      const bestKey = keys[best] as number;
      if (bestKey >= key) break;
      const moved = items[best] as number;
      items[at] = moved;
      keys[at] = bestKey;
      places[moved] = at;
      at = best;
    }
    items[at] = item;
    keys[at] = key;
    places[item] = at;
  }
}
