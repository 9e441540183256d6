import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BAND } from "./bands.ts";
import { type Effects, LADDER } from "./effects.ts";
import {
  AFK_SECONDS,
  CALM,
  FACTOR,
  FACTORS,
  FactorTable,
  points,
  ratePlan,
  type SessionFactors,
  urgencyOf,
} from "./factors.ts";

const normal = LADDER[0] as Effects;
const some = fc.record({
  players: fc.integer({ min: 1, max: 20_000 }),
  spectator: fc.boolean(),
  engaged: fc.boolean(),
  inputHz: fc.double({ min: 0, max: 60, noNaN: true }),
  idleSeconds: fc.double({ min: 0, max: 600, noNaN: true }),
  latencyMs: fc.double({ min: 0, max: 5_000, noNaN: true }),
  watchers: fc.integer({ min: 0, max: 5_000 }),
  weight: fc.double({ min: 0, max: 4, noNaN: true }),
});
const step = fc.constantFrom(...LADDER);
const baseHz = fc.integer({ min: 10, max: 20 });

describe("the rate plan", () => {
  it.each<[string, Partial<SessionFactors>, number, number]>([
    ["a player who plays gets the game's rate", { inputHz: 6 }, 5, BAND.active],
    ["one in a fight 20 a second", { engaged: true }, 3, BAND.engaged],
    ["one who is away 5 a second", { idleSeconds: AFK_SECONDS }, 12, BAND.calm],
    ["one in a fight does not count as away", { engaged: true, idleSeconds: 99 }, 3, BAND.engaged],
    ["a spectator no more than 10", { spectator: true }, 6, BAND.calm],
    ["one whom the game and a crowd find important is served as in a fight", important(), 3, BAND.engaged],
  ])("%s", (_what, change, periodTicks, band) => {
    expect(ratePlan({ ...CALM, ...change }, normal, 12)).toMatchObject({ periodTicks, band });
  });

  it("on the ladder lowers calm players first and leaves those who fight above 10 a second", () => {
    const hz = (change: Partial<SessionFactors>) =>
      LADDER.map((effects) => Math.round(60 / ratePlan({ ...CALM, ...change }, effects, 10).periodTicks));
    expect(hz({})).toEqual([10, 10, 10, 10, 10, 7, 5, 5, 5, 5]);
    expect(hz({ idleSeconds: 60 })).toEqual([5, 5, 5, 5, 5, 1, 1, 1, 1, 1]);
    expect(hz({ engaged: true })).toEqual([20, 20, 20, 20, 20, 15, 12, 12, 12, 12]);
  });

  it("is always within its bounds", () => {
    fc.assert(
      fc.property(some, step, baseHz, (factors, effects, hz) => {
        const plan = ratePlan(factors, effects, hz);
        expect(plan.periodTicks).toBe(Math.round(plan.periodTicks));
        expect(plan.periodTicks).toBeGreaterThanOrEqual(3);
        expect(plan.periodTicks).toBeLessThanOrEqual(60);
        expect(plan.deadlineMs).toBeGreaterThanOrEqual(8);
        expect(plan.deadlineMs).toBeLessThanOrEqual((plan.periodTicks / 60) * 500 + 1e-9);
        expect(plan.urgency).toBe(Math.min(100, Math.max(0, plan.urgency)));
        expect([BAND.engaged, BAND.active, BAND.calm]).toContain(plan.band);
      }),
    );
  });

  it("a step further up the ladder never serves anyone more often", () => {
    fc.assert(
      fc.property(some, baseHz, (factors, hz) => {
        const periods = LADDER.map((effects) => ratePlan(factors, effects, hz).periodTicks);
        expect(periods).toEqual([...periods].sort((a, b) => a - b));
      }),
    );
  });

  it("more of a factor that speaks for a session never makes it wait longer", () => {
    const speaksFor = fc.constantFrom("players", "inputHz", "latencyMs", "watchers", "weight");
    fc.assert(
      fc.property(some, speaksFor, fc.double({ min: 0, max: 100, noNaN: true }), (factors, factor, more) => {
        const raised = { ...factors, [factor as keyof SessionFactors]: factors[factor as "weight"] + more };
        expect(urgencyOf(raised)).toBeGreaterThanOrEqual(urgencyOf(factors));
        const before = ratePlan(factors, normal, 12);
        const after = ratePlan(raised, normal, 12);
        expect(after.periodTicks).toBeLessThanOrEqual(before.periodTicks);
        expect(after.deadlineMs).toBeLessThanOrEqual(before.deadlineMs);
      }),
    );
  });
});

describe("the factor table", () => {
  it("keeps, factor by factor, what a computation from scratch gives", () => {
    const change = fc.record({
      factor: fc.constantFrom(...FACTORS),
      value: fc.integer({ min: 0, max: 200 }),
    });
    fc.assert(
      fc.property(some, fc.array(change, { maxLength: 60 }), (start, changes) => {
        const table = new FactorTable(3);
        table.reset(1, start);
        const factors = { ...start } as Record<string, number | boolean>;
        for (const { factor, value } of changes) {
          table.set(1, FACTOR[factor], value);
          factors[factor] = factor === "spectator" || factor === "engaged" ? value > 0 : value;
        }
        const fresh = factors as unknown as SessionFactors;
        expect(table.urgency(1)).toBeCloseTo(urgencyOf(fresh), 2);
        const scratch = { periodTicks: 0, band: BAND.active, deadlineMs: 0, urgency: 0 };
        const { periodTicks } = table.plan(1, normal, 12, scratch);
        // Sums of 32-bit floats may lie on the other side of the limit by a hair.
        if (Math.abs(urgencyOf(fresh) - 70) > 0.01)
          expect(periodTicks).toBe(ratePlan(fresh, normal, 12).periodTicks);
        expect(table.urgency(0)).toBe(0);
      }),
    );
  });

  it("says when a value is another one, so that a new plan may be due", () => {
    const table = new FactorTable(1);
    table.reset(0);
    expect(table.set(0, FACTOR.engaged, 1)).toBe(true);
    expect(table.set(0, FACTOR.engaged, 1)).toBe(false);
    expect(table.set(0, FACTOR.latencyMs, 0.1)).toBe(true);
    expect(table.set(0, FACTOR.latencyMs, 0.1)).toBe(false);
    expect(table.set(0, FACTOR.latencyMs, 0)).toBe(true);
    expect(points("weight", 9)).toBe(points("weight", 4));
  });
});

function important(): Partial<SessionFactors> {
  return { weight: 3, watchers: 60, inputHz: 10 };
}
