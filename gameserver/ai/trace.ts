/** Turns a settled search into a few waypoints: the corners of the way, without those that can be seen past. */
import { DIRECTION_X, DIRECTION_Y, type NavGrid } from "./nav-grid.ts";
import type { Search } from "./search.ts";

/** Cells that one call follows at most, and that one look at a straight line covers. */
const MOST_CELLS = 512;
const SIGHT = 64;
/** On a long straight a waypoint is put after so many cells, so that each is in sight of the one before. */
const LONG = 32;

export interface Trace {
  /** Waypoints written. */
  count: number;
  /** False when the way goes on beyond the last waypoint: too long, or an obstacle has come into it. */
  whole: boolean;
  /** Cells looked at, as a measure of the work. */
  work: number;
}

/** Writes the waypoints from `start` (settled, free) to the goal into `out`; answers into `trace`. */
export function follow(grid: NavGrid, search: Search, start: number, out: Uint16Array, trace: Trace): void {
  trace.count = 0;
  trace.work = 0;
  trace.whole = false;
  let anchor = start;
  /** The furthest corner seen from the anchor. */
  let corner = start;
  let cell = start;
  let heading = -1;
  let straight = 0;
  for (let walked = 0; walked < MOST_CELLS && cell !== search.goal; walked++) {
    const direction = search.direction(cell);
    if (cell !== start && (direction !== heading || straight === LONG)) {
      straight = 0;
      trace.work += grid.distance(anchor, cell);
      if (corner !== anchor && !grid.clear(anchor, cell, SIGHT)) {
        // Room is kept for the last one.
        if (trace.count === out.length - 1) break;
        out[trace.count++] = corner;
        anchor = corner;
      }
      corner = cell;
    }
    heading = direction;
    straight++;
    const next =
      cell + (DIRECTION_Y[direction] as number) * grid.columns + (DIRECTION_X[direction] as number);
    trace.work++;
    if (!grid.free(next)) break;
    cell = next;
  }
  finish(grid, anchor, corner, cell, out, trace);
  trace.whole = cell === search.goal;
}

/** The last corner, unless it can be seen past, and the cell where the walk ended. */
function finish(
  grid: NavGrid,
  anchor: number,
  corner: number,
  end: number,
  out: Uint16Array,
  trace: Trace,
): void {
  trace.work += grid.distance(anchor, end);
  if (corner !== anchor && !grid.clear(anchor, end, SIGHT) && trace.count < out.length - 1) {
    out[trace.count++] = corner;
  }
  if (end !== anchor) out[trace.count++] = end;
}
