/**
 * First part of a step: every body moves by its velocity, stays inside the world, and is put down for a cell.
 *
 * Rows are independent of each other here, so any split between workers gives the same. Bodies of far tiles move
 * every second, fourth … step, by all the time they have not moved (`debt`): where they are is never off by more
 * than their motion explains. Bodies that stand still far from everybody sleep until something pushes them.
 */
import { columnOf, IDLE, type KernelData, lineOf, MOVED, SWEPT, tileOf } from "./kernel-data.ts";
import { ROLE } from "./layout.ts";

/** World units per second: less is standing still. */
const STILL = 1e-3;
/** Speeds this many times over the limit are an explosion, not haste. */
const EXPLOSION = 4;
/** Steps between two motions by level, before the ladder's slowing. */
const PERIODS = [1, 2, 4] as const;
/** A slowed tile moves at most every second step. */
const SLOWED_PERIOD = 2;

export interface StepParameters {
  readonly tick: number;
  /** Seconds of one step. */
  readonly dt: number;
  /** By how much the ladder slows what is far from players: 1 or more, a whole number. */
  readonly farSlowing: number;
}

/** Moves rows `from` … `to` − 1, and notes those that must be swept. */
export function moveRows(
  data: KernelData,
  worker: number,
  from: number,
  to: number,
  step: StepParameters,
): void {
  const { kind, x, y, vx, vy } = data.bodies;
  const { maxSpeed } = data.world;
  const { role, cellOf, active, fromX, fromY, layout, swept } = data;
  let sweptTo = from;
  for (let row = from; row < to; row++) {
    const k = kind[row] as number;
    if (k === 0) {
      cellOf[row] = -1;
      active[row] = IDLE;
      continue;
    }
    const column = columnOf(data, x[row] as number);
    const line = lineOf(data, y[row] as number);
    const what = role[k] as number;
    const fastest = Math.max(Math.abs(vx[row] as number), Math.abs(vy[row] as number));
    // NaN and infinities fail the test, of places too: the sum is only there to look at both.
    const sane =
      fastest <= maxSpeed && Math.abs((x[row] as number) + (y[row] as number)) < Number.POSITIVE_INFINITY;
    if (!sane && what !== ROLE.rigid) mend(data, row, tileOf(data, column, line));
    const x0 = x[row] as number;
    const y0 = y[row] as number;
    fromX[row] = x0;
    fromY[row] = y0;
    if (what === ROLE.rigid) {
      active[row] = MOVED;
      cellOf[row] = column * layout.lines + line;
      continue;
    }
    const state = moveRow(data, row, k, tileOf(data, column, line), step);
    active[row] = state;
    cellOf[row] =
      what !== ROLE.small || state === SWEPT
        ? -1
        : columnOf(data, x[row] as number) * layout.lines + lineOf(data, y[row] as number);
    if (state === SWEPT) swept.rows[sweptTo++] = row;
  }
  swept.spans[worker * 2] = from;
  swept.spans[worker * 2 + 1] = sweptTo;
}

function moveRow(data: KernelData, row: number, k: number, tile: number, step: StepParameters): number {
  const { x, y, vx, vy, debt } = data.bodies;
  const { width, height, bounce } = data.world;
  const level = data.level[tile] as number;
  const speedX = vx[row] as number;
  const speedY = vy[row] as number;
  if (level === 2 && speedX < STILL && speedX > -STILL && speedY < STILL && speedY > -STILL) {
    debt[row] = 0;
    return IDLE;
  }
  let period: number = PERIODS[level as 0 | 1 | 2];
  if (level > 0) period *= step.farSlowing;
  if (period < SLOWED_PERIOD && (data.bodies.slowed[tile] as number) > 0) period = SLOWED_PERIOD;
  const owed = (debt[row] as number) + 1;
  // Spread over the steps by row; the second part is for bodies that have just changed their level.
  if (owed < period && (step.tick + row) % period !== 0) {
    debt[row] = owed;
    return IDLE;
  }
  debt[row] = 0;
  const seconds = owed * step.dt;
  const dx = speedX * seconds;
  const dy = speedY * seconds;
  x[row] = (x[row] as number) + dx;
  y[row] = (y[row] as number) + dy;
  const radius = data.radius[k] as number;
  const margin = radius + (data.half[k] as number);
  contain(x, vx, row, margin, width - margin, bounce);
  contain(y, vy, row, margin, height - margin, bounce);
  const swept = data.role[k] === ROLE.small && dx * dx + dy * dy > radius * radius;
  return swept ? SWEPT : MOVED;
}

/** Bounds speeds; counts anomalies. What is not a number must not spread: it stands still from here on. */
function mend(data: KernelData, row: number, tile: number): void {
  const { x, y, vx, vy } = data.bodies;
  const { maxSpeed } = data.world;
  const speedX = vx[row] as number;
  const speedY = vy[row] as number;
  const fastest = Math.max(Math.abs(speedX), Math.abs(speedY));
  const finite =
    fastest < Number.POSITIVE_INFINITY && Number.isFinite((x[row] as number) + (y[row] as number));
  if (!finite) {
    Atomics.add(data.nonFinite, tile, 1);
    vx[row] = 0;
    vy[row] = 0;
    if (!Number.isFinite(x[row] as number)) x[row] = 0;
    if (!Number.isFinite(y[row] as number)) y[row] = 0;
    return;
  }
  if (fastest > maxSpeed * EXPLOSION) Atomics.add(data.overspeed, tile, 1);
  vx[row] = Math.max(-maxSpeed, Math.min(maxSpeed, speedX));
  vy[row] = Math.max(-maxSpeed, Math.min(maxSpeed, speedY));
}

function contain(
  at: Float32Array,
  speed: Float32Array,
  row: number,
  low: number,
  high: number,
  bounce: boolean,
): void {
  const value = at[row] as number;
  if (value >= low && value <= high) return;
  at[row] = value > high ? high : low;
  const inward = value > high ? -Math.abs(speed[row] as number) : Math.abs(speed[row] as number);
  speed[row] = bounce ? inward : 0;
}
