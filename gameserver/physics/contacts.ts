/**
 * Narrow phase of the circle kernel: do two circles or capsules overlap, and if so, push them apart and exchange
 * speed along the line of impact. All arithmetic is in doubles, stored as f32: the same on every machine.
 */
import type { KernelData } from "./kernel-data.ts";

/** Share of the overlap that one step removes: less than 1 keeps piles from trembling. */
const PUSH = 0.8;
/** Speed kept along the line of impact. */
export const RESTITUTION = 0.4;

/** Two circles. True when they overlap. */
export function resolveCircles(data: KernelData, a: number, b: number): boolean {
  const { x, y, kind } = data.bodies;
  const dx = (x[b] as number) - (x[a] as number);
  const dy = (y[b] as number) - (y[a] as number);
  const sum = (data.radius[kind[a] as number] as number) + (data.radius[kind[b] as number] as number);
  const square = dx * dx + dy * dy;
  if (!(square < sum * sum)) return false;
  part(data, a, b, dx, dy, Math.sqrt(square), sum);
  return true;
}

/** At least one capsule: the circles around the two points of their axes that are closest to each other. */
export function resolveCapsules(data: KernelData, a: number, b: number): boolean {
  const { kind } = data.bodies;
  closest(data, a, b);
  const { dx, dy } = between;
  const sum = (data.radius[kind[a] as number] as number) + (data.radius[kind[b] as number] as number);
  const square = dx * dx + dy * dy;
  if (!(square < sum * sum)) return false;
  part(data, a, b, dx, dy, Math.sqrt(square), sum);
  return true;
}

function part(
  data: KernelData,
  a: number,
  b: number,
  dx: number,
  dy: number,
  distance: number,
  sum: number,
): void {
  const { x, y, vx, vy, kind } = data.bodies;
  const inverseA = data.inverse[kind[a] as number] as number;
  const inverseB = data.inverse[kind[b] as number] as number;
  const total = inverseA + inverseB;
  if (total === 0) return;
  // Two at the very same place part along x: any direction will do, but always the same one.
  const nx = distance > 1e-6 ? dx / distance : 1;
  const ny = distance > 1e-6 ? dy / distance : 0;
  const push = ((sum - distance) * PUSH) / total;
  x[a] = (x[a] as number) - nx * push * inverseA;
  y[a] = (y[a] as number) - ny * push * inverseA;
  x[b] = (x[b] as number) + nx * push * inverseB;
  y[b] = (y[b] as number) + ny * push * inverseB;
  const closing = ((vx[b] as number) - (vx[a] as number)) * nx + ((vy[b] as number) - (vy[a] as number)) * ny;
  if (closing >= 0) return;
  const impulse = (-(1 + RESTITUTION) * closing) / total;
  vx[a] = (vx[a] as number) - nx * impulse * inverseA;
  vy[a] = (vy[a] as number) - ny * impulse * inverseA;
  vx[b] = (vx[b] as number) + nx * impulse * inverseB;
  vy[b] = (vy[b] as number) + ny * impulse * inverseB;
}

/** Result of `closest`: from the point on the axis of `a` to that of `b`. One object, so that no pair makes garbage. */
const between = { dx: 0, dy: 0 };
const axisA = { x: 0, y: 0 };
const axisB = { x: 0, y: 0 };

/**
 * Closest points of two segments (Ericson, Real-Time Collision Detection, 5.1.9): clamp the meeting point of the
 * lines to one, then to the other. Parallel axes meet half-way along a's end towards b.
 */
function closest(data: KernelData, a: number, b: number): void {
  const { x, y } = data.bodies;
  axis(data, a, axisA);
  axis(data, b, axisB);
  const rx = (x[a] as number) - (x[b] as number);
  const ry = (y[a] as number) - (y[b] as number);
  const aa = axisA.x * axisA.x + axisA.y * axisA.y;
  const bb = axisB.x * axisB.x + axisB.y * axisB.y;
  const ab = axisA.x * axisB.x + axisA.y * axisB.y;
  const ar = axisA.x * rx + axisA.y * ry;
  const br = axisB.x * rx + axisB.y * ry;
  const lines = aa * bb - ab * ab;
  // s and t run −1 … 1 along the half axes.
  let s = lines > 1e-9 * aa * bb && lines > 0 ? clamp1((ab * br - bb * ar) / lines) : 0;
  let t = bb > 0 ? clamp1((ab * s + br) / bb) : 0;
  s = aa > 0 ? clamp1((ab * t - ar) / aa) : 0;
  t = bb > 0 ? clamp1((ab * s + br) / bb) : 0;
  between.dx = -rx + axisB.x * t - axisA.x * s;
  between.dy = -ry + axisB.y * t - axisA.y * s;
}

function axis(data: KernelData, row: number, out: { x: number; y: number }): void {
  const kind = data.bodies.kind[row] as number;
  const half = data.half[kind] as number;
  const angle = half > 0 ? (data.bodies.angle[kind]?.[row] ?? 0) : 0;
  out.x = half * Math.cos(angle);
  out.y = half * Math.sin(angle);
}

function clamp1(value: number): number {
  return value > 1 ? 1 : value > -1 ? value : -1;
}
