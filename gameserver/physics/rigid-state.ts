/**
 * What a zone remembers about its rigid bodies besides their columns, and how the world is cut into rigid regions.
 *
 * Each region is a Rapier world of its own. A body belongs to one region, and is a *ghost* in a neighbour that it is
 * near to: there it pushes and is pushed, and is put back to its owner's word at the start of each step. Who owns it
 * changes only between steps; its ghost then becomes the body.
 */
import type { World } from "./layout.ts";
import type { BodyKind } from "./shapes.ts";

/** Values exchanged with Rapier per body: x, y, vx, vy, angle, spin. */
export const SEEN = 6;
/** Of `presence`. */
export const ABSENT = 0;
export const GHOST = 1;
export const OWN = 2;

/** Part of a zone's state. Index: row − `first`; per region: region × `count` + index. */
export interface RigidState {
  readonly first: number;
  readonly count: number;
  readonly regions: number;
  /** Region + 1 of the world a body lives in; 0 for a free row. */
  readonly owner: Uint8Array;
  /**
   * Per region and body, `SEEN` values: the last exchanged with that region's world. What differs from its owner's was
   * changed by rules or circles. Each region writes its own part only: no two workers write to the same cache lines.
   */
  readonly seen: Float32Array;
  readonly presence: Uint8Array;
  /** Generation of the row for which the body was made. */
  readonly generation: Uint16Array;
  readonly handle: Float64Array;
  /** By region: steps not made yet, and steps between two (0 or 1: every step), set when a region is isolated. */
  readonly debt: Uint8Array;
  readonly period: Uint8Array;
}

const REGIONS = 4;
/** Fewer bodies than this are quicker in one world. */
const LEAST_TO_SPLIT = 256;
const STEP_SECONDS = 1 / 60;

/** Regions side by side along x. Follows from the declaration alone. */
export function rigidRegions(world: World, kinds: readonly BodyKind[], count: number): number {
  const wide = world.width / REGIONS > ghostMargin(world, kinds) * 4;
  return count === 0 ? 0 : count >= LEAST_TO_SPLIT && wide ? REGIONS : 1;
}

/** How far beyond a border a body is a ghost: what two bodies can come closer in two steps, and both their reach. */
export function ghostMargin(world: World, kinds: readonly BodyKind[]): number {
  const reach = Math.max(0, ...kinds.map((kind) => (kind.rigid ? kind.radius : 0)));
  return 2 * world.maxSpeed * STEP_SECONDS + 2 * reach;
}
