/** Path requests on a map of 62,500 cells: rooms with doors. A thousand seekers ask without end, a slice a tick. */
import { SLICE } from "../../../gameserver/ai/navigation.ts";
import { type Ground, ground } from "../../../gameserver/ai/testing.ts";

const SIZE = 250;
const ROOM = 10;
const SEEKERS = 1_000;
const TICK_HZ = 60;

export interface PathFindings {
  /** Requests answered, in a second of 60 slices. */
  readonly perSecond: number;
  /** In a second of nothing but slices. */
  readonly perCpuSecond: number;
  /** The longest slice, ms: every round does the same slices, and of each the quickest round counts. */
  readonly worstSliceMs: number;
  /** The longest as it was in any round, with whatever interrupted it. */
  readonly worstSliceWallMs: number;
}

type Goals = { readonly reach: number } | { readonly shared: number };

const ROUNDS = 3;

/** Goals within `reach` cells of the seeker, or one of `shared` goals on the whole map. */
export function measurePaths(slices: number, goals: Goals): PathFindings {
  const rounds = Array.from({ length: ROUNDS }, () => run(slices, goals));
  const [{ answered, ms }] = rounds as [Round, ...Round[]];
  // The first slices run before the code is compiled.
  const from = Math.floor(slices / 4);
  const quickest = ms.map((_, tick) => Math.min(...rounds.map((round) => round.ms[tick] as number)));
  return {
    perSecond: answered / (slices / TICK_HZ),
    perCpuSecond: answered / (quickest.reduce((sum, value) => sum + value, 0) / 1_000),
    worstSliceMs: Math.max(...quickest.subarray(from)),
    worstSliceWallMs: Math.max(...rounds.map((round) => Math.max(...round.ms.subarray(from)))),
  };
}

interface Round {
  readonly answered: number;
  /** By slice. */
  readonly ms: Float64Array;
}

function run(slices: number, goals: Goals): Round {
  const on = ground(rooms(), SEEKERS);
  const random = generator();
  for (let row = 0; row < SEEKERS; row++) place(on, row, random);
  const common = Array.from({ length: "shared" in goals ? goals.shared : 0 }, () => freePlace(on, random));
  const wanted = Array.from({ length: SEEKERS }, () => [0, 0] as readonly [number, number]);
  const next = (row: number) => {
    const shared = common[Math.floor(random() * common.length)];
    wanted[row] = shared ?? freePlaceNear(on, row, "reach" in goals ? goals.reach : 0, random);
  };
  for (let row = 0; row < SEEKERS; row++) next(row);
  let answered = 0;
  const ms = new Float64Array(slices);
  for (let tick = 0; tick < slices; tick++) {
    for (let row = tick % 6; row < SEEKERS; row += 6) {
      const { state } = on.navigation.way(row, ...(wanted[row] ?? [0, 0]), tick);
      if (state === "wait") continue;
      if (state === "none") throw new Error("a goal in the bench cannot be reached");
      answered++;
      place(on, row, random);
      next(row);
      on.navigation.way(row, ...(wanted[row] ?? [0, 0]), tick);
    }
    const started = performance.now();
    on.navigation.slice(SLICE, tick);
    ms[tick] = performance.now() - started;
  }
  return { answered, ms };
}

/** Walls around rooms of 9 × 9 cells, a door in the wall to the right and in the one below. */
function rooms(): string[] {
  const random = generator();
  const doors = Array.from({ length: SIZE * 2 }, () => 1 + Math.floor(random() * (ROOM - 1)));
  return Array.from({ length: SIZE }, (_, y) =>
    Array.from({ length: SIZE }, (_, x) => {
      const [room, line] = [Math.floor(x / ROOM), Math.floor(y / ROOM)];
      const door = doors[(room * 31 + line * 17) % doors.length];
      if (x % ROOM === 0 && y % ROOM === 0) return "#";
      if (x % ROOM === 0) return y % ROOM === door ? "." : "#";
      if (y % ROOM === 0) return x % ROOM === door ? "." : "#";
      return ".";
    }).join(""),
  );
}

/** Somewhere in a room that is not at the map's upper or left edge, whose walls are outside. */
function freePlace(on: Ground, random: () => number): readonly [number, number] {
  for (;;) {
    const [x, y] = [1 + Math.floor(random() * (SIZE - 1)) + 0.5, 1 + Math.floor(random() * (SIZE - 1)) + 0.5];
    if (on.grid.free(on.grid.at(x, y))) return [x, y];
  }
}

/** Out of sight: a goal in sight needs no search. */
function freePlaceNear(
  on: Ground,
  row: number,
  reach: number,
  random: () => number,
): readonly [number, number] {
  const [ownX, ownY] = [on.x[row] as number, on.y[row] as number];
  const own = on.grid.at(ownX, ownY);
  for (;;) {
    const x = Math.floor(ownX + (random() * 2 - 1) * reach) + 0.5;
    const y = Math.floor(ownY + (random() * 2 - 1) * reach) + 0.5;
    if (!(x > 1 && y > 1 && x < SIZE && y < SIZE)) continue;
    const cell = on.grid.at(x, y);
    if (on.grid.free(cell) && !on.grid.clear(own, cell, SIZE)) return [x, y];
  }
}

function place(on: Ground, row: number, random: () => number): void {
  [on.x[row], on.y[row]] = freePlace(on, random);
}

function generator(): () => number {
  let seed = 7;
  return () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
}
