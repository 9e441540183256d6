/**
 * Figures that worker threads keep and the control thread exports: counters, and rings of recent samples, both in
 * shared memory so that counting costs a few nanoseconds and no message.
 */

/** Named counters of one thread: that thread alone adds, others read. Values may tear by one addition; fine. */
export interface Counters<N extends string> {
  readonly buffer: SharedArrayBuffer;
  add(name: N, amount?: number): void;
  set(name: N, value: number): void;
  get(name: N): number;
}

export function counters<N extends string>(names: readonly N[], buffer?: SharedArrayBuffer): Counters<N> {
  const shared = buffer ?? new SharedArrayBuffer(names.length * 8);
  const values = new Float64Array(shared);
  const index = Object.fromEntries(names.map((name, i) => [name, i])) as Record<N, number>;
  return {
    buffer: shared,
    add(name, amount = 1) {
      values[index[name]] = (values[index[name]] as number) + amount;
    },
    set(name, value) {
      values[index[name]] = value;
    },
    get: (name) => values[index[name]] as number,
  };
}

/** The last `SAMPLES` values of something; one thread records, one takes. What is not taken in time is overwritten. */
export class Samples {
  readonly buffer: SharedArrayBuffer;
  readonly #head: Int32Array;
  readonly #values: Float64Array;
  #taken = 0;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(8 + SAMPLES * 8)) {
    this.buffer = buffer;
    this.#head = new Int32Array(buffer, 0, 1);
    this.#values = new Float64Array(buffer, 8, SAMPLES);
  }

  record(value: number): void {
    const head = Atomics.load(this.#head, 0);
    this.#values[head & (SAMPLES - 1)] = value;
    Atomics.store(this.#head, 0, (head + 1) | 0);
  }

  /** All recorded since the last call, at most `SAMPLES`. */
  take(): number[] {
    const head = Atomics.load(this.#head, 0);
    const fresh = Math.min((head - this.#taken) | 0, SAMPLES);
    this.#taken = head;
    return Array.from(
      { length: fresh },
      (_, i) => this.#values[(head - fresh + i) & (SAMPLES - 1)] as number,
    );
  }
}

/** Half a minute of ticks is more than enough for a reader that comes each second. */
const SAMPLES = 1024;

/** The value below which `share` (0 … 1) of the samples lie; 0 for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
