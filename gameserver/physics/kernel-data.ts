/**
 * The circle kernel's tables: the zone's columns, what is derived from its declaration, and scratch memory.
 *
 * Plain data over shared memory: the other worker is posted this very object and sees the same world. Scratch holds
 * nothing from one step to the next.
 */
import { ROLE, type World, type WorldLayout, worldLayout } from "./layout.ts";
import type { BodyKind } from "./shapes.ts";

export interface Bodies {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly vx: Float32Array;
  readonly vy: Float32Array;
  /** Kind number, 0 for a free row. */
  readonly kind: Uint8Array;
  /** State: ticks of motion not made yet, by row. */
  readonly debt: Uint8Array;
  /** State: ticks for which a tile is slowed. */
  readonly slowed: Uint8Array;
  /** Column of direction and of turning speed, by kind number; undefined where the kind has none. */
  readonly angle: readonly (Float32Array | undefined)[];
  readonly spin: readonly (Float32Array | undefined)[];
  /** First row of each kind by kind number − 1; one more at the end. */
  readonly starts: readonly number[];
  /** Row after the last in use, by kind number − 1. */
  readonly high: Uint32Array;
}

/** A convex polygon: corners counter-clockwise, and the outward normal of the edge that begins at each. */
export interface Outline {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly nx: readonly number[];
  readonly ny: readonly number[];
}

/** Of `active`: not moved in this step, moved, moved so far that its path is what must be looked at. */
export const IDLE = 0;
export const MOVED = 1;
export const SWEPT = 2;

/** Touches told per body that finds them: of those inside a strip, across a border, and with a rigid body. */
export const TOLD_INSIDE = 4;
export const TOLD_ACROSS = 2;
export const TOLD_RIGID = 2;
export const WORKERS = 2;

export interface TouchList {
  /** Pairs of rows. */
  readonly pairs: Uint16Array;
  /** [Length of `pairs` in use]. */
  readonly length: Int32Array;
}

/** Rows that moved so far in this step that they must be swept, as each worker has found them. */
export interface SweptRows {
  readonly rows: Uint16Array;
  /** By worker: index of the first in `rows`, and of the one after the last. */
  readonly spans: Int32Array;
}

export interface KernelData {
  readonly world: World;
  readonly layout: WorldLayout;
  readonly kinds: readonly BodyKind[];
  readonly bodies: Bodies;
  readonly rows: number;
  // By kind number.
  readonly role: Uint8Array;
  /** Reach from the centre; NaN for what the pair search must pass over (rigid): nothing is within NaN. */
  readonly reach: Float64Array;
  readonly radius: Float64Array;
  readonly inverse: Float64Array;
  /** Half the capsule's length. */
  readonly half: Float64Array;
  /** Outlines of rigid polygons; undefined for everything else. */
  readonly outlines: readonly (Outline | undefined)[];
  /** Largest reach of a small kind, and of a rigid one; 0 when there is none. */
  readonly smallReach: number;
  readonly rigidReach: number;
  /** Strip of each column of cells, band of each line: looked up, because every body asks in every step. */
  readonly stripOf: Uint8Array;
  readonly bandOf: Uint8Array;
  // Scratch by row.
  readonly active: Uint8Array;
  /** −1 for what is not in the grid. */
  readonly cellOf: Int32Array;
  /** Position at the start of the step. */
  readonly fromX: Float32Array;
  readonly fromY: Float32Array;
  // The grid, column after column.
  readonly first: Uint32Array;
  readonly end: Uint32Array;
  readonly items: Uint16Array;
  // By tile.
  /** 0 near a player … 2 far from all. */
  readonly level: Uint8Array;
  /** Pairs looked at in this step. */
  readonly tests: Uint32Array;
  /** Anomalies counted in this step; Atomics, since rows of one tile may be moved by two workers. */
  readonly nonFinite: Int32Array;
  readonly overspeed: Int32Array;
  /** By worker. */
  readonly touches: readonly TouchList[];
  readonly swept: SweptRows;
  /** Group of each rigid row (`rigid-contacts.ts`), as of the end of the rigid bodies' motion. */
  readonly group: Uint8Array;
}

