/** When NPCs think, in a zone without threads: rates, forms and floors by band, bursts, and the same turns in a replay. */
import { beforeEach, describe, expect, it } from "vitest";
import { EASE } from "../ai/rates.ts";
import { counters } from "../shared-stats.ts";
import { game, WOLVES } from "../testing/crowd-game.ts";
import { aiStats } from "./ai-stats.ts";
import { type NumberArray, type ZoneMemory, zoneMemory } from "./memory.ts";
import { SIMULATION_COUNTERS } from "./messages.ts";
import { Recorder } from "./recorder.ts";
import { replay } from "./replay.ts";
import { compileGame } from "./schema.ts";
import { WatchedZone } from "./worker-zone.ts";
import { SimulatedZone } from "./zone.ts";
import { ZoneApi } from "./zone-api.ts";

const schema = compileGame(game.declaration);
const SLOTS = 8;
const THROTTLED = 2;
const PERIOD = 6;

let memory: ZoneMemory;
let zone: SimulatedZone;
let api: ZoneApi;
let faults: string[];

beforeEach(() => {
  memory = zoneMemory(schema, SLOTS);
  faults = [];
  zone = new SimulatedZone(game, schema, "wild", SLOTS, memory.buffer, (_, where) => faults.push(where));
  api = new ZoneApi("wild", schema, memory);
  zone.open(0);
});

const column = (name: string) =>
  memory.columns[schema.columns.findIndex((entry) => entry.name === name)] as NumberArray;
const wolvesAt = (x: number, y: number, count: number) =>
  Array.from({ length: count }, () => api.spawn("wolf", { x, y })?.row as number);
const steps = (count: number) => {
  for (let n = 0; n < count; n++) zone.step(0);
};
const thoughts = (row: number) =>
  ["full", "simple", "idle"].map((name) => column(name)[row] as number) as [number, number, number];
const fault = (error: unknown) => expect(error).toBeUndefined();
const now = () => api.records["now"] as { thoughts: number; most: number };
const longestGap = (rows: readonly number[]) => Math.max(...rows.map((row) => column("gap")[row] as number));
const forget = () => {
  for (const name of ["full", "simple", "idle", "gap"]) column(name).fill(0);
  now().most = 0;
};

/** The only player, at 100/100, and wolves in each of the bands around. */
function packs(each: number) {
  zone.join(0, 0);
  return { close: wolvesAt(105, 105, each), mid: wolvesAt(165, 105, each), far: wolvesAt(900, 900, each) };
}

describe("NPCs that are not throttled", { timeout: 60_000 }, () => {
  it("think at their own rate wherever they are, in full, spread over the ticks", () => {
    const all = Object.values(packs(40)).flat();
    const spread = new Set<number>();
    for (let n = 0; n < 600; n++) {
      zone.step(0);
      if (n > PERIOD) spread.add(now().thoughts);
    }
    for (const row of all) expect(thoughts(row)).toEqual([100, 0, 0]);
    expect(longestGap(all)).toBe(PERIOD);
    expect([...spread]).toEqual([20]);
  });

  it("go on when one of them fails, and are told how long they waited", () => {
    const sheep = Array.from({ length: 30 }, () => api.spawn("sheep", { x: 50, y: 50 })?.row as number);
    steps(300);
    expect(sheep.map((row) => column("told")[row])).toEqual(sheep.map(() => 30));
    expect(faults.length).toBe(3 * 30);
  });
});

