/**
 * UPDATE: what changed in a session's view, sent 10–20 times a second. All the bytes of a running game are here.
 *
 * Header, 8 bytes: type u8, sequence u16, tick u16, acknowledged input u16, flags u8.
 * Then, each only when its flag is set: leaves (count u8, handles u8 …), enters (count u8, each: handle u8, kind
 * u8, entity id u32, all columns whole). Then changes to the end, each:
 *
 * - head u8: high four bits = how far the handle is from the previous change's (the first: from −1), modulo 256, or
 *   0 when that is above 15, and then the handle follows as u8; low bits 0–2 = columns 0–2 changed; bit 3 = later
 *   columns changed too, and then a mask of the columns from 3 on follows (as many bytes as the kind needs);
 * - each changed column: one of one byte as it is, wider ones as zigzag difference to what this session was last
 *   sent. TCP keeps the order, so the difference needs no acknowledgement.
 *
 * Handles are slots 0–253 of this session's view. A ship that moves costs three bytes, four when it turns.
 */

import { FRAME } from "./frames.ts";
import type { ByteWriter } from "./frames-bytes.ts";
import type { FieldSpec } from "./frames-schema.ts";

export const UPDATE_HEADER_BYTES = 8;

export const UPDATE_FLAG = {
  /** The view starts anew: forget all entities first. */
  reset: 1,
  leaves: 2,
  enters: 4,
} as const;

/** Columns whose change is told in the head byte. */
export const HEAD_COLUMNS = 3;
export const HEAD_MORE = 8;

/** Bytes of the second mask for a kind of `columns` columns. */
export function moreBytes(columns: number): number {
  return columns <= HEAD_COLUMNS ? 0 : (columns - HEAD_COLUMNS + 7) >> 3;
}

/** Largest UPDATE for a view of `handles` entities with `columns` columns each; the writer needs that much room. */
export function maxUpdateBytes(handles: number, columns: number): number {
  const leave = 1;
  const enter = 6 + columns * 4;
  const change = 2 + moreBytes(columns) + columns * 5;
  return UPDATE_HEADER_BYTES + 2 + handles * (leave + enter + change);
}

/** Writes one UPDATE at a time: `begin`, then all leaves, then all enters, then all changes. */
export class UpdateWriter {
  readonly #out: ByteWriter;
  #start = 0;
  #section = 0;
  #countAt = 0;
  #lastHandle = -1;

  constructor(out: ByteWriter) {
    this.#out = out;
  }

  /** Sequence, tick and input are taken modulo 65,536. */
  begin(seq: number, tick: number, ackInput: number, reset: boolean): void {
    const out = this.#out;
    this.#start = out.at;
    this.#section = 0;
    this.#lastHandle = -1;
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
    const count = fields.length;
    let low = 0;
    let more = false;
    for (let i = 0; i < count; i++) {
      if (codes[i] === base[offset + i]) continue;
      if (i < HEAD_COLUMNS) low |= 1 << i;
      else more = true;
    }
    if (low === 0 && !more) return false;
    const out = this.#out;
    const gap = (handle - this.#lastHandle) & 0xff;
    this.#lastHandle = handle;
    out.u8((gap > 15 ? 0 : gap << 4) | (more ? HEAD_MORE : 0) | low);
    if (gap > 15) out.u8(handle);
    const maskAt = out.at;
    if (more) for (let i = moreBytes(count); i > 0; i--) out.u8(0);
    for (let i = 0; i < count; i++) {
      const code = codes[i] as number;
      const was = base[offset + i] as number;
      if (code === was) continue;
      if (i >= HEAD_COLUMNS) {
        const at = maskAt + ((i - HEAD_COLUMNS) >> 3);
        out.bytes[at] = (out.bytes[at] as number) | (1 << ((i - HEAD_COLUMNS) & 7));
      }
      // The difference is taken modulo 2^32, so that a column of four bytes needs no special case.
      if ((fields[i] as FieldSpec).width === 1) out.u8(code);
      else out.zigzag((code - was) | 0);
      base[offset + i] = code;
    }
    return true;
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
