import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DIRECTION_X, DIRECTION_Y, type NavGrid } from "./nav-grid.ts";
import { Search } from "./search.ts";
import { ground } from "./testing.ts";

const COLUMNS = 12;
const LINES = 9;
const cells = COLUMNS * LINES;
const cell = fc.nat(cells - 1);
const drawing = fc.array(
  fc.array(fc.constantFrom(".", ".", "#"), { minLength: COLUMNS, maxLength: COLUMNS }),
  { minLength: LINES, maxLength: LINES },
);
const linesOf = (signs: readonly (readonly string[])[]) => signs.map((line) => line.join(""));

/** Costs from everywhere to the goal, by relaxing until nothing changes; Infinity for no way. */
function costsTo(grid: NavGrid, goal: number): number[] {
  const costs = Array.from({ length: cells }, () => Number.POSITIVE_INFINITY);
  costs[goal] = 0;
  for (let changed = true; changed; ) {
    changed = false;
    for (let from = 0; from < cells; from++) {
      for (let way = 0; grid.free(from) && way < 8; way++) {
        const [dx, dy] = [DIRECTION_X[way] ?? 0, DIRECTION_Y[way] ?? 0];
        const [column, line] = [(from % COLUMNS) + dx, Math.floor(from / COLUMNS) + dy];
        if (!grid.inside(column, line) || !grid.free(line * COLUMNS + column)) continue;
        const square = grid.free(from + dx) && grid.free(from + dy * COLUMNS);
        if (dx !== 0 && dy !== 0 && !square) continue;
        const cost = (costs[line * COLUMNS + column] ?? 0) + (dx !== 0 && dy !== 0 ? 14 : 10);
        if (cost >= (costs[from] ?? 0)) continue;
        costs[from] = cost;
        changed = true;
      }
    }
  }
  return costs;
}

describe("a search", () => {
  it("finds the shortest way or that there is none, in slices of any size, for one seeker after another", () => {
    fc.assert(
      fc.property(
        drawing,
        cell,
        fc.array(cell, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 40 }),
        (signs, goal, seekers, slice) => {
          const { grid, state } = ground(linesOf(signs));
          grid.obstacles[goal] = 0;
          const costs = costsTo(grid, goal);
          const search = new Search(grid, state.search);
          for (const [index, seeker] of seekers.filter((at) => grid.free(at)).entries()) {
            if (index === 0) search.begin(goal, seeker);
            else search.seek(seeker);
            while (!search.settled(seeker) && !search.exhausted) search.run(slice);
            const cost = search.settled(seeker) ? search.cost(seeker) : Number.POSITIVE_INFINITY;
            expect(cost).toBe(costs[seeker]);
            if (search.settled(seeker)) expect(walked(grid, search, seeker)).toBe(cost);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** What the way costs that the directions lead. */
function walked(grid: NavGrid, search: Search, seeker: number): number {
  let cost = 0;
  let at = seeker;
  for (let steps = 0; at !== search.goal && steps <= cells; steps++) {
    const way = search.direction(at);
    at += (DIRECTION_Y[way] ?? 0) * grid.columns + (DIRECTION_X[way] ?? 0);
    expect(grid.free(at)).toBe(true);
    cost += way % 2 === 0 ? 10 : 14;
  }
  return cost;
}

describe("a straight line", () => {
  it("is clear when every point of it lies in a free cell", () => {
    fc.assert(
      fc.property(drawing, cell, cell, (signs, from, to) => {
        const { grid } = ground(linesOf(signs));
        const points = Array.from({ length: 2_001 }, (_, n) => {
          const part = n / 2_000;
          const x = grid.centreX(from) + (grid.centreX(to) - grid.centreX(from)) * part;
          const y = grid.centreY(from) + (grid.centreY(to) - grid.centreY(from)) * part;
          return grid.free(grid.at(x, y));
        });
        if (grid.clear(from, to, cells)) expect(points).not.toContain(false);
        // The other way round only corners may differ: they need both cells beside them.
        else if (!points.includes(false)) expect(touchesCorner(grid, from, to)).toBe(true);
        expect(grid.clear(from, to, grid.distance(from, to) - 1)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

/** Whether the line between two centres goes exactly through a corner of cells. */
function touchesCorner(grid: NavGrid, from: number, to: number): boolean {
  const dx = Math.abs((from % grid.columns) - (to % grid.columns));
  const dy = Math.abs(Math.floor(from / grid.columns) - Math.floor(to / grid.columns));
  for (let n = 1; n <= dx; n++) {
    // Border n of x is crossed at this height, counted from the centre it began in.
    const height = ((n - 0.5) * dy) / dx + 0.5;
    if (Math.abs(height - Math.round(height)) < 1e-3 * 3) return true;
  }
  return false;
}
