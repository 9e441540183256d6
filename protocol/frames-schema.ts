/**
 * The client-visible description of a game: what columns entities have, what inputs and events look like.
 *
 * Every number on the wire is an unsigned *code* of 1, 2 or 4 bytes: `value = min + code × step`. A field with
 * `wrap` is a circle (an angle): codes run 0 … count−1 and the one after the last is the first. The server
 * derives this from the game's declaration and sends it in WELCOME; a client needs nothing else to decode.
 */

export interface FieldSpec {
  readonly name: string;
  readonly min: number;
  readonly step: number;
  /** Number of codes: valid codes are 0 … count−1. At most 2^32. */
  readonly count: number;
  /** Bytes on the wire when sent whole. */
  readonly width: 1 | 2 | 4;
  readonly wrap: boolean;
}

export interface KindSpec {
  readonly name: string;
  /** Radius of the circle, in world units. */
  readonly radius: number;
  /** Indices into `columns`, in wire order, seen by everyone near. */
  readonly near: readonly number[];
  /** Indices into `columns` that only the entity's own player sees; on the wire they follow `near`. */
  readonly owner: readonly number[];
}

/** An input or an event: a name and fixed-size fields. */
export interface MessageSpec {
  readonly name: string;
  readonly fields: readonly FieldSpec[];
  /** Sum of the fields' widths. */
  readonly size: number;
}

export interface Descriptor {
  readonly name: string;
  readonly version: number;
  readonly width: number;
  readonly height: number;
  /** Radius of interest in world units: what is farther is not sent. */
  readonly interest: number;
  readonly columns: readonly FieldSpec[];
  /** The wire's kind number is the index + 1. */
  readonly kinds: readonly KindSpec[];
  readonly inputs: readonly MessageSpec[];
  readonly events: readonly MessageSpec[];
}

/** The code nearest to `value`: clamped to the bounds, or wrapped round. NaN becomes the lowest code. */
export function quantise(field: FieldSpec, value: number): number {
  const code = Math.round((value - field.min) / field.step);
  if (field.wrap) {
    const turned = code % field.count;
    return turned < 0 ? turned + field.count : turned >= 0 ? turned : 0;
  }
  // Written so that NaN falls through to 0.
  return code >= field.count ? field.count - 1 : code > 0 ? code : 0;
}

export function restore(field: FieldSpec, code: number): number {
  return field.min + code * field.step;
}

/** Columns of `kind` in wire order for a viewer: its own player also sees the owner columns. */
export function columnsFor(descriptor: Descriptor, kind: number, own: boolean): readonly FieldSpec[] {
  const spec = descriptor.kinds[kind - 1];
  if (!spec) return [];
  const indices = own ? [...spec.near, ...spec.owner] : spec.near;
  return indices.flatMap((index) => descriptor.columns[index] ?? []);
}
