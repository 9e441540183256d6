/**
 * The three parts of an UPDATE, written straight from a zone's picture: leaves, enters, changes. `frames-update.ts` has
 * the format and a plain writer of it; this one has no allocation and no calls in the loops that run once an entity.
 *
 * All functions write at `start` and answer where they stopped; the caller has made room for the largest update.
 */
import { HEAD_COLUMNS, HEAD_MORE } from "../../protocol/frames-update.ts";
import type { Codes } from "../simulation/wire-rows.ts";
import { OWN, type WireKinds } from "./wire-kinds.ts";
import type { ZonePicture } from "./zone-picture.ts";

/** Credit an entity needs to be sent. */
export const CREDIT = 8;
/** The row of a free place. */
export const NOBODY = 0xffff;
/** In four credits side by side: the bits that say which of them are enough. Credits stay far below 128. */
const ENOUGH = 0x7878_7878;
/** The largest number that two bytes hold. */
const TWO_BYTES = 0x3fff;

/** What is known of one session's view. A free place earns no credit. */
export interface ViewState {
  readonly cap: number;
  readonly kinds: WireKinds;
  /** By place: row, and identity. */
  readonly rows: Uint16Array;
  readonly identities: Uint32Array;
  /** By place, `widest` codes each: what was sent last. */
  readonly bases: Codes;
  /** By place: credit, then from `spread` on what is earned per update. */
  readonly credit: Uint8Array;
  /** The same memory four places at a time. */
  readonly fours: Int32Array;
  readonly spread: number;
  /** Places left, then places entered, in this update. */
  readonly handles: Uint8Array;
  /** Entity the view is centred on, and the one it owns (0: none). */
  centreId: number;
  readonly ownId: number;
}

