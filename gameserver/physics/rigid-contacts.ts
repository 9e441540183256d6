/**
 * Where the two engines meet: circles and capsules against rigid bodies. Rapier moves rigid bodies among themselves;
 * what a circle does to one is worked out here and written to its columns, from where the next step takes it over.
 *
 * Rigid bodies are done in three groups, by where they stand when the rigid worlds have moved. One well inside a strip
 * moves only circles of that strip's inner columns: strips can be worked on side by side with the pairs across their
 * borders. One near a border moves only circles of the halves of two strips: borders can be worked on side by side,
 * after that. The few wider ones come last, in row order, on one thread.
 */
import { columnOf, type KernelData, lineOf, stripStart, TOLD_RIGID } from "./kernel-data.ts";
import { MOST_STRIPS, ROLE } from "./layout.ts";
import type { Touches } from "./pairs.ts";

/** Most circles looked at around one rigid body in a step. */
const MOST_TESTS = 64;
const PUSH = 0.8;

/** Of `group`: the strip (of an inner one), or `BORDER` + the strip whose right border it is at, or one for the rest. */
const BORDER = MOST_STRIPS;
const WIDE = 2 * MOST_STRIPS;

/** Puts a rigid row into its group. */
export function groupRigid(data: KernelData, row: number): void {
  const { layout, bodies, stripOf } = data;
  const x = bodies.x[row] as number;
  const reach = (data.radius[bodies.kind[row] as number] as number) + data.smallReach;
  const left = columnOf(data, x - reach);
  const right = columnOf(data, x + reach);
  const strip = stripOf[columnOf(data, x)] as number;
  const start = stripStart(layout, strip);
  const stop = stripStart(layout, strip + 1);
  const half = layout.stripColumns >> 1;
  const last = strip + 1 === layout.strips;
  // At the world's edge there is no border.
  if ((left > start || strip === 0) && (right < stop - 1 || last)) data.group[row] = strip;
  else if (left >= stop - half && right < stop + half && !last) {
    data.group[row] = BORDER + strip;
  } else if (left >= start - half && right < start + half && strip > 0) {
    data.group[row] = BORDER + strip - 1;
  } else data.group[row] = WIDE;
}

/** Groups all rigid rows: for a zone whose rigid bodies nobody moves. */
export function groupAll(data: KernelData): void {
  eachRigid(data, (row) => groupRigid(data, row));
}

/** Rigid bodies well inside the strips `from` … `to` − 1. */
export function rigidInside(data: KernelData, from: number, to: number, touches: Touches): void {
  const { group } = data;
  eachRigid(data, (row) => {
    const at = group[row] as number;
    if (at >= from && at < to) around(data, row, touches);
  });
}

/** Rigid bodies at the right borders of the strips `from` … `to` − 1. */
export function rigidBorders(data: KernelData, from: number, to: number, touches: Touches): void {
  rigidInside(data, BORDER + from, BORDER + to, touches);
}

/** All others. */
export function rigidWide(data: KernelData, touches: Touches): void {
  rigidInside(data, WIDE, WIDE + 1, touches);
}

function eachRigid(data: KernelData, visit: (row: number) => void): void {
  const { role, bodies } = data;
  for (let index = 0; index < bodies.high.length; index++) {
    if (role[index + 1] !== ROLE.rigid) continue;
    for (let row = bodies.starts[index] as number; row < (bodies.high[index] as number); row++) {
      if (bodies.kind[row] !== 0) visit(row);
    }
  }
}

/** One rigid body against the circles around it. */
function around(data: KernelData, row: number, touches: Touches): void {
  const { layout, first, end, items, bodies, role, reach } = data;
  const kind = bodies.kind[row] as number;
  const radius = data.radius[kind] as number;
  const x = bodies.x[row] as number;
  const y = bodies.y[row] as number;
  const right = columnOf(data, x + radius + data.smallReach);
  const low = lineOf(data, y - radius - data.smallReach);
  const high = lineOf(data, y + radius + data.smallReach);
  let told = 0;
  let tests = 0;
  for (let column = columnOf(data, x - radius - data.smallReach); column <= right; column++) {
    const stop = end[column * layout.lines + high] as number;
    for (let i = first[column * layout.lines + low] as number; i < stop && tests < MOST_TESTS; i++) {
      const other = items[i] as number;
      const otherKind = bodies.kind[other] as number;
      if (role[otherKind] !== ROLE.small) continue;
      tests++;
      const dx = (bodies.x[other] as number) - (bodies.x[row] as number);
      const dy = (bodies.y[other] as number) - y;
      const sum = radius + (reach[otherKind] as number);
      if (dx * dx + dy * dy >= sum * sum || !resolveRigid(data, row, other)) continue;
      if (told++ < TOLD_RIGID) touches.add(row, other);
    }
  }
}

/** Result of `overlap`: where the circle is pushed to (unit normal), how deep it is, and the contact point. */
const found = { nx: 0, ny: 0, depth: 0, px: 0, py: 0 };