describe("NPCs that are throttled", { timeout: 60_000 }, () => {
  it("think at 10, 5, 2 and 0.5 Hz by band, in the form that fits, when the budget has room", () => {
    // 400 that want to think are mostly far: what the near ones ask for is within the budget.
    const { close, mid } = packs(10);
    const far = wolvesAt(900, 900, 400);
    zone.ladder = THROTTLED;
    steps(600);
    for (const row of close) expect(thoughts(row)[0]).toBe(50);
    for (const row of mid) expect(thoughts(row)[1]).toBe(20);
    for (const row of far) expect(Math.abs(thoughts(row)[2] - 5)).toBeLessThanOrEqual(1);
    api.engage(0, 60);
    forget();
    steps(600);
    for (const row of close) expect(thoughts(row)).toEqual([100, 0, 0]);
    expect(longestGap(close)).toBe(PERIOD);
  });

  it("never fall below their band's floor for long, however many want the budget", () => {
    const { close, mid, far } = packs(WOLVES / 4);
    zone.ladder = THROTTLED;
    steps(600);
    forget();
    steps(1_200);
    const floors = [
      [close, 4],
      [mid, 10],
      [far, 50],
    ] as const;
    for (const [pack, factor] of floors) {
      const longest = PERIOD * factor;
      // Urgency is counted in sixteenths of the longest wait, and one more tick may pass until the turn comes.
      expect(longestGap(pack)).toBeLessThanOrEqual(Math.ceil((longest * 17) / 16) + 1);
      for (const row of pack) {
        const [full, simple, idle] = thoughts(row);
        expect(full + simple + idle).toBeGreaterThanOrEqual(Math.floor(1_200 / longest) - 1);
      }
    }
  });

  it("leave those in a fight as they were: the same gap between thoughts with and without throttling", () => {
    const { close } = packs(WOLVES / 4);
    api.engage(0, 60);
    steps(300);
    forget();
    steps(600);
    const before = longestGap(close);
    zone.ladder = THROTTLED;
    steps(300);
    forget();
    steps(600);
    expect([before, longestGap(close)]).toEqual([PERIOD, PERIOD]);
    for (const row of close) expect(thoughts(row)[0]).toBe(100);
  });

  it("have a turn again after the tick counter of their stamps has gone round", () => {
    const [row = 0] = wolvesAt(900, 900, 1);
    memory.head[0] = 65_520;
    zone.ladder = THROTTLED;
    steps(600);
    expect(thoughts(row)[2]).toBe(5);
    expect(longestGap([row])).toBe(PERIOD * 20);
  });
});

describe("NPCs under the CPU governor", { timeout: 60_000 }, () => {
  it("give way by degrees before the ladder does anything, those in a fight not at all", () => {
    const { close, mid, far } = packs(200);
    const watched = new WatchedZone(zone, { game: "crowd", record: undefined, dumps: undefined, fault }, 0);
    const counts = (rows: readonly number[]) =>
      rows.flatMap(thoughts).reduce((sum, each) => sum + each, 0) / rows.length;
    const seen = [1, 0.75, 0.5, 0.25, 0.05].map((duty) => {
      api.engage(0, 60);
      for (let n = 0; n < 600; n++) watched.step(0, 0, duty);
      forget();
      for (let n = 0; n < 600; n++) watched.step(0, 0, duty);
      expect(longestGap(close)).toBe(PERIOD);
      for (const row of close) expect(thoughts(row)).toEqual([100, 0, 0]);
      return { mid: counts(mid), far: counts(far), plain: thoughts(far[0] as number)[2] };
    });
    expect([seen[0]?.mid, seen[0]?.far, seen[0]?.plain]).toEqual([100, 100, 0]);
    for (const [index, { mid: now, far: then }] of seen.entries()) {
      const before = seen[index - 1];
      if (!before) continue;
      expect(now).toBeLessThan(before.mid);
      expect(then).toBeLessThan(before.far);
      expect(then).toBeLessThanOrEqual(now);
    }
    // Half the time: about half the thoughts, still in full; less: the cheaper forms, and never below the floors.
    expect(seen[2]?.mid).toBeGreaterThan(45);
    expect(seen[2]?.plain).toBe(0);
    expect(seen[3]?.plain).toBeGreaterThan(0);
    expect(seen[4]?.mid).toBeGreaterThanOrEqual(10 - 1);
    expect(seen[4]?.far).toBeGreaterThanOrEqual(2 - 1);
  });

  it("are counted by band, with what was saved and how searches went", () => {
    packs(40);
    const stats = counters(SIMULATION_COUNTERS);
    const tell = aiStats(stats);
    const names = ["Engaged", "Near", "Mid", "Far", "Unthrottled"] as const;
    const figures = (what: "npcs" | "thoughts") => names.map((name) => stats.get(`${what}${name}`));
    steps(60);
    tell([zone.ai]);
    expect(figures("npcs")).toEqual([0, 0, 0, 0, 120]);
    expect(figures("thoughts")).toEqual([0, 0, 0, 0, 120 * 10]);
    expect(stats.get("aiSpentUnits")).toBeCloseTo(stats.get("aiWantedUnits"));
    zone.ladder = THROTTLED;
    api.engage(0, 60);
    steps(600);
    tell([zone.ai]);
    expect(figures("npcs")).toEqual([40, 0, 40, 40, 0]);
    const [engaged = 0, near, mid = 0, far = 0, unthrottled] = figures("thoughts");
    expect([engaged, near, unthrottled]).toEqual([40 * 100, 0, 120 * 10]);
    expect(mid).toBeGreaterThan(far);
    expect(far).toBeGreaterThan(0);
    expect(stats.get("aiSpentUnits")).toBeLessThan(stats.get("aiWantedUnits"));
  });
});

