/**
 * Whose turn it is to think in this tick: the most overdue first, within a capacity.
 *
 * Two queues. *Essential* ones (in a fight with a player; everyone while nothing is throttled) get all they ask for;
 * their capacity only spreads a sudden crowd over one period instead of one tick. The *rest* share a budget that is
 * never below their floors. Served by urgency = waiting time ÷ longest allowed wait, so that no band starves another.
 *
 * Depends on state only, never on a clock: a replay gives everyone the same turns. Scratch memory, no garbage.
 */

/** Urgency 16 is the longest wait allowed; what has waited four times as long is as urgent as anything gets. */
const PER_FLOOR = 16;
const STEPS = PER_FLOOR * 4;

/** Candidates of one tick; filled by `offer`, emptied by `clear`. */
export class Turns {
  readonly #rows: Uint16Array;
  readonly #urgency: Uint8Array;
  readonly #cost: Uint8Array;
  readonly #next: Uint32Array;
  readonly #order: Uint16Array;
  #count = 0;

  constructor(rows: number) {
    this.#rows = new Uint16Array(rows);
    this.#urgency = new Uint8Array(rows);
    this.#cost = new Uint8Array(rows);
    this.#next = new Uint32Array(STEPS + 1);
    this.#order = new Uint16Array(rows);
  }

  clear(): void {
    this.#count = 0;
  }

  /** `wait` and `longest` (the wait at the floor rate) in ticks; `cost` in units. At most once a row. */
  offer(row: number, wait: number, longest: number, cost: number): void {
    const at = this.#count++;
    this.#rows[at] = row;
    this.#urgency[at] = Math.min(STEPS - 1, Math.floor((wait * PER_FLOOR) / longest));
    this.#cost[at] = cost;
  }

  /**
   * The rows whose turn it is, most urgent first, then by row: until `capacity` units are spent. A last one that
   * costs more than what is left still has its turn.
   */
  serve(capacity: number): Uint16Array {
    this.#sort();
    let left = capacity;
    let served = 0;
    for (; served < this.#count && left > 0; served++) {
      left -= this.#cost[this.#order[served] as number] as number;
    }
    const rows = this.#order.subarray(0, served);
    for (let at = 0; at < served; at++) rows[at] = this.#rows[rows[at] as number] as number;
    return rows;
  }

  /** Counting sort into `order`, which then holds places in `rows`. */
  #sort(): void {
    const next = this.#next;
    next.fill(0);
    for (let at = 0; at < this.#count; at++) {
      const behind = STEPS - (this.#urgency[at] as number);
      next[behind] = (next[behind] as number) + 1;
    }
    for (let step = 1; step <= STEPS; step++) {
      next[step] = (next[step] as number) + (next[step - 1] as number);
    }
    for (let at = 0; at < this.#count; at++) {
      const step = STEPS - (this.#urgency[at] as number) - 1;
      const place = next[step] as number;
      next[step] = place + 1;
      this.#order[place] = at;
    }
  }
}
