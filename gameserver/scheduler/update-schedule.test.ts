import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BAND, type Band } from "./bands.ts";
import type { RatePlan } from "./factors.ts";
import { AGED_MS, isPlayerFacing, PlayerQueue } from "./player-queue.ts";
import { UpdateSchedule } from "./update-schedule.ts";

const TICK_MS = 1_000 / 60;
const plan = (periodTicks: number, band: Band = BAND.active, deadlineMs = 10): RatePlan => ({
  periodTicks,
  band,
  deadlineMs,
  urgency: 50,
});

/** Runs ticks with room for `most` updates each; answers who was served at which tick. */
function run(schedule: UpdateSchedule, from: number, to: number, most = 1_000): [number, number][] {
  const served: [number, number][] = [];
  for (let tick = from; tick <= to; tick++) {
    const now = tick * TICK_MS;
    schedule.begin(tick, now);
    for (let i = 0; i < most; i++) {
      const session = schedule.next(now);
      if (session < 0) break;
      served.push([tick, session]);
      schedule.done(session);
    }
  }
  return served;
}
const ticksOf = (served: readonly [number, number][], session: number) =>
  served.filter(([, who]) => who === session).map(([tick]) => tick);

describe("the schedule of updates", () => {
  it("serves each session once a period, and spreads those who come together", () => {
    const schedule = new UpdateSchedule(12);
    for (let session = 0; session < 12; session++) schedule.add(session, plan(6));
    const served = run(schedule, 1, 60);
    for (let session = 0; session < 12; session++) {
      const ticks = ticksOf(served, session);
      expect(ticks).toHaveLength(10);
      expect(ticks.slice(1).map((tick, i) => tick - (ticks[i] ?? 0))).toEqual(Array(9).fill(6));
    }
    for (let tick = 1; tick <= 60; tick++) expect(served.filter(([at]) => at === tick)).toHaveLength(2);
  });

  it("keeps who was not reached: first in the next tick, and by deadline", () => {
    const schedule = new UpdateSchedule(3);
    schedule.add(0, plan(3, BAND.calm, 30));
    schedule.replan(0, plan(1, BAND.calm, 30));
    schedule.add(1, plan(1, BAND.active, 20));
    schedule.add(2, plan(1, BAND.engaged, 8));
    const served = run(schedule, 1, 3, 2).map(([, session]) => session);
    expect(served).toEqual([2, 1, 2, 0, 1, 2]);
  });

  it("a jump of many ticks owes one update, not several", () => {
    const schedule = new UpdateSchedule(2);
    schedule.add(0, plan(3));
    schedule.add(1, plan(60));
    run(schedule, 1, 3);
    schedule.begin(500, 500 * TICK_MS);
    expect(schedule.ready).toBe(2);
    const served = [schedule.next(0), schedule.next(0)];
    for (const session of served) schedule.done(session);
    // And it is back in its place, every third tick from the first on.
    expect(run(schedule, 501, 505)).toEqual([
      [502, 0],
      [505, 0],
    ]);
  });

  it("is spread again after a stall, and when everyone's rate changes", () => {
    const sessions = 180;
    const schedule = new UpdateSchedule(sessions);
    for (let session = 0; session < sessions; session++) schedule.add(session, plan(6));
    const loads = (from: number, to: number) => {
      const served = run(schedule, from, to);
      return Array.from(
        { length: to - from + 1 },
        (_, n) => served.filter(([tick]) => tick === from + n).length,
      );
    };
    expect(loads(1, 6)).toEqual(Array(6).fill(30));
    // All at once, because the thread stood still.
    expect(loads(100, 100)).toEqual([sessions]);
    expect(loads(101, 112)).toEqual(Array(12).fill(30));
    for (let session = 0; session < sessions; session++) schedule.replan(session, plan(9));
    loads(113, 140);
    expect(loads(141, 158)).toEqual(Array(18).fill(20));
  });

  it("moves a session at once when its plan changes, waiting or due", () => {
    const schedule = new UpdateSchedule(3);
    schedule.add(0, plan(60));
    run(schedule, 1, 2);
    schedule.replan(0, plan(3, BAND.engaged, 8));
    expect(ticksOf(run(schedule, 3, 12), 0)).toEqual([4, 7, 10]);
    schedule.add(1, plan(1, BAND.active, 10));
    schedule.add(2, plan(1, BAND.active, 20));
    schedule.replan(2, plan(1, BAND.active, 20));
    schedule.begin(13, 0);
    schedule.replan(2, plan(1, BAND.engaged, 5));
    expect(schedule.next(0)).toBe(2);
  });

  it("forgets who is removed, in every state", () => {
    const schedule = new UpdateSchedule(4);
    for (const session of [0, 1, 2]) schedule.add(session, plan(1));
    schedule.begin(1, 0);
    const taken = schedule.next(0);
    schedule.remove(taken);
    schedule.done(taken);
    schedule.replan(taken, plan(2));
    const due = [0, 1, 2].filter((session) => session !== taken);
    schedule.remove(due[0] ?? 0);
    expect(run(schedule, 2, 3).map(([, session]) => session)).toEqual([due[1], due[1]]);
    schedule.remove(due[1] ?? 0);
    expect(run(schedule, 4, 99)).toEqual([]);
  });

  it("counts what came after its deadline", () => {
    const schedule = new UpdateSchedule(2);
    schedule.add(0, plan(1, BAND.engaged, 8));
    schedule.begin(1, 100);
    expect(schedule.next(111)).toBe(0);
    expect(schedule.stats()).toEqual({ taken: 1, missed: [1, 0, 0], worstLateMs: 3 });
    expect(schedule.stats().worstLateMs).toBe(0);
  });

  it("whoever comes late finds late who was due before", () => {
    const schedule = new UpdateSchedule(2);
    schedule.add(0, plan(1, BAND.active, 10));
    schedule.add(1, plan(6, BAND.active, 10));
    schedule.begin(2, 1_000);
    expect([schedule.next(1_000), schedule.next(1_000)]).toEqual([0, 1]);
    // One was due a tick before: 17 ms of its 10 have passed.
    expect(schedule.stats()).toMatchObject({ missed: [0, 1, 0] });
  });

  it("loses nobody and serves nobody twice in a period, whatever happens", () => {
    const step = fc.record({
      act: fc.constantFrom("add", "remove", "replan", "tick", "tick", "tick"),
      session: fc.integer({ min: 0, max: 9 }),
      period: fc.integer({ min: 1, max: 60 }),
      band: fc.constantFrom(BAND.engaged, BAND.active, BAND.calm),
      skip: fc.integer({ min: 1, max: 80 }),
      most: fc.integer({ min: 0, max: 12 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const schedule = new UpdateSchedule(10);
        const alive = new Set<number>();
        let tick = 0;
        for (const { act, session, period, band, skip, most } of steps) {
          if (act === "add" && !alive.has(session)) {
            alive.add(session);
            schedule.add(session, plan(period, band));
          } else if (act === "remove") {
            alive.delete(session);
            schedule.remove(session);
          } else if (act === "replan") schedule.replan(session, plan(period, band));
          else if (act === "tick") {
            tick += skip;
            const served = run(schedule, tick, tick, most).map(([, who]) => who);
            expect(new Set(served).size).toBe(served.length);
            for (const who of served) expect(alive.has(who)).toBe(true);
          }
        }
        // With time enough everyone who is there is served.
        const served = new Set(run(schedule, tick + 1, tick + 130).map(([, who]) => who));
        expect(served).toEqual(alive);
      }),
    );
  });
});

describe("the order of what players wait for", () => {
  it("is by deadline while all are in time, by band once one is late, and nobody waits for ever", () => {
    const order = (now: number) => {
      const queue = new PlayerQueue(4);
      queue.push(0, BAND.calm, 10);
      queue.push(1, BAND.engaged, 30);
      queue.push(2, BAND.active, 20);
      return [queue.peek(now), queue.pop(now), queue.pop(now), queue.pop(now), queue.pop(now)];
    };
    expect(order(5)).toEqual([0, 0, 2, 1, -1]);
    expect(order(15)).toEqual([1, 1, 2, 0, -1]);
    expect(order(11 + AGED_MS)).toEqual([0, 0, 1, 2, -1]);
  });

  it("knows its depths and its earliest deadline", () => {
    const queue = new PlayerQueue(4);
    expect([queue.size, queue.earliest, queue.peek(0)]).toEqual([0, Number.POSITIVE_INFINITY, -1]);
    queue.push(3, BAND.calm, 7);
    queue.push(2, BAND.engaged, 9);
    expect([queue.depth(0), queue.depth(1), queue.depth(2), queue.depth(7)]).toEqual([1, 0, 1, 0]);
    expect([queue.earliest, queue.has(3), queue.deadline(3)]).toEqual([7, true, 7]);
    queue.change(3, BAND.active, 11);
    queue.remove(2);
    expect([queue.has(2), queue.depth(1), queue.earliest]).toEqual([false, 1, 11]);
    expect([isPlayerFacing(BAND.calm), isPlayerFacing(BAND.simulation)]).toEqual([true, false]);
  });
});
