/**
 * All tasks of one scheduler as columns: no object is made for a task. Fixed capacity.
 *
 * A task is named outside by a *handle*: its slot and how often the slot was used. A handle of a task that is over is
 * stale and finds nothing (a slot must be used 16,384 times before an old handle could be mistaken for a new one).
 */
import { fail } from "../../platform/errors.ts";

export const TASK = { free: 0, ready: 1, blocked: 2, running: 3 } as const;

const SLOT_BITS = 17;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const GENERATION_MASK = (1 << (31 - SLOT_BITS)) - 1;
/** Most tasks of a scheduler. */
const MAX_TASKS = 1 << SLOT_BITS;

export class TaskTable {
  readonly capacity: number;
  readonly state: Uint8Array;
  readonly kind: Uint16Array;
  readonly owner: Int32Array;
  readonly detail: Int32Array;
  /** As submitted, and with what it has inherited from those that wait for it. */
  readonly ownBand: Uint8Array;
  readonly band: Uint8Array;
  readonly ownDeadline: Float64Array;
  readonly deadline: Float64Array;
  readonly submittedAt: Float64Array;
  readonly timeoutAt: Float64Array;
  readonly #generation: Uint16Array;
  readonly #free: Int32Array;
  #frees: number;
  #sweepAt = 0;

  constructor(capacity: number) {
    if (capacity < 1 || capacity > MAX_TASKS)
      throw fail("CONFIG_INVALID", `scheduler capacity ${capacity} must be 1 … ${MAX_TASKS}`);
    this.capacity = capacity;
    this.state = new Uint8Array(capacity);
    this.kind = new Uint16Array(capacity);
    this.owner = new Int32Array(capacity);
    this.detail = new Int32Array(capacity);
    this.ownBand = new Uint8Array(capacity);
    this.band = new Uint8Array(capacity);
    this.ownDeadline = new Float64Array(capacity);
    this.deadline = new Float64Array(capacity);
    this.submittedAt = new Float64Array(capacity);
    this.timeoutAt = new Float64Array(capacity);
    this.#generation = new Uint16Array(capacity);
    // Last in, first out, lowest first: slots in use stay close together in memory.
    this.#free = Int32Array.from({ length: capacity }, (_, index) => capacity - 1 - index);
    this.#frees = capacity;
  }

  get used(): number {
    return this.capacity - this.#frees;
  }

  /** A free slot, or −1. */
  take(): number {
    return this.#frees === 0 ? -1 : (this.#free[--this.#frees] as number);
  }

  /** Fills a slot: a task that is ready. */
  enter(
    slot: number,
    kind: number,
    owner: number,
    detail: number,
    band: number,
    deadline: number,
    now: number,
    timeoutAt: number,
  ): void {
    this.state[slot] = TASK.ready;
    this.kind[slot] = kind;
    this.owner[slot] = owner;
    this.detail[slot] = detail;
    this.ownBand[slot] = band;
    this.band[slot] = band;
    this.ownDeadline[slot] = deadline;
    this.deadline[slot] = deadline;
    this.submittedAt[slot] = now;
    this.timeoutAt[slot] = timeoutAt;
  }

  free(slot: number): void {
    this.state[slot] = TASK.free;
    this.#generation[slot] = ((this.#generation[slot] as number) + 1) & GENERATION_MASK;
    this.#free[this.#frees++] = slot;
  }

  handle(slot: number): number {
    return ((this.#generation[slot] as number) << SLOT_BITS) | slot;
  }

  /** The slot of a task that is not over, or −1. */
  slot(handle: number): number {
    const slot = handle & SLOT_MASK;
    if (handle < 0 || slot >= this.capacity || this.state[slot] === TASK.free) return -1;
    return handle >>> SLOT_BITS === this.#generation[slot] ? slot : -1;
  }

  /** Looks at one more slot, round and round: answers it when its task waits beyond its time-out, else −1. */
  overdue(now: number): number {
    const slot = this.#sweepAt;
    this.#sweepAt = slot + 1 < this.capacity ? slot + 1 : 0;
    const waits = this.state[slot] !== TASK.free && this.state[slot] !== TASK.running;
    return waits && (this.timeoutAt[slot] as number) <= now ? slot : -1;
  }
}
