/** How each kind is written, ready for the encoder: once as everyone sees it, once as its owner does. */
import type { Descriptor } from "../../protocol/frames-schema.ts";
import { HEAD_COLUMNS, moreBytes } from "../../protocol/frames-update.ts";
import { wireType } from "../simulation/wire-rows.ts";

export interface WireKinds {
  /** Columns of a kind, by kind number; those of kind + 256 are its owner's. Near columns come first in both. */
  readonly columns: Uint16Array;
  /** Bytes of the second mask, likewise. */
  readonly masks: Uint8Array;
  /** Width in bytes of column i of a kind: `widths[kind * widest + i]`. */
  readonly widths: Uint8Array;
  /** By kind number: 1 when x and y are wider than a byte and the third column, if any, is one. */
  readonly plain: Uint8Array;
  /** Most columns any kind has. */
  readonly widest: number;
  /** What holds a code of any column. */
  readonly codes: Uint16ArrayConstructor | Uint32ArrayConstructor;
}

/** Added to the kind number of the entity that a session owns. */
export const OWN = 256;

export function wireKinds(descriptor: Descriptor): WireKinds {
  const { kinds, columns } = descriptor;
  const widest = Math.max(HEAD_COLUMNS, ...kinds.map((kind) => kind.near.length + kind.owner.length));
  const wire = {
    columns: new Uint16Array(OWN * 2),
    masks: new Uint8Array(OWN * 2),
    widths: new Uint8Array(OWN * widest),
    plain: new Uint8Array(OWN),
    widest,
    codes: wireType(descriptor) === "u32" ? Uint32Array : Uint16Array,
  };
  for (const [index, { near, owner }] of kinds.entries()) {
    const kind = index + 1;
    const own = [...near, ...owner];
    wire.columns[kind] = near.length;
    wire.columns[kind + OWN] = own.length;
    wire.masks[kind] = moreBytes(near.length);
    wire.masks[kind + OWN] = moreBytes(own.length);
    for (const [place, column] of own.entries())
      wire.widths[kind * widest + place] = columns[column]?.width ?? 1;
    const [x = 1, y = 1, third = 1] = own.map((column) => columns[column]?.width ?? 1);
    wire.plain[kind] = x > 1 && y > 1 && third === 1 ? 1 : 0;
  }
  return wire;
}
