/** The columns of each kind in wire order, ready for the encoder: once as everyone sees it, once as its owner does. */
import { columnsFor, type Descriptor, type FieldSpec } from "../../protocol/frames-schema.ts";

export interface WireKind {
  /** Indices of the published columns. */
  readonly columns: readonly number[];
  readonly fields: readonly FieldSpec[];
}

export interface WireKinds {
  /** By kind number. */
  readonly near: readonly WireKind[];
  readonly own: readonly WireKind[];
  /** Most columns any kind has. */
  readonly widest: number;
}

export function wireKinds(descriptor: Descriptor): WireKinds {
  const none: WireKind = { columns: [], fields: [] };
  const kinds = descriptor.kinds.map((spec, index) => ({
    near: { columns: spec.near, fields: columnsFor(descriptor, index + 1, false) },
    own: { columns: [...spec.near, ...spec.owner], fields: columnsFor(descriptor, index + 1, true) },
  }));
  return {
    near: [none, ...kinds.map((kind) => kind.near)],
    own: [none, ...kinds.map((kind) => kind.own)],
    widest: Math.max(1, ...kinds.map((kind) => kind.own.columns.length)),
  };
}
