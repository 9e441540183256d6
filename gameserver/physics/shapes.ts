/**
 * What physics knows of an entity kind, and the mass properties of rigid shapes.
 *
 * Area and second moment of a polygon: the usual sums over its edges (cross products of consecutive corners).
 */
import type { Rigid } from "../game.ts";

export interface BodyKind {
  /** Circle, ends of a capsule, or the circle around a rigid shape; world units. */
  readonly radius: number;
  /** 0 for what is never pushed. */
  readonly inverseMass: number;
  readonly collides: boolean;
  /** World units between the centres of the round ends; 0 for a circle. */
  readonly capsule: number;
  /** Indices of the columns with direction and turning speed, or −1. */
  readonly angle: number;
  readonly spin: number;
  readonly rigid: RigidBody | undefined;
}

/** A rigid kind, checked and with its mass worked out. Plain data: it is posted to the other worker. */
export interface RigidBody {
  /** Corners x0, y0, x1, y1 … counter-clockwise around the centre of mass; empty for a circle. */
  readonly corners: readonly number[];
  /** True for a rectangle, whose first corner is the lower left. */
  readonly box: boolean;
  /** Of the circle around it. */
  readonly radius: number;
  readonly inverseMass: number;
  readonly inverseInertia: number;
  readonly density: number;
  readonly friction: number;
  readonly restitution: number;
  readonly damping: number;
}

const MOST_CORNERS = 8;

/** The body of a declaration, or what is wrong with its shape. */
export function rigidBody(rigid: Rigid): RigidBody | string {
  const { shape, density = 1, friction = 0.5, restitution = 0.3, damping = 0 } = rigid;
  const rest = { density, friction, restitution, damping };
  if ("circle" in shape) {
    const radius = shape.circle;
    if (!(radius > 0 && radius < 1e6)) return "must have a radius above 0";
    const mass = Math.PI * radius * radius * density;
    const inverseInertia = 2 / (mass * radius * radius);
    return { ...rest, corners: [], box: false, radius, inverseMass: 1 / mass, inverseInertia };
  }
  const corners = "box" in shape ? boxCorners(shape.box) : shape.polygon;
  if (corners.length < 3 || corners.length > MOST_CORNERS) return `must have 3 to ${MOST_CORNERS} corners`;
  if (!corners.flat().every((value) => Number.isFinite(value))) return "must have corners that are numbers";
  if (!isConvex(corners)) return "must be convex, with its corners counter-clockwise";
  const { area, moment, x, y } = moments(corners);
  const radius = Math.max(...corners.map(([cx, cy]) => Math.hypot(cx, cy)));
  if (Math.hypot(x, y) > radius * 0.01) return "must have its centre of mass at 0, 0";
  return {
    ...rest,
    corners: corners.flat(),
    box: "box" in shape,
    radius,
    inverseMass: 1 / (area * density),
    inverseInertia: 1 / (moment * density),
  };
}

type Corners = readonly (readonly [number, number])[];

function boxCorners([width, height]: readonly [number, number]): Corners {
  const [x, y] = [width / 2, height / 2];
  return [
    [-x, -y],
    [x, -y],
    [x, y],
    [-x, y],
  ];
}

function isConvex(corners: Corners): boolean {
  return corners.every(([ax, ay], i) => {
    const next = (i + 1) % corners.length;
    const [bx, by] = corners[next] as readonly [number, number];
    // Every other corner lies to the left of every edge.
    return corners.every(
      ([cx, cy], at) => at === i || at === next || (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) > 0,
    );
  });
}

function moments(corners: Corners): { area: number; moment: number; x: number; y: number } {
  let area = 0;
  let moment = 0;
  let x = 0;
  let y = 0;
  for (const [i, [ax, ay]] of corners.entries()) {
    const [bx, by] = corners[(i + 1) % corners.length] as readonly [number, number];
    const cross = ax * by - ay * bx;
    area += cross / 2;
    x += ((ax + bx) * cross) / 6;
    y += ((ay + by) * cross) / 6;
    moment += (cross * (ax * ax + ax * bx + bx * bx + ay * ay + ay * by + by * by)) / 12;
  }
  return { area, moment, x: x / area, y: y / area };
}
