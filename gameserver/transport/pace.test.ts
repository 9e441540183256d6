import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Stance } from "../scheduler/effects.ts";
import { counters, Samples } from "../shared-stats.ts";
import { zoneMemory } from "../simulation/memory.ts";
import { compileGame } from "../simulation/schema.ts";
import { game } from "../testing/arena-game.ts";
import type { IoSession } from "./io-session.ts";
import { TRANSPORT_COUNTERS } from "./messages.ts";
import { type IoOptions, Pace } from "./pace.ts";

const schema = compileGame(game.declaration);
const SLOTS = 8;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
  vi.advanceTimersByTime(1_000);
});
afterEach(() => {
  vi.useRealTimers();
});

/** A thread's pace over sessions that write down with how many bytes they were served. */
function thread(options: IoOptions = {}) {
  const stats = counters(TRANSPORT_COUNTERS);
  const bugs: unknown[] = [];
  const stance = new Stance();
  const reports = { stats, seen: new Samples(), onBug: (error: unknown) => bugs.push(error) };
  const pace = new Pace(schema, stance, { capacity: SLOTS, ...options }, reports);
  const memory = zoneMemory(schema, SLOTS);
  memory.weight.fill(1);
  const picture = { tick: 0, applied: new Uint32Array(SLOTS) };
  const session = (slot: number, change: object = {}) => {
    const budgets: number[] = [];
    const one = {
      slot,
      zone: { memory, picture },
      connection: { backlog: 0, close: vi.fn() },
      outbox: { pending: 0 },
      watching: undefined,
      latencyMs: 0,
      place: -1,
      turn: 0,
      skipped: 0,
      slowSince: 0,
      slowness: 1,
      takeSeen: () => 0,
      update: (_tick: number, budget: number) => {
        budgets.push(budget);
        return budget;
      },
      budgets,
      ...change,
    };
    pace.enter(one as unknown as IoSession);
    return one;
  };
  const run = (ticks: number) => {
    for (let i = 0; i < ticks; i++) {
      vi.advanceTimersByTime(1_000 / 60);
      picture.tick++;
      pace.begin(picture.tick);
      while (pace.serve());
    }
  };
  const io = (one: object) => one as unknown as IoSession;
  return { pace, stats, bugs, stance, memory, picture, session, run, io };
}

describe("the pace of an I/O thread", () => {
  it("follows what the zone's memory says of a session", () => {
    const { session, run, memory, picture } = thread();
    const [calm, fights, watches] = [session(0), session(1), session(2, { watching: {} })];
    memory.engagedUntil[1] = 1e6;
    run(60);
    for (const one of [calm, fights, watches]) one.budgets.length = 0;
    run(120);
    // The arena's rate is 20 already: a fight cannot raise it, a spectator has 10.
    expect([calm.budgets.length, fights.budgets.length, watches.budgets.length]).toEqual([40, 40, 20]);
    expect(picture.tick).toBe(180);
  });

  it("on the ladder serves a fight more often than the rest", () => {
    const { session, run, memory, stance } = thread();
    const [calm, fights] = [session(0), session(1)];
    memory.engagedUntil[1] = 1e6;
    stance.set(6, 1);
    run(60);
    for (const one of [calm, fights]) one.budgets.length = 0;
    run(120);
    expect([calm.budgets.length, fights.budgets.length]).toEqual([20, 24]);
  });

  it("holds the bytes of a thread, never below what an own entity and an acknowledgement need", () => {
    const { session, run } = thread({ bytesPerSecond: 6_000 });
    const players = [0, 1, 2, 3].map((slot) => session(slot));
    run(300);
    for (const { budgets } of players) budgets.length = 0;
    run(60);
    const sum = players.flatMap(({ budgets }) => budgets).reduce((a, b) => a + b, 0);
    expect(sum).toBeLessThan(96 * 20 * 4 * 1.1);
    for (const { budgets } of players) expect(Math.min(...budgets)).toBeGreaterThanOrEqual(96);
  });

  it("leaves out who does not read, and closes him when too many events wait", () => {
    const { session, run, stats, pace, io } = thread();
    const slow = session(0);
    slow.connection.backlog = 5;
    run(12);
    expect([slow.budgets.length, stats.get("skippedUpdates")]).toEqual([0, 4]);
    expect(slow.slowSince).toBeGreaterThan(0);
    slow.slowness = 2;
    run(12);
    expect(stats.get("skippedUpdates")).toBe(6);
    slow.slowness = 1;
    slow.outbox.pending = 1_000;
    run(3);
    expect(slow.connection.close).toHaveBeenCalled();
    pace.leave(io(slow));
    pace.leave(io(slow));
    expect(slow.place).toBe(-1);
    pace.heard(io(slow), 1);
  });

  it("a session's bug ends its connection only", () => {
    const { session, run, bugs } = thread();
    const bad = session(0, {
      update: () => {
        throw new Error("broken");
      },
    });
    const good = session(1);
    run(6);
    expect(bugs).toHaveLength(2);
    expect(bad.connection.close).toHaveBeenCalled();
    expect(good.budgets).toHaveLength(2);
  });

  it("times the way of an input, stage by stage, one at a time", () => {
    const { session, run, stats, picture, memory, pace, io } = thread();
    const ada = session(0);
    run(6);
    pace.heard(io(ada), 7);
    pace.heard(io(ada), 8);
    run(6);
    expect(stats.get("pathCount")).toBe(0);
    // The tick that takes it begins 5 ms before this thread hears of it.
    const front = memory.published[memory.shared[0] as 0 | 1];
    picture.applied[0] = 7;
    front.time[0] = performance.timeOrigin + performance.now() + 1_000 / 60 - 5;
    run(1);
    run(3);
    expect(stats.get("pathCount")).toBe(1);
    expect(stats.get("pathTickMs")).toBeCloseTo(5, 0);
    expect(stats.get("pathRingMs")).toBeGreaterThan(100);
    expect(stats.get("pathQueueMs")).toBeLessThan(60);
    pace.heard(io(ada), 9);
    pace.leave(io(ada));
    pace.heard(io(session(1)), 1);
    run(1);
    expect(stats.get("scheduled")).toBeGreaterThan(0);
  });
});