/** Of all in view, one after the other in one piece of memory: a view is read whole at each update. */
export function viewState(
  cap: number,
  kinds: WireKinds,
  handles: Uint8Array,
  centreId: number,
  ownId: number,
): ViewState {
  const spread = (cap + 3) & ~3;
  const size = kinds.codes.BYTES_PER_ELEMENT * kinds.widest * cap;
  const memory = new ArrayBuffer(spread * 8 + size);
  return {
    cap,
    kinds,
    identities: new Uint32Array(memory, 0, cap),
    rows: new Uint16Array(memory, spread * 4, cap).fill(NOBODY),
    credit: new Uint8Array(memory, spread * 6, spread * 2),
    fours: new Int32Array(memory, spread * 6, spread / 2),
    spread,
    bases: new kinds.codes(memory, spread * 8, cap * kinds.widest),
    handles,
    centreId,
    ownId,
  };
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
  const { rows, identities, bases, handles, cap } = state;
  const { columns, widths, widest } = state.kinds;
  const { codes, stride } = picture;
  let at = start;
  bytes[at++] = enters;
  for (let i = 0; i < enters; i++) {
    const handle = handles[cap + i] as number;
    const row = rows[handle] as number;
    const identity = identities[handle] as number;
    const kind = identity & 0xff;
    bytes[at++] = handle;
    bytes[at++] = kind;
    bytes[at++] = row;
    bytes[at++] = row >>> 8;
    bytes[at++] = identity >>> 16;
    bytes[at++] = identity >>> 24;
    const count = columns[isOwn(state, identity, row) ? kind + OWN : kind] as number;
    const base = handle * widest;
    for (let column = 0; column < count; column++) {
      const code = codes[row * stride + column] as number;
      bases[base + column] = code;
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

/**
 * Stops at `limit`. The four places to be looked at first go round with `turn`: a small budget is shared fairly.
 *
 * Credits are added up and looked at four at a time: most places have not enough, and cost a quarter of a step.
 */
export function writeChanges(
  bytes: Uint8Array,
  start: number,
  limit: number,
  state: ViewState,
  turn: number,
  picture: ZonePicture,
): number {
  const { rows, bases, credit: credits, fours, kinds } = state;
  const { columns, plain, widest } = kinds;
  const { codes, kind: kindOf, stride } = picture;
  const ownRow = ownRowOf(state, picture);
  const count = fours.length >> 1;
  let four = turn % count;
  let at = start;
  let lastHandle = -1;
  for (let n = 0; n < count && at < limit; n++) {
    const sum = (fours[four] as number) + (fours[count + four] as number);
    fours[four] = sum;
    for (let ready = sum & ENOUGH; ready !== 0; ) {
      const shift = (31 - Math.clz32(ready & -ready)) & 24;
      ready &= ~(0xff << shift);
      const handle = (four << 2) + (shift >> 3);
      // What stood still keeps its credit, and so does what has no room: its next move is sent at once.
      credits[handle] = CREDIT;
      if (at >= limit) continue;
      const row = rows[handle] as number;
      const kind = kindOf[row] as number;
      const form = row === ownRow ? kind + OWN : kind;
      const from = row * stride;
      const base = handle * widest;
      const x = codes[from] as number;
      const y = codes[from + 1] as number;
      const dx = (x - (bases[base] as number)) | 0;
      const dy = (y - (bases[base + 1] as number)) | 0;
      const held = columns[form] as number;
      const third = held > 2 ? (codes[from + 2] as number) : 0;
      const turned = held > 2 ? third ^ (bases[base + 2] as number) : 0;
      let more = 0;
      for (let i = HEAD_COLUMNS; i < held; i++) {
        more |= (codes[from + i] as number) ^ (bases[base + i] as number);
      }
      const low = any(dx) | (any(dy) << 1) | (any(turned) << 2) | (any(more) << 3);
      if (low === 0) continue;
      credits[handle] = 0;
      const gap = (handle - lastHandle) & 0xff;
      lastHandle = handle;
      bytes[at++] = (gap > 15 ? 0 : gap << 4) | low;
      if (gap > 15) bytes[at++] = handle;
      const zigX = (dx << 1) ^ (dx >> 31);
      const zigY = (dy << 1) ^ (dy >> 31);
      if (more !== 0 || plain[kind] === 0 || ((zigX | zigY) & ~TWO_BYTES) !== 0) {
        at = writeColumns(bytes, at, state, form, low, from, base, picture);
        continue;
      }
      // What changed is as good as random: written without a branch, and what did not change is written over.
      const longX = (zigX + TWO_BYTES + 1 - 0x80) >>> 14;
      bytes[at] = (zigX & 0x7f) | (longX << 7);
      bytes[at + 1] = zigX >>> 7;
      at += (low & 1) + longX;
      const longY = (zigY + TWO_BYTES + 1 - 0x80) >>> 14;
      bytes[at] = (zigY & 0x7f) | (longY << 7);
      bytes[at + 1] = zigY >>> 7;
      at += ((low >> 1) & 1) + longY;
      bases[base] = x;
      bases[base + 1] = y;
      if (held === 2) continue;
      bytes[at] = third;
      at += low >> 2;
      bases[base + 2] = third;
    }
    four = four + 1 === count ? 0 : four + 1;
  }
  return at;
}

/** The row of the entity that the view owns, −1 while there is none. */
function ownRowOf(state: ViewState, picture: ZonePicture): number {
  const row = state.ownId & 0xffff;
  return state.ownId !== 0 && isOwn(state, picture.identity[row] as number, row) ? row : -1;
}

/** 1 for any number but 0. */
function any(bits: number): number {
  return (bits | -bits) >>> 31;
}

/** Of one entity, in whatever form: the mask of its later columns if they changed, then all columns that have. */
function writeColumns(
  bytes: Uint8Array,
  start: number,
  state: ViewState,
  form: number,
  low: number,
  from: number,
  base: number,
  { codes }: ZonePicture,
): number {
  const { bases } = state;
  const { columns, masks, widths, widest } = state.kinds;
  const width = (form & (OWN - 1)) * widest;
  const held = columns[form] as number;
  let at = start;
  if (low & HEAD_MORE) for (let i = masks[form] as number; i > 0; i--) bytes[at++] = 0;
  for (let i = 0; i < held; i++) {
    const code = codes[from + i] as number;
    const was = bases[base + i] as number;
    if (code === was) continue;
    bases[base + i] = code;
    if (i >= HEAD_COLUMNS) {
      const mask = start + ((i - HEAD_COLUMNS) >> 3);
      bytes[mask] = (bytes[mask] as number) | (1 << ((i - HEAD_COLUMNS) & 7));
    }
    at = writeCode(bytes, at, widths[width + i] as number, code, (code - was) | 0);
  }
  return at;
}

/**
 * One changed column: as it is when it has one byte, else the difference, zigzag. It is taken modulo 2^32, so that a
 * column of four bytes needs no special case.
 */
function writeCode(
  bytes: Uint8Array,
  start: number,
  width: number,
  code: number,
  difference: number,
): number {
  let at = start;
  if (width === 1) {
    bytes[at] = code;
    return at + 1;
  }
  let rest = ((difference << 1) ^ (difference >> 31)) >>> 0;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at] = rest;
  return at + 1;
}
