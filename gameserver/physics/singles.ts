/**
 * Last part of a step, on one thread and in row order: the few bodies that do not fit the cells. Large ones are
 * compared with everything in their range; fast ones with everything along their path, so that none passes through
 * what it should have hit (continuous collision).
 *
 * Two fast ones pass each other: shots do not meet shots.
 */
import { resolveCapsules, resolveCircles } from "./contacts.ts";
import { columnOf, IDLE, type KernelData, lineOf, WORKERS } from "./kernel-data.ts";
import { ROLE } from "./layout.ts";
import type { Touches } from "./pairs.ts";
import { overlaps, resolveRigid } from "./rigid-contacts.ts";

/** Most bodies looked at along one path in a step. */
const MOST_ON_PATH = 256;
/** Places along a path at which a rigid body is looked for, at most. */
const MOST_SAMPLES = 16;

/** Calls `visit` for the living rows of every kind with this role, in row order. */
function eachOf(data: KernelData, role: number, visit: (row: number) => void): void {
  const { bodies } = data;
  for (let index = 0; index < bodies.high.length; index++) {
    if (data.role[index + 1] !== role) continue;
    for (let row = bodies.starts[index] as number; row < (bodies.high[index] as number); row++) {
      if (bodies.kind[row] !== 0) visit(row);
    }
  }
}

/** Large bodies against small ones, rigid ones, and each other. */
export function collideLarge(data: KernelData, touches: Touches): void {
  const { bodies } = data;
  const touch = (a: number, b: number) => {
    const k = bodies.kind[b] as number;
    const hit =
      data.role[k] === ROLE.rigid
        ? resolveRigid(data, b, a)
        : (data.half[bodies.kind[a] as number] as number) === 0 && (data.half[k] as number) === 0
          ? resolveCircles(data, a, b)
          : resolveCapsules(data, a, b);
    if (hit) touches.add(a, b);
  };
  eachOf(data, ROLE.large, (row) => {
    const reach = data.reach[bodies.kind[row] as number] as number;
    const x = bodies.x[row] as number;
    const y = bodies.y[row] as number;
    const idle = data.active[row] === IDLE;
    inSquare(data, x, y, x, y, reach + data.smallReach, (other) => {
      if (data.role[bodies.kind[other] as number] !== ROLE.small) return true;
      if (!idle || data.active[other] !== IDLE) touch(row, other);
      return true;
    });
    eachOf(data, ROLE.rigid, (other) => {
      const sum = reach + (data.radius[bodies.kind[other] as number] as number);
      const dx = (bodies.x[other] as number) - x;
      const dy = (bodies.y[other] as number) - y;
      if (dx * dx + dy * dy < sum * sum) touch(row, other);
    });
    eachOf(data, ROLE.large, (other) => {
      if (other > row) touch(row, other);
    });
  });
}

/** Visits what lies in the cells around a rectangle, until `visit` answers false. */
function inSquare(
  data: KernelData,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  margin: number,
  visit: (row: number) => boolean,
): void {
  const { layout, first, end, items } = data;
  const right = columnOf(data, Math.max(x0, x1) + margin);
  const low = lineOf(data, Math.min(y0, y1) - margin);
  const high = lineOf(data, Math.max(y0, y1) + margin);
  for (let column = columnOf(data, Math.min(x0, x1) - margin); column <= right; column++) {
    const stop = end[column * layout.lines + high] as number;
    for (let i = first[column * layout.lines + low] as number; i < stop; i++) {
      if (!visit(items[i] as number)) return;
    }
  }
}

/** Bodies that moved farther than their own radius: the first thing on their path stops them there. */
export function sweepFast(data: KernelData, dt: number, touches: Touches): void {
  const { rows, spans } = data.swept;
  for (let worker = 0; worker < WORKERS; worker++) {
    const to = spans[worker * 2 + 1] as number;
    for (let at = spans[worker * 2] as number; at < to; at++) sweep(data, rows[at] as number, dt, touches);
  }
}

function sweep(data: KernelData, row: number, dt: number, touches: Touches): void {
  const { bodies, fromX, fromY } = data;
  const x0 = fromX[row] as number;
  const y0 = fromY[row] as number;
  const x1 = bodies.x[row] as number;
  const y1 = bodies.y[row] as number;
  const radius = data.reach[bodies.kind[row] as number] as number;
  let hit = -1;
  let at = 2;
  const look = (other: number): void => {
    const kind = bodies.kind[other] as number;
    const round = data.role[kind] !== ROLE.rigid && data.half[kind] === 0;
    const time = round ? timeToCircle(data, row, other) : timeToShape(data, row, other);
    if (time > at || (time === at && other > hit)) return;
    at = time;
    hit = other;
  };
  let seen = 0;
  const margin = radius + Math.max(data.smallReach, data.rigidReach) + data.world.maxSpeed * dt;
  inSquare(data, x0, y0, x1, y1, margin, (other) => {
    look(other);
    return ++seen < MOST_ON_PATH;
  });
  eachOf(data, ROLE.large, look);
  if (at > 1) return;
  stopAt(data, row, hit, at);
  const struck =
    data.role[bodies.kind[hit] as number] === ROLE.rigid
      ? resolveRigid(data, hit, row)
      : resolveCapsules(data, row, hit);
  if (struck) touches.add(row, hit);
}

