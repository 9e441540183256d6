/**
 * UPDATE: what changed in a session's view, sent 10–20 times a second. All the bytes of a running game are here.
 *
 * Header, 8 bytes: type u8, sequence u16, tick u16, acknowledged input u16, flags u8.
 * Then, each only when its flag is set: leaves (count u8, handles u8 …), enters (count u8, each: handle u8, kind
 * u8, entity id u32, all columns whole). Then changes to the end: handle u8, mask of changed columns, and each
 * changed column: one byte as it is, wider ones as zigzag difference to what this session was last sent.
 * TCP keeps the order, so the difference needs no acknowledgement. Handles are slots 0–254 of this session's view.
 */

import { FRAME } from "./frames.ts";
import type { ByteWriter } from "./frames-bytes.ts";
import { type FieldSpec, maskBytes } from "./frames-schema.ts";

export const UPDATE_HEADER_BYTES = 8;

export const UPDATE_FLAG = {
  /** The view starts anew: forget all entities first. */
  reset: 1,
  leaves: 2,
  enters: 4,
} as const;

/** Largest UPDATE for a view of `handles` entities with `columns` columns each; the writer needs that much room. */
export function maxUpdateBytes(handles: number, columns: number): number {
  const leave = 1;
  const enter = 6 + columns * 4;
  const change = 1 + maskBytes(columns) + columns * 5;
  return UPDATE_HEADER_BYTES + 2 + handles * (leave + enter + change);
}

/** Writes one UPDATE at a time: `begin`, then all leaves, then all enters, then all changes. */
export class UpdateWriter {
  readonly #out: ByteWriter;
  #start = 0;
  #section = 0;
  #countAt = 0;

  constructor(out: ByteWriter) {
    this.#out = out;
  }

  /** Sequence, tick and input are taken modulo 65,536. */
  begin(seq: number, tick: number, ackInput: number, reset: boolean): void {
    const out = this.#out;
    this.#start = out.at;
    this.#section = 0;
    out.u8(FRAME.update);
    out.u16(seq);
    out.u16(tick);
    out.u16(ackInput);
    out.u8(reset ? UPDATE_FLAG.reset : 0);
  }

  leave(handle: number): void {
    this.#open(UPDATE_FLAG.leaves);
    this.#out.u8(handle);
  }

  /** `codes[offset …]` are the columns' codes in wire order. */
  enter(
    handle: number,
    kind: number,
    id: number,
    fields: readonly FieldSpec[],
    codes: Uint32Array,
    offset: number,
  ): void {
    this.#open(UPDATE_FLAG.enters);
    const out = this.#out;
    out.u8(handle);
    out.u8(kind);
    out.u32(id);
    for (let i = 0; i < fields.length; i++)
      out.code(codes[offset + i] as number, (fields[i] as FieldSpec).width);
  }

  /**
   * Writes what differs between `base[offset …]` and `codes`, and moves the base. Returns false, with nothing
   * written, when nothing differs.
   */
  change(
    handle: number,
    fields: readonly FieldSpec[],
    codes: Uint32Array,
    base: Uint32Array,
    offset: number,
  ): boolean {
    const out = this.#out;
    const undo = out.at;
    const count = fields.length;
    out.u8(handle);
    const maskAt = out.at;
    for (let i = maskBytes(count); i > 0; i--) out.u8(0);
    let any = false;
    for (let i = 0; i < count; i++) {
      const code = codes[i] as number;
      const was = base[offset + i] as number;
      if (code === was) continue;
      any = true;
      const at = maskAt + (i >> 3);
      out.bytes[at] = (out.bytes[at] as number) | (1 << (i & 7));
      // The difference is taken modulo 2^32, so that a column of four bytes needs no special case.
      if ((fields[i] as FieldSpec).width === 1) out.u8(code);
      else out.zigzag((code - was) | 0);
      base[offset + i] = code;
    }
    if (!any) out.at = undo;
    return any;
  }

  /** True when nothing but the header was written. */
  get empty(): boolean {
    return this.#out.at === this.#start + UPDATE_HEADER_BYTES;
  }

  #open(section: number): void {
    const out = this.#out;
    if (this.#section !== section) {
      this.#section = section;
      const flagsAt = this.#start + UPDATE_HEADER_BYTES - 1;
      out.bytes[flagsAt] = (out.bytes[flagsAt] as number) | section;
      this.#countAt = out.at;
      out.u8(0);
    }
    out.bytes[this.#countAt] = (out.bytes[this.#countAt] as number) + 1;
  }
}
