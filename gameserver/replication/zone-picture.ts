/**
 * One zone at one tick, as an I/O thread works with it: a copy of what the simulation published, taken once a tick.
 *
 * The copy is what makes a view whole: a thread that takes longer than a tick over its sessions never reads two ticks in
 * one update. Rows are published as a view reads them (wire-rows.ts), so it is taken in one piece.
 */
import { front, type Published, type ZoneMemory } from "../simulation/memory.ts";
import type { Schema } from "../simulation/schema.ts";
import type { Codes } from "../simulation/wire-rows.ts";

export class ZonePicture {
  readonly memory: ZoneMemory;
  /** Of x and y, world units a code. */
  readonly step: number;
  /** Codes of row r: `codes[r * stride …]`, those of its kind in wire order; the first two are x and y. */
  readonly codes: Codes;
  readonly stride: number;
  readonly identity: Uint32Array;
  readonly kind: Uint8Array;
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

  constructor(schema: Schema, memory: ZoneMemory) {
    const [{ codes, stride }] = memory.published;
    this.memory = memory;
    this.step = schema.descriptor.columns[0]?.step ?? 1;
    this.stride = stride;
    // Of the same width as what is published, but memory of this thread's own.
    this.codes = codes instanceof Uint16Array ? new Uint16Array(codes.length) : new Uint32Array(codes.length);
    this.identity = new Uint32Array(memory.rows);
    this.kind = new Uint8Array(memory.rows);
    this.applied = new Uint32Array(memory.slots);
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
    this.codes.set(from.codes.subarray(0, this.high * this.stride));
    this.applied.set(from.applied);
  }

  /** `rows` also covers those that are not in use any more. */
  #identities(from: Published, rows: number): void {
    const { identity, kind, copy, high } = this;
    const now = from.identity;
    for (let row = 0; row < rows; row++) {
      const id = row < high ? (now[row] as number) : 0;
      if (identity[row] === id) continue;
      identity[row] = id;
      kind[row] = id;
      this.births = copy;
    }
  }
}