/** Puts `row` where it is at share `at` of the step, as seen from `hit`, a hair inside it. */
function stopAt(data: KernelData, row: number, hit: number, at: number): void {
  const { bodies, fromX, fromY } = data;
  const share = Math.min(1, at + 1e-3);
  for (const [place, from] of [
    [bodies.x, fromX],
    [bodies.y, fromY],
  ] as const) {
    const otherFrom = movedOf(data, hit) ? (from[hit] as number) : (place[hit] as number);
    const start = (from[row] as number) - otherFrom;
    const way = (place[row] as number) - (from[row] as number) - ((place[hit] as number) - otherFrom);
    place[row] = (place[hit] as number) + start + way * share;
  }
}

/** Rigid bodies and capsules are taken as standing still, at the end of the step, during that of a fast one. */
function movedOf(data: KernelData, row: number): boolean {
  const kind = data.bodies.kind[row] as number;
  return data.active[row] !== IDLE && data.role[kind] !== ROLE.rigid && data.half[kind] === 0;
}

/** Share of the step after which the two touch; above 1 for never. The usual quadratic of two moving circles. */
function timeToCircle(data: KernelData, row: number, other: number): number {
  const { x, y, kind } = data.bodies;
  const { fromX, fromY } = data;
  const moved = movedOf(data, other);
  const otherX = moved ? (fromX[other] as number) : (x[other] as number);
  const otherY = moved ? (fromY[other] as number) : (y[other] as number);
  const px = (fromX[row] as number) - otherX;
  const py = (fromY[row] as number) - otherY;
  const dx = (x[row] as number) - (fromX[row] as number) - ((x[other] as number) - otherX);
  const dy = (y[row] as number) - (fromY[row] as number) - ((y[other] as number) - otherY);
  const b = px * dx + py * dy;
  // Apart from each other already: a shot that leaves the ship that fired it.
  if (b >= 0) return 2;
  const otherKind = kind[other] as number;
  const sum = (data.reach[kind[row] as number] as number) + (data.reach[otherKind] as number);
  const a = dx * dx + dy * dy;
  const inside = px * px + py * py - sum * sum;
  if (inside <= 0) return 0;
  const root = b * b - a * inside;
  return root < 0 ? 2 : (-b - Math.sqrt(root)) / a;
}

/** The same for any other shape, looked for at places no farther apart than the fast one's radius. */
function timeToShape(data: KernelData, row: number, other: number): number {
  const { x, y, kind } = data.bodies;
  const radius = data.radius[kind[row] as number] as number;
  const x0 = data.fromX[row] as number;
  const y0 = data.fromY[row] as number;
  const dx = (x[row] as number) - x0;
  const dy = (y[row] as number) - y0;
  if (((x[other] as number) - x0) * dx + ((y[other] as number) - y0) * dy <= 0) return 2;
  const samples = Math.min(MOST_SAMPLES, Math.ceil(Math.hypot(dx, dy) / radius));
  for (let i = 1; i <= samples; i++) {
    const px = x0 + (dx * i) / samples;
    const py = y0 + (dy * i) / samples;
    const rigid = data.role[kind[other] as number] === ROLE.rigid;
    if (rigid ? overlaps(data, other, px, py, radius) : inCapsule(data, other, px, py, radius)) {
      return i / samples;
    }
  }
  return 2;
}

function inCapsule(data: KernelData, row: number, px: number, py: number, radius: number): boolean {
  const { x, y, kind, angle } = data.bodies;
  const k = kind[row] as number;
  const half = data.half[k] as number;
  const direction = angle[k]?.[row] ?? 0;
  const dx = px - (x[row] as number);
  const dy = py - (y[row] as number);
  const along = dx * Math.cos(direction) + dy * Math.sin(direction);
  const rest = along - Math.max(-half, Math.min(half, along));
  const across = dy * Math.cos(direction) - dx * Math.sin(direction);
  const sum = radius + (data.radius[k] as number);
  return rest * rest + across * across < sum * sum;
}
