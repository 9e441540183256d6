import { describe, expect, it } from "vitest";
import { hasCode } from "../../platform/errors.ts";
import { BAND, BAND_NAMES } from "./bands.ts";
import type { Scheduler } from "./scheduler.ts";
import { AI, BACKGROUND, PLAYER, REPLICATION, SIMULATION, TRANSACTIONS, world } from "./testing/world.ts";

describe("the order of tasks", () => {
  it("is players by deadline, then by band, then by arrival", () => {
    const { scheduler, ran, time } = world();
    scheduler.submit(BACKGROUND, 1, 0, 0);
    scheduler.submit(AI, 2, 0, 0);
    scheduler.submit(AI, 3, 0, 0);
    scheduler.submit(SIMULATION, 4, 0, 0);
    scheduler.submit(TRANSACTIONS, 5, 0, 0);
    scheduler.submit(REPLICATION, 6, 0, 0);
    scheduler.submit(PLAYER, 7, 0, time.now + 20);
    scheduler.submit(PLAYER, 8, 0, time.now + 30, { band: BAND.engaged });
    scheduler.submit(PLAYER, 9, 0, time.now + 10, { band: BAND.calm });
    expect(scheduler.size).toBe(9);
    expect(BAND_NAMES.map((_, band) => scheduler.depth(band))).toEqual([1, 1, 1, 1, 1, 1, 2, 1]);
    expect(scheduler.run(10)).toBe(9);
    expect(ran).toEqual([9, 7, 8, 4, 6, 5, 2, 3, 1]);
    expect(scheduler.size).toBe(0);
  });

  it("changes at once when a deadline or band changes", () => {
    const { scheduler, ran, time } = world();
    const tasks = [1, 2, 3].map((owner) => scheduler.submit(PLAYER, owner, 0, time.now + owner * 10));
    scheduler.change(tasks[2] ?? 0, time.now + 5);
    scheduler.change(tasks[0] ?? 0, time.now + 40, BAND.engaged);
    scheduler.run(10);
    expect(ran).toEqual([3, 2, 1]);
    expect(scheduler.change(tasks[0] ?? 0, 0)).toBe(false);
  });

  it("an aged task goes before higher bands, not before players", () => {
    const { scheduler, ran, time } = world({ shares: {} });
    scheduler.gate.pause(BAND.background, true);
    scheduler.submit(BACKGROUND, 1, 0, 0);
    scheduler.run(1);
    scheduler.gate.pause(BAND.background, false);
    time.now += 501;
    scheduler.submit(SIMULATION, 2, 0, 0);
    scheduler.submit(PLAYER, 3, 0, time.now + 9);
    scheduler.run(10);
    expect(ran).toEqual([3, 1, 2]);
  });

  it("ends when the time given is used up, and goes on the next time", () => {
    const { scheduler, ran, time } = world();
    for (let owner = 0; owner < 60; owner++) scheduler.submit(PLAYER, owner, 200, time.now + owner);
    const first = scheduler.run(2);
    expect(first).toBeGreaterThanOrEqual(10);
    // The clock is looked at every few tasks: a little more than was given, not much.
    expect(first).toBeLessThanOrEqual(26);
    scheduler.run(1_000);
    expect(ran).toHaveLength(60);
  });

  it("new tasks of a handler run in the same run; a handler cannot run the scheduler", () => {
    const { scheduler, ran, hooks } = world();
    hooks.run = (owner) => {
      if (owner === 1) scheduler.submit(AI, 2, 0, 0, { timeoutMs: 100 });
      expect(scheduler.run(10)).toBe(0);
    };
    scheduler.submit(AI, 1, 0, 0);
    scheduler.run(10);
    expect(ran).toEqual([1, 2]);
  });
});

describe("shares", () => {
  /** Players are never done; background always has work. Answers what ran in `ms`. */
  function saturated(ms: number, backgroundUs: number) {
    const { scheduler, time, hooks, ran } = world({ capacity: 256 });
    hooks.run = (owner) => {
      if (owner === 0) scheduler.submit(PLAYER, 0, 100, time.now + 16);
      else scheduler.submit(owner, owner, backgroundUs, 0);
    };
    for (let i = 0; i < 20; i++) scheduler.submit(PLAYER, 0, 100, time.now + 16);
    for (const kind of [SIMULATION, REPLICATION, TRANSACTIONS, AI, BACKGROUND])
      for (let i = 0; i < 3; i++) scheduler.submit(kind, kind, backgroundUs, 0);
    scheduler.run(ms);
    return { scheduler, ran };
  }

  it.each([50, 700, 5_000])(
    "every band gets its own while players wait, and no more (%i µs tasks)",
    (cost) => {
      const { scheduler, ran } = saturated(20_000, cost);
      const wanted: Record<number, number> = {
        [BAND.simulation]: 0.04,
        [BAND.replication]: 0.06,
        [BAND.transactions]: 0.05,
        [BAND.ai]: 0.03,
        [BAND.background]: 0.02,
      };
      for (const [band, share] of Object.entries(wanted)) {
        // One task more than earned at most.
        expect(scheduler.shares.used(Number(band))).toBeLessThanOrEqual(share + cost / 20e6);
        expect(scheduler.shares.used(Number(band))).toBeGreaterThan(share * 0.85);
      }
      expect(ran.filter((owner) => owner === 0).length * 0.1).toBeGreaterThan(20_000 * 0.79);
      expect(scheduler.shares.used(BAND.engaged)).toBe(0);
    },
  );

  it("what would make the next player late waits a moment", () => {
    const { scheduler, ran, time } = world();
    scheduler.costs.learn(BACKGROUND, 1, 0);
    for (let i = 0; i < 40; i++) scheduler.submit(PLAYER, 0, 5_000, time.now + 10_000);
    scheduler.submit(BACKGROUND, 1, 1_000, 0);
    scheduler.submit(PLAYER, 2, 500, time.now + 100.2, { band: BAND.engaged });
    scheduler.run(300);
    expect(ran.indexOf(2)).toBeLessThan(ran.indexOf(1));
    expect(ran.indexOf(1)).toBeGreaterThan(0);
  });
});