describe("a server-wide event", { timeout: 60_000 }, () => {
  it("raises AI demand without a tick that does it all: players everywhere engage at once", () => {
    for (let slot = 0; slot < SLOTS; slot++) zone.join(slot, slot);
    const pack = Array.from({ length: SLOTS }, (_, slot) => wolvesAt(100 * (slot + 1), 100, 100)).flat();
    const rest = wolvesAt(900, 900, 400);
    zone.ladder = THROTTLED;
    steps(1_200);
    forget();
    for (let slot = 0; slot < SLOTS; slot++) api.engage(slot, 60);
    steps(600);
    // 800 in a fight at 10 Hz, with a quarter of room; beside them what the rest may do.
    const fight = (pack.length / PERIOD) * 1.25 + 1;
    const others = (rest.length / PERIOD) * 0.3 * 4 + 1;
    expect(now().most).toBeLessThanOrEqual(Math.ceil(fight + others));
    // Before it they thought each 12 to 24 ticks; from the event on it takes one period to have all in step.
    for (const row of pack) expect(thoughts(row)[0]).toBeGreaterThanOrEqual(98);
  });

  it("raises AI demand without a tick that does it all: thousands of newcomers, players who jump into the crowd", () => {
    zone.join(0, 0);
    const pack = wolvesAt(900, 900, WOLVES);
    steps(1);
    steps(100);
    expect(now().most).toBeLessThanOrEqual(Math.ceil((WOLVES / PERIOD) * 1.25) + 1);
    zone.ladder = THROTTLED;
    steps(1_200);
    forget();
    const hero = memory.playerRow[0] as number;
    column("x")[hero - 1] = 900;
    column("y")[hero - 1] = 900;
    steps(600);
    // Near all of a sudden, and all long overdue: the budget holds, or what their floors need with some room.
    expect(now().most).toBeLessThanOrEqual(Math.ceil((WOLVES / PERIOD / 4) * 1.25) + 1);
    for (const row of pack) expect(thoughts(row)[0]).toBeGreaterThanOrEqual(600 / (PERIOD * 4) - 2);
  });
});

describe("turns", { timeout: 60_000 }, () => {
  it("are the same in a replay, ladder and all, and after a snapshot", () => {
    packs(300);
    let text = "";
    steps(40);
    zone.recorders = [new Recorder(zone.recordingHeader("crowd"), (lines) => (text += lines), fault)];
    for (const ladder of [0, 2, 3, 1, 2]) {
      zone.ladder = ladder;
      // What the governor leaves counts on the ladder's lower steps only.
      zone.ease = EASE - 3 * ladder;
      if (ladder === 3) zone.join(3, 3);
      steps(37);
    }
    zone.close();
    const result = replay(game, text.split("\n"));
    expect([result.ticks, result.difference]).toEqual([185, undefined]);
  });
});
