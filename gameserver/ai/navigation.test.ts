/** Path finding's promises: every request has a sensible answer after a bounded number of slices. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SLICE } from "./navigation.ts";
import { copyOf, field, type Ground, ground, serpentine } from "./testing.ts";

interface Walk {
  readonly state: string;
  readonly ticks: number;
}

/** Follows the answers from point to point until there, or no way, or too long. Never crosses what is blocked. */
function walk(on: Ground, row: number, x: number, y: number, most: number, slice = SLICE): Walk {
  for (let tick = 1; tick <= most; tick++) {
    on.navigation.slice(slice, tick);
    const way = on.navigation.way(row, x, y, tick);
    if (way.state === "none" || way.state === "there") return { state: way.state, ticks: tick };
    if (way.state === "wait") continue;
    const own = on.grid.at(on.x[row] ?? 0, on.y[row] ?? 0);
    if (on.grid.free(own)) expect(on.grid.clear(own, on.grid.at(way.x, way.y), 100_000)).toBe(true);
    on.x[row] = way.x;
    on.y[row] = way.y;
  }
  return { state: "late", ticks: most };
}

/** Slices until every seeker has an answer other than `wait`; the answers. */
function answers(on: Ground, goal: (row: number) => readonly [number, number], most: number) {
  const rows = [...on.kind.keys()];
  for (let tick = 1; tick <= most; tick++) {
    on.navigation.slice(SLICE, tick);
    // Not in every tick: a thousand looks at straight lines take longer than the slice.
    if (tick % 10 !== 0) continue;
    const states = rows.map((row) => on.navigation.way(row, ...goal(row), tick).state);
    if (!states.includes("wait")) return { tick, states };
  }
  return { tick: most, states: [] };
}

