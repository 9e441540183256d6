import { describe, expect, it } from "vitest";
import { BAND } from "./bands.ts";
import { criticalPath } from "./critical-path.ts";
import { LONGEST_PAUSE_MS } from "./gate.ts";
import { AI, BACKGROUND, PLAYER, REPLICATION, SIMULATION, TRANSACTIONS, world } from "./testing/world.ts";

describe("limits", () => {
  it("a full band refuses, and counts it; others go on", () => {
    const { scheduler } = world({ capacity: 8, bandCapacity: 2 });
    const taken = [1, 2, 3].map((owner) => scheduler.submit(TRANSACTIONS, owner, 0, 0));
    expect(taken[2]).toBe(-1);
    expect(scheduler.tally.refused[BAND.transactions]).toBe(1);
    expect(scheduler.submit(PLAYER, 4, 0, 0)).toBeGreaterThanOrEqual(0);
  });

  it("a full table refuses", () => {
    const { scheduler } = world({ capacity: 2 });
    expect([1, 2, 3].map((owner) => scheduler.submit(owner, owner, 0, 0) >= 0)).toEqual([true, true, false]);
    expect(() => world({ capacity: 200_000 })).toThrow("must be 1 … 131072");
  });

  it("time-outs drop a task, also one that waits for what never ends", () => {
    const { scheduler, ran, expired, time, hooks } = world({ capacity: 8 });
    const blocker = scheduler.submit(BACKGROUND, 1, 0, 0);
    scheduler.gate.pause(BAND.background, true);
    const waiter = scheduler.submit(AI, 2, 0, 0, { timeoutMs: 50 });
    scheduler.wait(waiter, blocker);
    scheduler.submit(AI, 3, 0, 0, { timeoutMs: 50 });
    time.now += 51;
    hooks.run = () => {};
    scheduler.run(10);
    scheduler.run(10);
    expect(ran).toEqual([]);
    expect(expired.sort((a, b) => a - b)).toEqual([2, 3]);
    expect(scheduler.tally.expired).toBe(2);
  });

  it("a handler that throws ends its task only", () => {
    const { scheduler, ran, errors, hooks } = world();
    hooks.run = (owner) => {
      if (owner === 1) throw new Error("broken");
    };
    scheduler.submit(AI, 1, 0, 0);
    scheduler.submit(AI, 2, 0, 0);
    scheduler.run(10);
    expect(ran).toEqual([1, 2]);
    expect(errors).toEqual([["ai", new Error("broken")]]);
  });

  it("a pause holds a band for a while, not for ever; players cannot be paused", () => {
    const { scheduler, ran, time } = world();
    scheduler.gate.pause(BAND.background, true);
    scheduler.gate.pause(BAND.active, true);
    scheduler.submit(BACKGROUND, 1, 0, 0);
    scheduler.submit(PLAYER, 2, 0, 0);
    scheduler.run(10);
    expect(ran).toEqual([2]);
    time.now += LONGEST_PAUSE_MS + 1;
    scheduler.submit(BACKGROUND, 3, 0, 0);
    scheduler.run(10);
    expect(ran).toEqual([2, 1]);
    scheduler.gate.pause(BAND.background, false);
    scheduler.run(10);
    expect(ran).toEqual([2, 1, 3]);
  });

  it("the governor's duty slows AI and background to their part of real time, and nothing else", () => {
    const { scheduler, time, hooks, ran } = world({ capacity: 64 });
    scheduler.gate.duty = 0.25;
    hooks.run = (owner) => scheduler.submit(owner, owner, 1_000, 0);
    scheduler.submit(AI, AI, 1_000, 0);
    const from = time.now;
    while (time.now < from + 4_000) {
      scheduler.run(5);
      time.now += 1;
    }
    const share = ran.length / (time.now - from);
    expect(share).toBeGreaterThan(0.22);
    expect(share).toBeLessThan(0.28);
  });
});

describe("figures", () => {
  it("costs are learned; one bad run is not believed", () => {
    const { scheduler } = world({ capacity: 4 });
    for (let i = 0; i < 200; i++) {
      scheduler.submit(AI, 1, 300, 0);
      scheduler.run(100);
    }
    expect(scheduler.costs.of(AI)).toBeCloseTo(0.3, 2);
    scheduler.submit(AI, 1, 90_000, 0);
    scheduler.run(100);
    expect(scheduler.costs.of(AI)).toBeLessThan(0.6);
    expect(scheduler.costs.runsOf(AI)).toBe(201);
  });

  it("counts runs by band and deadlines missed", () => {
    const { scheduler, time } = world();
    scheduler.submit(PLAYER, 1, 5_000, time.now + 1);
    scheduler.submit(PLAYER, 2, 0, time.now + 50);
    scheduler.submit(AI, 3, 0, 0);
    scheduler.run(10);
    expect([...scheduler.tally.runs]).toEqual([0, 2, 0, 0, 0, 0, 1, 0]);
    expect([...scheduler.tally.missed]).toEqual([0, 1, 0, 0, 0, 0, 0, 0]);
  });

  it("finds the critical path in what waited for what", () => {
    const { scheduler } = world();
    for (let i = 0; i < 20; i++) {
      const tasks = [SIMULATION, AI, REPLICATION, PLAYER].map((kind) =>
        scheduler.submit(kind, 0, kind === AI ? 3_000 : 1_000, Infinity),
      );
      const [simulation = 0, ai = 0, replication = 0, update = 0] = tasks;
      scheduler.wait(replication, simulation);
      scheduler.wait(replication, ai);
      scheduler.wait(update, replication);
      scheduler.run(100);
    }
    const path = criticalPath(scheduler.tally.graph(scheduler.costs), "ai", "player-facing");
    expect(path?.stages.map(({ name }) => name)).toEqual(["ai", "replication", "player-facing"]);
    expect(path?.seconds).toBeGreaterThan(0.005);
  });
});
