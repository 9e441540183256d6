/**
 * How what players may see of an entity lies in memory, once it is published: its codes side by side, in the order of
 * the wire, so that a view reads one place for each entity and a thread takes all rows over in one piece.
 */
import type { Descriptor } from "../../protocol/frames-schema.ts";

/** Codes of rows, no wider than the widest column needs. */
export type Codes = Uint16Array | Uint32Array;

/** Codes of a row: those of its kind, first what everyone near may see, then its owner's. x and y are the first two. */
export function wireStride({ kinds }: Descriptor): number {
  return Math.max(2, ...kinds.map(({ near, owner }) => near.length + owner.length));
}

export function wireType({ columns }: Descriptor): "u16" | "u32" {
  return columns.some(({ width }) => width > 2) ? "u32" : "u16";
}

/** The place of a published column among the codes of a kind (kind number − 1), −1 for a kind without it. */
export function wirePlace({ kinds }: Descriptor, kind: number, column: number): number {
  const { near = [], owner = [] } = kinds[kind] ?? {};
  return [...near, ...owner].indexOf(column);
}