describe("path finding", { timeout: 60_000 }, () => {
  it("goes straight where nothing is in the way, without a search", () => {
    const on = ground(field(30, 30));
    expect(on.navigation.way(0, 25.2, 20.7, 1)).toEqual({ state: "go", x: 25.2, y: 20.7 });
    expect(on.navigation.way(0, 0.9, 0.1, 1).state).toBe("there");
    expect(on.navigation.waiting).toBe(0);
  });

  it("sends who may not ask straight on", () => {
    expect(ground(["..#.."]).navigation.way(7, 4.5, 0.5, 1)).toEqual({ state: "go", x: 4.5, y: 0.5 });
  });

  it("leads to any goal that can be reached, round anything, and says when there is no way", () => {
    const drawing = fc.array(fc.array(fc.constantFrom(".", ".", "#"), { minLength: 40, maxLength: 40 }), {
      minLength: 20,
      maxLength: 20,
    });
    fc.assert(
      fc.property(drawing, fc.integer({ min: 20, max: 3_000 }), (signs, slice) => {
        const lines = signs.map((line) => line.join(""));
        lines[0] = `.${lines[0]?.slice(1)}`;
        lines[19] = `${lines[19]?.slice(0, 39)}.`;
        const { state } = walk(ground(lines), 0, 39.5, 19.5, 2_000, slice);
        expect(state).toBe(reachable(lines) ? "there" : "none");
      }),
      { numRuns: 60 },
    );
  });

  it("unreachable goal: says so after looking at what can be reached from the goal, and asks again only after 2 s", () => {
    const lines = field(200, 200);
    for (const y of [148, 152]) lines[y] = `${".".repeat(148)}#####${".".repeat(47)}`;
    for (const y of [149, 150, 151]) lines[y] = `${".".repeat(148)}#...#${".".repeat(47)}`;
    const on = ground(lines);
    expect(on.navigation.way(0, 150.5, 150.5, 1).state).toBe("wait");
    on.navigation.slice(SLICE, 1);
    expect(on.navigation.way(0, 150.5, 150.5, 2)).toEqual({ state: "none", x: 0.5, y: 0.5 });
    expect(on.navigation.way(0, 150.5, 150.5, 120).state).toBe("none");
    expect(on.navigation.waiting).toBe(0);
    // A door opens: the next search finds it.
    on.navigation.obstruct([148, 150, 1, 1], false);
    expect(on.navigation.way(0, 150.5, 150.5, 121).state).toBe("wait");
    expect(walk(on, 0, 150.5, 150.5, 300).state).toBe("there");
  });

  it("goal or seeker inside an obstacle: the nearest free cell stands for it; deep inside there is no way", () => {
    const on = ground([
      "....................",
      ".########.########..",
      "....................",
      "....................",
    ]);
    on.x[0] = 3.5;
    on.y[0] = 1.5;
    on.navigation.obstruct([15, 2, 3, 1], true);
    expect(walk(on, 0, 16.5, 2.5, 60).state).toBe("there");
    const solid = ground(field(60, 60, "#"));
    expect(walk(solid, 0, 50, 50, 60).state).toBe("none");
  });

  it("maze: the longest way there is is walked to its end, piece by piece", () => {
    const lines = serpentine(101, 99);
    const on = ground(lines);
    const { state, ticks } = walk(on, 0, 0.5, 98.5, 1_000);
    expect(state).toBe("there");
    expect(ticks).toBeLessThan(400);
  });

  it("1,000 requests at once: one shared goal needs hardly more than one search", () => {
    const on = ground(serpentine(101, 99), 1_000);
    for (let row = 0; row < 1_000; row++) {
      on.x[row] = (row % 100) + 0.5;
      on.y[row] = 2 * (row % 49) + 0.5;
    }
    for (let row = 0; row < 1_000; row++) on.navigation.way(row, 0.5, 98.5, 0);
    const { tick, states } = answers(on, () => [0.5, 98.5], 200);
    expect(states.filter((state) => state === "go").length).toBe(1_000);
    // A search each would be 5,000 cells a seeker: some 2,500 ticks.
    expect(tick).toBeLessThan(200);
  });

  it("1,000 requests at once: a goal each is answered a slice at a time, and the queue never holds more", () => {
    const lines = field(80, 80).map((line, y) => (y === 40 ? `${"#".repeat(79)}.` : line));
    const on = ground(lines, 1_000);
    for (let row = 0; row < 1_000; row++) on.x[row] = (row % 80) + 0.5;
    const goal = (row: number) => [((row * 37) % 80) + 0.5, 50.5 + (row % 25)] as const;
    for (let row = 0; row < 1_000; row++) on.navigation.way(row, ...goal(row), 0);
    for (let row = 0; row < 1_000; row++) on.navigation.way(row, ...goal(row), 0);
    expect(on.navigation.waiting).toBe(1_000);
    const { states } = answers(on, goal, 3_000);
    expect(states.filter((state) => state === "go").length).toBe(1_000);
    expect(on.navigation.waiting).toBe(0);
  });

  it("moving obstacles: a wall whose gap wanders in every tick neither stops the queue nor traps a walker", () => {
    const on = ground(field(60, 60), 2);
    on.navigation.obstruct([0, 30, 60, 1], true);
    let gap = 0;
    on.navigation.obstruct([gap, 30, 3, 1], false);
    let arrived = -1;
    let unanswered = 0;
    for (let tick = 1; tick < 3_000 && arrived < 0; tick++) {
      on.navigation.obstruct([gap, 30, 3, 1], true);
      gap = tick % 57;
      on.navigation.obstruct([gap, 30, 3, 1], false);
      on.navigation.slice(40, tick);
      const way = on.navigation.way(0, 40.5, 59.5, tick);
      unanswered = way.state === "wait" ? unanswered + 1 : 0;
      // A search of 3,600 cells in slices of 40, up to four times.
      expect(unanswered).toBeLessThan(400);
      if (way.state === "there") arrived = tick;
      if (way.state !== "go") continue;
      const distance = Math.hypot(way.x - (on.x[0] ?? 0), way.y - (on.y[0] ?? 0));
      const step = Math.min(1, 0.8 / Math.max(distance, 1e-9));
      on.x[0] = (on.x[0] ?? 0) + (way.x - (on.x[0] ?? 0)) * step;
      on.y[0] = (on.y[0] ?? 0) + (way.y - (on.y[0] ?? 0)) * step;
    }
    expect(arrived).toBeGreaterThan(0);
  });

  it("moving goal: a prey that runs is followed on the old route while the new one is searched for", () => {
    const on = ground(field(80, 80).map((line, y) => (y === 40 ? `${"#".repeat(79)}.` : line)));
    walk(on, 0, 10.5, 60.5, 3);
    let waits = 0;
    for (let tick = 10; tick < 60; tick++) {
      on.navigation.slice(SLICE, tick);
      if (on.navigation.way(0, 10.5 + tick / 3, 60.5, tick).state !== "go") waits++;
    }
    expect(waits).toBe(0);
  });

  it("a seeker that ended, or another in its row, leaves nothing behind", () => {
    const on = ground(["..#..", "..#..", "....."], 2);
    on.navigation.way(0, 4.5, 0.5, 1);
    on.navigation.way(1, 4.5, 0.5, 1);
    on.kind[0] = 0;
    on.generation[1] = 2;
    on.navigation.slice(SLICE, 1);
    expect(on.navigation.waiting).toBe(0);
    expect(on.navigation.way(1, 4.5, 0.5, 2).state).toBe("wait");
    expect(walk(on, 1, 4.5, 0.5, 20).state).toBe("there");
  });

  it("goes on from a copy of its state, taken in the middle of a search, exactly as the original", () => {
    const one = ground(serpentine(61, 59), 20);
    const asks = (on: Ground, tick: number) =>
      Array.from({ length: 20 }, (_, row) => ({
        ...on.navigation.way(row, row % 3, 58.5 - (row % 5), tick),
      }));
    asks(one, 1);
    for (let tick = 2; tick < 9; tick++) one.navigation.slice(50, tick);
    const two = copyOf(one);
    for (let tick = 9; tick < 300; tick++) {
      for (const on of [one, two]) {
        if (tick % 50 === 0) on.navigation.obstruct([tick / 10, 2, 3, 1], tick % 100 === 0);
        on.navigation.slice(50, tick);
      }
      expect(asks(two, tick)).toEqual(asks(one, tick));
    }
    expect(two.state).toEqual(one.state);
  });
});

/** Flood fill from corner to corner: diagonal steps need both cells beside them, so four directions are enough. */
function reachable(lines: readonly string[]): boolean {
  const seen = new Set(["0,0"]);
  const open: (readonly [number, number])[] = [[0, 0]];
  for (const [x, y] of open) {
    for (const [nx, ny] of [
      [x + 1, y] as const,
      [x - 1, y] as const,
      [x, y + 1] as const,
      [x, y - 1] as const,
    ]) {
      if (lines[ny]?.[nx] !== "." || seen.has(`${nx},${ny}`)) continue;
      seen.add(`${nx},${ny}`);
      open.push([nx, ny]);
    }
  }
  return seen.has("39,19");
}