export function kernelData(bodies: Bodies, world: World, kinds: readonly BodyKind[]): KernelData {
  const rows = bodies.kind.length;
  const layout = worldLayout(world, kinds, rows);
  const cells = layout.columns * layout.lines;
  const shared = (bytes: number) => new SharedArrayBuffer(Math.max(8, bytes)) as unknown as ArrayBuffer;
  const byKind = (value: (kind: BodyKind) => number) => Float64Array.from([0, ...kinds.map(value)]);
  const touchBytes = rows * (TOLD_INSIDE + TOLD_ACROSS + TOLD_RIGID) * 4;
  return {
    world,
    layout,
    kinds,
    bodies,
    rows,
    role: Uint8Array.from(layout.roles),
    reach: byKind((kind) => (kind.rigid ? Number.NaN : kind.radius + kind.capsule / 2)),
    radius: byKind((kind) => kind.radius),
    inverse: byKind((kind) => kind.inverseMass),
    half: byKind((kind) => kind.capsule / 2),
    outlines: [undefined, ...kinds.map(outlineOf)],
    smallReach: reachOf(kinds, layout, ROLE.small),
    rigidReach: reachOf(kinds, layout, ROLE.rigid),
    stripOf: shares(layout.columns, layout.stripColumns, layout.strips),
    bandOf: shares(layout.lines, layout.tileLines, layout.bands),
    active: new Uint8Array(shared(rows)),
    cellOf: new Int32Array(shared(rows * 4)),
    fromX: new Float32Array(shared(rows * 4)),
    fromY: new Float32Array(shared(rows * 4)),
    first: new Uint32Array(shared(cells * 4)),
    end: new Uint32Array(shared(cells * 4)),
    items: new Uint16Array(shared(rows * 2)),
    level: new Uint8Array(shared(layout.tiles)),
    tests: new Uint32Array(shared(layout.tiles * 4)),
    nonFinite: new Int32Array(shared(layout.tiles * 4)),
    overspeed: new Int32Array(shared(layout.tiles * 4)),
    touches: Array.from({ length: WORKERS }, () => ({
      pairs: new Uint16Array(shared(touchBytes)),
      length: new Int32Array(shared(4)),
    })),
    swept: {
      rows: new Uint16Array(shared(rows * 2)),
      spans: new Int32Array(shared(WORKERS * 8)),
    },
    group: new Uint8Array(shared(rows)),
  };
}

/** `count` places in groups of `each`; what is left over belongs to the last group. */
function shares(count: number, each: number, groups: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, at) => Math.min(groups - 1, Math.floor(at / each)));
}

function reachOf(kinds: readonly BodyKind[], layout: WorldLayout, role: number): number {
  const reaches = kinds.map((kind, index) =>
    layout.roles[index + 1] === role ? kind.radius + kind.capsule / 2 : 0,
  );
  return Math.max(0, ...reaches);
}

function outlineOf(kind: BodyKind): Outline | undefined {
  const corners = kind.rigid?.corners ?? [];
  if (corners.length === 0) return undefined;
  const x = corners.filter((_, index) => index % 2 === 0);
  const y = corners.filter((_, index) => index % 2 === 1);
  const edges = x.map((cornerX, index) => {
    const next = (index + 1) % x.length;
    const ex = (x[next] as number) - cornerX;
    const ey = (y[next] as number) - (y[index] as number);
    const length = Math.hypot(ex, ey);
    return [ey / length, -ex / length] as const;
  });
  return { x, y, nx: edges.map(([nx]) => nx), ny: edges.map(([, ny]) => ny) };
}

export function columnOf(data: KernelData, x: number): number {
  const { perCell, columns } = data.layout;
  const at = x * perCell;
  // NaN is column 0.
  return at >= columns ? columns - 1 : at > 0 ? at | 0 : 0;
}

export function lineOf(data: KernelData, y: number): number {
  const { perCell, lines } = data.layout;
  const at = y * perCell;
  return at >= lines ? lines - 1 : at > 0 ? at | 0 : 0;
}

/** First column of a strip; of the one after the last, the number of columns. */
export function stripStart(layout: WorldLayout, strip: number): number {
  return strip >= layout.strips ? layout.columns : strip * layout.stripColumns;
}

export function tileOf(data: KernelData, column: number, line: number): number {
  return (data.stripOf[column] as number) * data.layout.bands + (data.bandOf[line] as number);
}