describe("waiting for other tasks", () => {
  it("a task runs after what it waits for, which inherits its urgency along the chain", () => {
    const { scheduler, ran, time } = world();
    const update = scheduler.submit(PLAYER, 1, 0, time.now + 5, { band: BAND.engaged });
    const other = scheduler.submit(PLAYER, 2, 0, time.now + 50);
    const physics = scheduler.submit(SIMULATION, 3, 0, Infinity);
    const brain = scheduler.submit(AI, 4, 0, Infinity);
    expect(scheduler.wait(update, physics)).toBe(true);
    expect(scheduler.wait(update, physics)).toBe(true);
    expect(scheduler.wait(physics, brain)).toBe(true);
    expect(other).toBeGreaterThanOrEqual(0);
    scheduler.run(10);
    expect(ran).toEqual([4, 3, 1, 2]);
    expect(scheduler.tally.boosts).toBe(2);
  });

  it("what was lent is taken back when the waiting task goes, slackens or stops waiting", () => {
    const lent = (undo: (scheduler: Scheduler, waiter: number, on: number) => void) => {
      const { scheduler, ran, time } = world({ shares: {} });
      const on = scheduler.submit(BACKGROUND, 1, 0, Infinity);
      scheduler.submit(AI, 2, 0, Infinity);
      const waiter = scheduler.submit(PLAYER, 3, 0, time.now + 5);
      scheduler.wait(waiter, on);
      expect(scheduler.depth(BAND.active)).toBe(1);
      undo(scheduler, waiter, on);
      scheduler.run(10);
      return ran;
    };
    expect(lent(() => {})).toEqual([1, 3, 2]);
    expect(lent((scheduler, waiter) => scheduler.cancel(waiter))).toEqual([2, 1]);
    expect(lent((scheduler, waiter) => scheduler.change(waiter, Infinity, BAND.background))).toEqual([
      2, 1, 3,
    ]);
    expect(lent((scheduler, waiter, on) => scheduler.unwait(waiter, on))).toEqual([3, 2, 1]);
  });

  it("a change of the waiting task moves what it waits for at once", () => {
    const { scheduler, ran, time } = world();
    const on = scheduler.submit(BACKGROUND, 1, 0, Infinity);
    scheduler.submit(PLAYER, 2, 0, time.now + 20);
    const waiter = scheduler.submit(AI, 3, 0, Infinity);
    scheduler.wait(waiter, on);
    scheduler.change(waiter, time.now + 10, BAND.engaged);
    scheduler.run(10);
    expect(ran).toEqual([1, 3, 2]);
  });

  it("a circle is refused, naming the tasks in it", () => {
    const { scheduler } = world();
    const [a = 0, b = 0, c = 0] = [11, 12, 13].map((owner) => scheduler.submit(AI, owner, 0, 0));
    scheduler.wait(a, b);
    scheduler.wait(b, c);
    const close = () => scheduler.wait(c, a);
    expect(close).toThrow("tasks would wait in a circle: ai of 13 → ai of 11 → ai of 12 → ai of 13");
    expect(() => scheduler.wait(a, a)).toThrow("ai of 11 → ai of 11");
    try {
      close();
    } catch (error) {
      expect(hasCode(error, "TASK_CYCLE")).toBe(true);
    }
    expect(scheduler.run(10)).toBe(3);
  });

  it("waits end with the task waited for, however it ends; what is over cannot be waited for", () => {
    const { scheduler, ran, time, expired } = world({ waits: 2 });
    const on = scheduler.submit(AI, 1, 0, 0, { timeoutMs: 10 });
    const more = scheduler.submit(AI, 4, 0, 0);
    const waiter = scheduler.submit(PLAYER, 2, 0, 0);
    scheduler.wait(waiter, on);
    scheduler.wait(waiter, more);
    const third = scheduler.submit(PLAYER, 3, 0, 0);
    expect(scheduler.wait(third, on)).toBe(false);
    expect(scheduler.unwait(third, on)).toBe(false);
    expect(scheduler.unwait(-1, on)).toBe(false);
    scheduler.cancel(more);
    time.now += 11;
    scheduler.run(10);
    expect([ran, expired]).toEqual([[3, 2], [1]]);
    expect([scheduler.wait(waiter, third), scheduler.cancel(on)]).toEqual([false, false]);
  });

  it("a running task cannot wait, be cancelled, or keep its handle", () => {
    const { scheduler, hooks } = world();
    const other = scheduler.submit(BACKGROUND, 2, 0, 0);
    let handle = -1;
    hooks.run = (owner, task) => {
      if (owner !== 1) return;
      handle = task;
      expect(scheduler.wait(task, other)).toBe(false);
      expect(scheduler.cancel(task)).toBe(false);
    };
    const task = scheduler.submit(PLAYER, 1, 0, 0);
    scheduler.run(10);
    expect(handle).toBe(task);
    expect(scheduler.cancel(task)).toBe(false);
  });
});
