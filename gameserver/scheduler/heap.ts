/**
 * An indexed 4-ary heap: items are small integers, keys are deadlines, and a key can change while the item waits.
 *
 * Four children a node make half the levels of a binary heap and lie in one cache line. `keys` and `places` may be
 * shared by several heaps as long as an item is in one of them at a time: an item then moves between bands without
 * being copied. Nothing is allocated after construction. Equal keys leave in no promised order.
 */
export class DeadlineHeap {
  /** By item: what it is ordered by, smallest first. */
  readonly keys: Float64Array;
  readonly #items: Int32Array;
  /** By item: where it is in `#items`, or −1. */
  readonly #places: Int32Array;
  #size = 0;

  /** `shared`: the keys and places of another heap over the same items. */
  constructor(capacity: number, shared?: { readonly keys: Float64Array; readonly places: Int32Array }) {
    this.keys = shared?.keys ?? new Float64Array(capacity);
    this.#places = shared?.places ?? new Int32Array(capacity).fill(-1);
    this.#items = new Int32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** The item with the smallest key, or −1. */
  get first(): number {
    return this.#size === 0 ? -1 : (this.#items[0] as number);
  }

  /** The smallest key, or Infinity. */
  get firstKey(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.keys[this.#items[0] as number] as number);
  }

  /** Whether `item` waits here; with shared places, in any of the heaps. */
  has(item: number): boolean {
    return (this.#places[item] as number) >= 0;
  }

  /** `item` must not be in a heap. */
  push(item: number, key: number): void {
    this.keys[item] = key;
    this.#up(this.#size++, item, key);
  }

  /** Takes the first item out; −1 when there is none. */
  pop(): number {
    if (this.#size === 0) return -1;
    const first = this.#items[0] as number;
    this.#places[first] = -1;
    const last = this.#items[--this.#size] as number;
    if (this.#size > 0) this.#down(0, last, this.keys[last] as number);
    return first;
  }

  /** `item` must be in this heap. */
  remove(item: number): void {
    const at = this.#places[item] as number;
    this.#places[item] = -1;
    const last = this.#items[--this.#size] as number;
    if (last !== item) this.#settle(at, last, this.keys[last] as number);
  }

  /** Gives an item that is in this heap another key. */
  change(item: number, key: number): void {
    const before = this.keys[item] as number;
    this.keys[item] = key;
    const at = this.#places[item] as number;
    if (key < before) this.#up(at, item, key);
    else if (key > before) this.#down(at, item, key);
  }

  #settle(at: number, item: number, key: number): void {
    const parent = this.#items[(at - 1) >> 2] as number;
    if (at > 0 && key < (this.keys[parent] as number)) this.#up(at, item, key);
    else this.#down(at, item, key);
  }

  #up(from: number, item: number, key: number): void {
    const items = this.#items;
    const places = this.#places;
    const keys = this.keys;
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 2;
      const parent = items[above] as number;
      if ((keys[parent] as number) <= key) break;
      items[at] = parent;
      places[parent] = at;
      at = above;
    }
    items[at] = item;
    places[item] = at;
  }

  #down(from: number, item: number, key: number): void {
    const items = this.#items;
    const places = this.#places;
    const keys = this.keys;
    const size = this.#size;
    let at = from;
    for (;;) {
      const child = at * 4 + 1;
      if (child >= size) break;
      let best = child;
      let bestKey = keys[items[child] as number] as number;
      const end = child + 4 < size ? child + 4 : size;
      for (let other = child + 1; other < end; other++) {
        const otherKey = keys[items[other] as number] as number;
        if (otherKey < bestKey) {
          best = other;
          bestKey = otherKey;
        }
      }
      if (bestKey >= key) break;
      const moved = items[best] as number;
      items[at] = moved;
      places[moved] = at;
      at = best;
    }
    items[at] = item;
    places[item] = at;
  }
}
