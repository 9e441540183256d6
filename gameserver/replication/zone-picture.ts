/**
 * One zone at one tick, as an I/O thread works with it: a copy of what the simulation published, taken once a tick.
 *
 * The copy is what makes a view cheap and whole: codes of one row lie side by side in the order of the wire, each row
 * knows when it last changed (one look spares a view four), and a thread that takes longer than a tick over its
 * sessions never reads two ticks in one update. Costs about 10 ns a row and tick.
 */
import { front, type Published, type ZoneMemory } from "../simulation/memory.ts";
import type { Schema } from "../simulation/schema.ts";

type Column = Published["columns"][number];

export class ZonePicture {
  readonly memory: ZoneMemory;
  /** Of x and y, world units a code. */
  readonly step: number;
  /** Codes of row r: `codes[r * stride …]`, those of its kind in wire order. */
  readonly codes: Uint32Array;
  readonly stride: number;
  readonly identity: Uint32Array;
  readonly kind: Uint8Array;
  readonly xs: Uint8Array | Uint16Array | Uint32Array;
  readonly ys: Uint8Array | Uint16Array | Uint32Array;
  /** `copy` at which a code of the row changed last. */
  readonly changed: Uint32Array;
  /** Last input applied, by player slot. */
  readonly applied: Uint32Array;
  /** Simulation tick of the copy; −1 before the first. */
  tick = -1;
  /** Counts copies. */
  copy = 0;
  /** Rows in use. */
  high = 0;
  /** `copy` at which a row last changed hands. */
  births = 0;
  readonly #fresh: Uint32Array;
  /** By published column: its place in the wire order of each kind, −1 for kinds without it. */
  readonly #places: readonly Int8Array[];

  constructor(schema: Schema, memory: ZoneMemory) {
    const { columns, kinds } = schema.descriptor;
    this.memory = memory;
    this.step = columns[0]?.step ?? 1;
    this.stride = Math.max(2, ...kinds.map((kind) => kind.near.length + kind.owner.length));
    this.codes = new Uint32Array(memory.rows * this.stride);
    this.identity = new Uint32Array(memory.rows);
    this.kind = new Uint8Array(memory.rows);
    this.changed = new Uint32Array(memory.rows);
    this.#fresh = new Uint32Array(memory.rows);
    this.applied = new Uint32Array(memory.slots);
    const [xs, ys] = memory.published[0].columns as [Column, Column];
    // Of the same width as what is published, but memory of this thread's own.
    this.xs = new (xs.constructor as new (length: number) => Column)(memory.rows);
    this.ys = new (ys.constructor as new (length: number) => Column)(memory.rows);
    this.#places = columns.map((_, column) =>
      Int8Array.from([
        -1,
        ...kinds.map((kind) => [...kind.near, ...kind.owner].findIndex((index) => index === column)),
      ]),
    );
  }

  /** Takes the newest tick, if it is a new one. */
  refresh(): void {
    const from = front(this.memory);
    const tick = from.info[0] as number;
    if (tick === this.tick) return;
    this.tick = tick;
    this.copy += 1;
    const before = this.high;
    this.high = from.info[1] as number;
    this.#identities(from, Math.max(before, this.high));
    this.xs.set((from.columns[0] as Column).subarray(0, this.high));
    this.ys.set((from.columns[1] as Column).subarray(0, this.high));
    for (let column = 0; column < this.#places.length; column++) {
      this.#column(from.columns[column] as Column, this.#places[column] as Int8Array);
    }
    this.applied.set(from.applied);
  }

  /** `rows` also covers those that are not in use any more. */
  #identities(from: Published, rows: number): void {
    const { identity, kind, changed, copy, high } = this;
    const now = from.identity;
    for (let row = 0; row < rows; row++) {
      const id = row < high ? (now[row] as number) : 0;
      if (identity[row] === id) continue;
      identity[row] = id;
      kind[row] = id;
      changed[row] = copy;
      this.births = copy;
    }
  }

  #column(from: Column, places: Int8Array): void {
    const { codes, kind, changed, stride, copy, high } = this;
    // Through one array of one type: the loop below is compiled for it alone, whatever the columns' widths.
    const fresh = this.#fresh;
    fresh.set(from.subarray(0, high));
    for (let row = 0; row < high; row++) {
      const place = places[kind[row] as number] as number;
      if (place < 0) continue;
      const at = row * stride + place;
      const code = fresh[row] as number;
      if (codes[at] === code) continue;
      codes[at] = code;
      changed[row] = copy;
    }
  }
}
