/**
 * Isolates rigid regions whose step eats the frame: they step every second or fourth time, slower than the world,
 * until they cost little again. Other regions go on as if nothing were.
 *
 * This is the one decision taken by a clock; the simulation records it, so that replays take it alike.
 */

/** Measured step of a region, ms, smoothed over some steps. */
const SMOOTHING = 0.1;
/** A region that takes longer is slowed … */
const MOST_MS = 6;
/** … and freed when it takes no longer than this. */
const CALM_MS = 3;
/** Steps between two changes of the same region. */
const PATIENCE = 60;
const MOST_PERIOD = 4;

export interface RegionGuard {
  /** Smoothed cost of a step, ms. */
  readonly ms: number;
  /** Steps between two of the region: 1, 2 or 4. */
  readonly period: number;
  /** World steps since the last change. */
  readonly since: number;
}

export const UNGUARDED: RegionGuard = { ms: 0, period: 1, since: 0 };

/** After each step of the world. `ms`: what the region's last own step took. */
export function guardRegion(guard: RegionGuard, ms: number): RegionGuard {
  const smooth = guard.ms + (ms - guard.ms) * SMOOTHING;
  const since = guard.since + 1;
  const period =
    since < PATIENCE
      ? guard.period
      : smooth > MOST_MS
        ? Math.min(MOST_PERIOD, guard.period * 2)
        : smooth < CALM_MS
          ? Math.max(1, guard.period / 2)
          : guard.period;
  return { ms: smooth, period, since: period === guard.period ? since : 0 };
}
