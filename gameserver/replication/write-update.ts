/**
 * The three parts of an UPDATE, written straight from a zone's picture: leaves, enters, changes. `frames-update.ts` has
 * the format and a plain writer of it; this one has no allocation and no calls in the loops that run once an entity.
 *
 * All functions write at `start` and answer where they stopped; the caller has made room for the largest update.
 */
import { HEAD_COLUMNS, HEAD_MORE } from "../../protocol/frames-update.ts";
import { OWN, type WireKinds } from "./wire-kinds.ts";
import type { ZonePicture } from "./zone-picture.ts";

/** Credit an entity needs to be sent. */
export const CREDIT = 8;
/** The row of a free place. */
export const NOBODY = 0xffff_ffff;

/** What is known of one session's view. */
export interface ViewState {
  readonly cap: number;
  readonly kinds: WireKinds;
  /** By place: row, identity, `copy` at which the base was taken (`cap` words each); then `widest` codes a place. */
  readonly words: Uint32Array;
  /** By place: credit, then what is earned per update. */
  readonly credit: Uint8Array;
  /** Places left, then places entered, in this update. */
  readonly handles: Uint8Array;
  /** Entity the view is centred on, and the one it owns (0: none). */
  centreId: number;
  readonly ownId: number;
}

export function writeLeaves(bytes: Uint8Array, start: number, state: ViewState, count: number): number {
  let at = start;
  bytes[at++] = count;
  for (let i = 0; i < count; i++) bytes[at++] = state.handles[i] as number;
  return at;
}

export function writeEnters(
  bytes: Uint8Array,
  start: number,
  state: ViewState,
  enters: number,
  picture: ZonePicture,
): number {
  const { words, handles, cap } = state;
  const { columns, widths, widest } = state.kinds;
  const { codes, stride, copy } = picture;
  let at = start;
  bytes[at++] = enters;
  for (let i = 0; i < enters; i++) {
    const handle = handles[cap + i] as number;
    const row = words[handle] as number;
    const identity = words[cap + handle] as number;
    const kind = identity & 0xff;
    words[2 * cap + handle] = copy;
    bytes[at++] = handle;
    bytes[at++] = kind;
    bytes[at++] = row;
    bytes[at++] = row >>> 8;
    bytes[at++] = identity >>> 16;
    bytes[at++] = identity >>> 24;
    const count = columns[isOwn(state, identity, row) ? kind + OWN : kind] as number;
    const base = 3 * cap + handle * widest;
    for (let column = 0; column < count; column++) {
      const code = codes[row * stride + column] as number;
      words[base + column] = code;
      const width = widths[kind * widest + column] as number;
      bytes[at++] = code;
      if (width === 1) continue;
      bytes[at++] = code >>> 8;
      if (width === 2) continue;
      bytes[at++] = code >>> 16;
      bytes[at++] = code >>> 24;
    }
  }
  return at;
}

function isOwn(state: ViewState, identity: number, row: number): boolean {
  return ((identity & 0xffff_0000) | row) >>> 0 === state.ownId;
}

/** Stops at `limit`. The first place to be looked at goes round with `turn`: a small budget is shared fairly. */
export function writeChanges(
  bytes: Uint8Array,
  start: number,
  limit: number,
  state: ViewState,
  turn: number,
  picture: ZonePicture,
): number {
  const { words, credit: credits, cap } = state;
  const { columns, masks, widths, widest } = state.kinds;
  const { codes, changed, identity: identities, stride, copy } = picture;
  const ownRow = state.ownId & 0xffff;
  const first = turn % cap;
  let at = start;
  let lastHandle = -1;
  for (let n = 0; n < cap && at < limit; n++) {
    const handle = first + n < cap ? first + n : first + n - cap;
    // Most places end here, having touched two bytes: credit first, and a free place earns none.
    const credit = (credits[handle] as number) + (credits[cap + handle] as number);
    if (credit < CREDIT) {
      credits[handle] = credit;
      continue;
    }
    const row = words[handle] as number;
    if (row === NOBODY) continue;
    // What stood still keeps its credit: its first move is sent at once.
    if ((changed[row] as number) <= (words[2 * cap + handle] as number)) {
      credits[handle] = CREDIT;
      continue;
    }
    // Who is in view lives: what the picture says of a row holds for the view, and is at hand for all sessions.
    const identity = identities[row] as number;
    const kind = identity & 0xff;
    const form = row === ownRow && isOwn(state, identity, row) ? kind + OWN : kind;
    const count = columns[form] as number;
    const from = row * stride;
    const base = 3 * cap + handle * widest;
    words[2 * cap + handle] = copy;
    let low = 0;
    if (codes[from] !== words[base]) low = 1;
    if (codes[from + 1] !== words[base + 1]) low |= 2;
    if (count > 2 && codes[from + 2] !== words[base + 2]) low |= 4;
    for (let i = HEAD_COLUMNS; i < count; i++) {
      if (codes[from + i] !== words[base + i]) low |= HEAD_MORE;
    }
    // Changed and changed back, or changed in a column that only its owner sees.
    if (low === 0) {
      credits[handle] = CREDIT;
      continue;
    }
    credits[handle] = 0;
    const gap = (handle - lastHandle) & 0xff;
    lastHandle = handle;
    bytes[at++] = (gap > 15 ? 0 : gap << 4) | low;
    if (gap > 15) bytes[at++] = handle;
    const maskAt = at;
    if (low & HEAD_MORE) for (let i = masks[form] as number; i > 0; i--) bytes[at++] = 0;
    // Columns beyond those of the head rarely change: without one that did, nobody looks at them again.
    const end = low & HEAD_MORE ? count : count < HEAD_COLUMNS ? count : HEAD_COLUMNS;
    for (let i = 0; i < end; i++) {
      const code = codes[from + i] as number;
      const was = words[base + i] as number;
      if (code === was) continue;
      words[base + i] = code;
      if (i >= HEAD_COLUMNS) {
        const mask = maskAt + ((i - HEAD_COLUMNS) >> 3);
        bytes[mask] = (bytes[mask] as number) | (1 << ((i - HEAD_COLUMNS) & 7));
      }
      if (widths[kind * widest + i] === 1) {
        bytes[at++] = code;
        continue;
      }
      // The difference is taken modulo 2^32, so that a column of four bytes needs no special case.
      const difference = (code - was) | 0;
      let rest = ((difference << 1) ^ (difference >> 31)) >>> 0;
      while (rest >= 0x80) {
        bytes[at++] = (rest & 0x7f) | 0x80;
        rest >>>= 7;
      }
      bytes[at++] = rest;
    }
  }
  return at;
}
