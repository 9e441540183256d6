/**
 * How a world is cut for physics, from its declaration alone: cells for finding pairs, strips (columns of cells) as
 * the unit that a worker owns, tiles (strip × band) as the unit of attention, cost and isolation.
 *
 * Nothing here depends on how many workers there are: that is why results do not either.
 */
import type { BodyKind } from "./shapes.ts";

export interface World {
  /** World units; speeds in world units per second. */
  readonly width: number;
  readonly height: number;
  readonly maxSpeed: number;
  readonly bounce: boolean;
  /** How far a player sees. */
  readonly interest: number;
}

/** What a kind does in the kernel. */
export const ROLE = { none: 0, small: 1, large: 2, rigid: 3 } as const;

export interface WorldLayout {
  /** Side of a cell: no two small bodies that are two cells apart can touch. */
  readonly cell: number;
  /** 1 / cell. */
  readonly perCell: number;
  readonly columns: number;
  readonly lines: number;
  /** Columns of cells in a strip. */
  readonly stripColumns: number;
  readonly strips: number;
  /** Lines of cells in a tile. */
  readonly tileLines: number;
  readonly bands: number;
  readonly tiles: number;
  /** `ROLE` by kind number. */
  readonly roles: readonly number[];
}

/** A kind this many times larger than the smallest is looked up by range instead of widening all cells. */
const LARGE = 8;
/** Few enough to walk over, enough that most cells hold one body. */
const CELLS_PER_ROW = 2;
export const MOST_STRIPS = 16;
/** A body at one border of a strip must be out of reach of the other. */
const LEAST_STRIP_COLUMNS = 4;

export function worldLayout(world: World, kinds: readonly BodyKind[], rows: number): WorldLayout {
  const reach = (kind: BodyKind) => kind.radius + kind.capsule / 2;
  const circles = kinds.filter((kind) => kind.collides && !kind.rigid);
  const smallest = Math.min(...circles.map(reach), Number.POSITIVE_INFINITY);
  const isLarge = (kind: BodyKind) => reach(kind) > smallest * LARGE;
  const role = (kind: BodyKind) => {
    if (!kind.collides) return ROLE.none;
    if (kind.rigid) return ROLE.rigid;
    return isLarge(kind) ? ROLE.large : ROLE.small;
  };
  const small = circles.filter((kind) => !isLarge(kind));
  const widest = Math.max(0.01, ...small.map(reach));
  // Wider where the world would have far more cells than rows.
  const cell = Math.max(
    widest * 2,
    Math.sqrt((world.width * world.height) / Math.max(64, rows * CELLS_PER_ROW)),
  );
  const columns = Math.max(1, Math.ceil(world.width / cell));
  const lines = Math.max(1, Math.ceil(world.height / cell));
  const stripColumns = Math.max(LEAST_STRIP_COLUMNS, Math.ceil(columns / MOST_STRIPS));
  // A narrow rest belongs to the last strip.
  const strips = Math.max(1, Math.floor(columns / stripColumns));
  const tileLines = Math.max(LEAST_STRIP_COLUMNS, Math.ceil(lines / MOST_STRIPS));
  const bands = Math.max(1, Math.floor(lines / tileLines));
  return {
    cell,
    perCell: 1 / cell,
    columns,
    lines,
    stripColumns,
    strips,
    tileLines,
    bands,
    tiles: strips * bands,
    roles: [ROLE.none, ...kinds.map(role)],
  };
}