/** Rigid `row` against circle or capsule `other`. True when they overlap; then they are pushed apart. */
export function resolveRigid(data: KernelData, row: number, other: number): boolean {
  const { bodies } = data;
  const kind = bodies.kind[other] as number;
  const half = data.half[kind] as number;
  const radius = data.radius[kind] as number;
  const x = bodies.x[other] as number;
  const y = bodies.y[other] as number;
  if (half === 0) {
    if (!overlaps(data, row, x, y, radius)) return false;
    respond(data, row, other);
    return true;
  }
  // A capsule as the deepest of the circles at its ends and in its middle.
  const angle = bodies.angle[kind]?.[other] ?? 0;
  let deepest = 0;
  let best = { ...found };
  for (const at of [-half, 0, half]) {
    const hit = overlaps(data, row, x + Math.cos(angle) * at, y + Math.sin(angle) * at, radius);
    if (!hit || found.depth <= deepest) continue;
    deepest = found.depth;
    best = { ...found };
  }
  if (deepest === 0) return false;
  Object.assign(found, best);
  respond(data, row, other);
  return true;
}

/** Whether a circle overlaps the shape of rigid `row`; if so, `found` says how. */
export function overlaps(data: KernelData, row: number, x: number, y: number, radius: number): boolean {
  const { bodies } = data;
  const kind = bodies.kind[row] as number;
  const outline = data.outlines[kind];
  const dx = x - (bodies.x[row] as number);
  const dy = y - (bodies.y[row] as number);
  if (!outline) return meet(dx, dy, radius, data.radius[kind] as number);
  const angle = bodies.angle[kind]?.[row] ?? 0;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const localX = dx * cos + dy * sin;
  const localY = dy * cos - dx * sin;
  let best = -1;
  let separation = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < outline.x.length; i++) {
    const out =
      (localX - (outline.x[i] as number)) * (outline.nx[i] as number) +
      (localY - (outline.y[i] as number)) * (outline.ny[i] as number);
    if (out >= radius) return false;
    if (out > separation) {
      separation = out;
      best = i;
    }
  }
  if (!nearestOutside(outline, best, localX, localY, separation, radius)) return false;
  const { nx, ny, px, py } = found;
  found.nx = nx * cos - ny * sin;
  found.ny = nx * sin + ny * cos;
  found.px = px * cos - py * sin;
  found.py = px * sin + py * cos;
  return true;
}

/** Fills `found` in the polygon's own frame: from the face, or from a corner when the circle is beside the face. */
function nearestOutside(
  outline: NonNullable<KernelData["outlines"][number]>,
  edge: number,
  x: number,
  y: number,
  separation: number,
  radius: number,
): boolean {
  const next = (edge + 1) % outline.x.length;
  const nx = outline.nx[edge] as number;
  const ny = outline.ny[edge] as number;
  for (const [corner, sign] of [
    [edge, 1],
    [next, -1],
  ] as const) {
    const cx = outline.x[corner] as number;
    const cy = outline.y[corner] as number;
    // Along the edge, whose direction is the normal turned left.
    const along = ((x - cx) * -ny + (y - cy) * nx) * sign;
    if (separation <= 0 || along >= 0) continue;
    const distance = Math.hypot(x - cx, y - cy);
    if (distance >= radius || distance === 0) return false;
    Object.assign(found, { nx: (x - cx) / distance, ny: (y - cy) / distance, depth: radius - distance });
    found.px = cx;
    found.py = cy;
    return true;
  }
  Object.assign(found, { nx, ny, depth: radius - separation });
  found.px = x - nx * separation;
  found.py = y - ny * separation;
  return true;
}

function meet(dx: number, dy: number, radius: number, other: number): boolean {
  const distance = Math.hypot(dx, dy);
  if (distance >= radius + other) return false;
  found.nx = distance > 1e-6 ? dx / distance : 1;
  found.ny = distance > 1e-6 ? dy / distance : 0;
  found.depth = radius + other - distance;
  found.px = found.nx * other;
  found.py = found.ny * other;
  return true;
}

/** Push and impulse at the contact point (Baraff's rigid-body notes: the turning arm adds to the inverse mass). */
function respond(data: KernelData, row: number, other: number): void {
  const { x, y, vx, vy, kind, spin } = data.bodies;
  const { nx, ny, depth, px, py } = found;
  const k = kind[row] as number;
  const body = data.kinds[k - 1]?.rigid;
  if (!body) return;
  const inverse = data.inverse[kind[other] as number] as number;
  const total = body.inverseMass + inverse;
  const push = (depth * PUSH) / total;
  x[other] = (x[other] as number) + nx * push * inverse;
  y[other] = (y[other] as number) + ny * push * inverse;
  x[row] = (x[row] as number) - nx * push * body.inverseMass;
  y[row] = (y[row] as number) - ny * push * body.inverseMass;
  const spins = spin[k];
  const turning = spins?.[row] ?? 0;
  // Speed of the circle seen from the contact point.
  const closing =
    ((vx[other] as number) - ((vx[row] as number) - turning * py)) * nx +
    ((vy[other] as number) - ((vy[row] as number) + turning * px)) * ny;
  if (closing >= 0) return;
  const arm = px * ny - py * nx;
  const impulse = (-(1 + body.restitution) * closing) / (total + arm * arm * body.inverseInertia);
  vx[other] = (vx[other] as number) + nx * impulse * inverse;
  vy[other] = (vy[other] as number) + ny * impulse * inverse;
  vx[row] = (vx[row] as number) - nx * impulse * body.inverseMass;
  vy[row] = (vy[row] as number) - ny * impulse * body.inverseMass;
  if (spins) spins[row] = turning - arm * impulse * body.inverseInertia;
}
