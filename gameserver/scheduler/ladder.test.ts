import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LADDER, MIN_TIME_SCALE } from "./effects.ts";
import { GOVERN_AT, MIN_DUTY, planDuty, smooth } from "./governor.ts";
import {
  BETTER_MS,
  CALM,
  GROUND,
  type LadderState,
  planLadder,
  SCALE_BACK_MS,
  STRAINED,
  type Strain,
  strainOf,
  WORSE_MS,
} from "./ladder.ts";
import { BEGINS, type MemoryLevel, planMemory } from "./memory.ts";

const TOP = LADDER.length - 1;
const strain = (tick: number, cpu = 0.5, memory = 0.5): Strain => ({ tick, cpu, memory });
const anyStrain = fc.record({
  tick: fc.double({ min: 0, max: 4, noNaN: true }),
  cpu: fc.double({ min: 0, max: 2, noNaN: true }),
  memory: fc.double({ min: 0, max: 1, noNaN: true }),
});

/** States at each look, every `everyMs`, while the strain is what `given` says. */
function play(
  given: (state: LadderState, look: number) => Strain,
  looks: number,
  everyMs = 50,
): LadderState[] {
  const states: LadderState[] = [];
  let state = GROUND;
  for (let look = 1; look <= looks; look++) {
    state = planLadder(state, given(state, look), look * everyMs);
    states.push(state);
  }
  return states;
}

describe("the ladder", () => {
  it("is climbed one step each quarter of a second, and left one step each two seconds", () => {
    const up = play(() => strain(1.5), 100);
    const stepAt = (ms: number) => up[ms / 50 - 1]?.step;
    expect([50, 300, 550, 800, 2_300].map(stepAt)).toEqual(
      [1, 2, 3, 4, 9].map((step) => Math.min(TOP, step)),
    );
    let state: LadderState = { step: 3, timeScale: 1, movedAt: 0 };
    const left: [number, number][] = [];
    for (let now = 50; now <= 8_000; now += 50) {
      const next = planLadder(state, strain(0.2), now);
      if (next.step !== state.step) left.push([now, next.step]);
      state = next;
    }
    expect(left).toEqual([
      [2_000, 2],
      [4_000, 1],
      [6_000, 0],
    ]);
  });

  it("stays where it is while a step has helped but not too much", () => {
    const helped = play((state) => strain(state.step < 3 ? 1.2 : (CALM + STRAINED) / 2), 400);
    expect(helped.at(-1)?.step).toBe(3);
    expect(helped.filter((state) => state.step > 3)).toEqual([]);
  });

  it("slows time only on the last step, never below the least, and gives it back first", () => {
    const states = play(() => strain(3), 400);
    for (const { step, timeScale } of states) if (step < TOP) expect(timeScale).toBe(1);
    expect(states.at(-1)).toMatchObject({ step: TOP, timeScale: MIN_TIME_SCALE });
    let state = states.at(-1) as LadderState;
    const from = state.movedAt;
    for (let now = from; state.timeScale < 1; now += 50) state = planLadder(state, strain(0.1), now);
    expect(state.step).toBe(TOP);
    expect(state.movedAt - from).toBeLessThanOrEqual(5 * SCALE_BACK_MS);
  });

  it("slows time no more than is missing", () => {
    // A world that needs 1.25 ticks' time for a tick at full speed.
    const states = play((state) => strain(state.step < TOP ? 2 : 1.25 * state.timeScale), 400);
    expect(states.at(-1)?.timeScale).toBeGreaterThanOrEqual(0.7);
    expect(states.at(-1)?.timeScale).toBeLessThanOrEqual(0.8);
  });

  it("CPU counts against its cap, memory leads as far as shedding joins and no further", () => {
    expect(strainOf(strain(0.1, 1))).toBeCloseTo(STRAINED);
    expect(play(() => strain(0.1, 1.01), 2).at(-1)?.step).toBe(1);
    const tight = play(() => strain(0.1, 0.1, 0.97), 400).at(-1);
    expect(LADDER[tight?.step ?? 0]).toMatchObject({ name: "joins-shed", joinsShed: true, dilation: false });
  });

  it("never moves faster than allowed, by one step at a time, whatever the strain does", () => {
    fc.assert(
      fc.property(
        fc.array(anyStrain, { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1, max: 400 }),
        (all, every) => {
          let state = GROUND;
          for (const [look, given] of all.entries()) {
            const now = (look + 1) * every;
            const next = planLadder(state, given, now);
            expect(Math.abs(next.step - state.step)).toBeLessThanOrEqual(1);
            expect(next.timeScale).toBeGreaterThanOrEqual(MIN_TIME_SCALE);
            expect(next.timeScale).toBeLessThanOrEqual(1);
            expect(next.step).toBeGreaterThanOrEqual(0);
            expect(next.step).toBeLessThanOrEqual(TOP);
            if (next === state) continue;
            expect(next.movedAt).toBe(now);
            const since = now - state.movedAt;
            expect(since).toBeGreaterThanOrEqual(WORSE_MS);
            if (next.step < state.step) expect(since).toBeGreaterThanOrEqual(BETTER_MS);
            if (next.timeScale < 1) expect(LADDER[next.step]?.dilation).toBe(true);
            state = next;
          }
        },
      ),
    );
  });

  it("more strain never leads to a lower step", () => {
    const anyState = fc.record({
      step: fc.integer({ min: 0, max: TOP }),
      timeScale: fc.constant(1),
      movedAt: fc.constant(0),
    });
    fc.assert(
      fc.property(
        anyState,
        anyStrain,
        fc.double({ min: 0, max: 2, noNaN: true }),
        fc.integer({ min: 0, max: 5_000 }),
        (state, given, more, now) => {
          const less = planLadder(state, given, now);
          const raised = planLadder(state, { ...given, tick: given.tick + more }, now);
          expect(raised.step).toBeGreaterThanOrEqual(less.step);
          expect(raised.timeScale).toBeLessThanOrEqual(less.timeScale);
        },
      ),
    );
  });
});

describe("the CPU governor", () => {
  it("brings the pod below its limit where it can, and settles", () => {
    // 60 % for players, and up to 40 % for the rest by duty.
    let duty = 1;
    const cpu: number[] = [];
    for (let i = 0; i < 400; i++) {
      cpu.push(0.6 + 0.4 * duty);
      duty = planDuty(duty, 0.6 + 0.4 * duty);
    }
    for (const used of cpu.slice(100)) {
      expect(used).toBeLessThanOrEqual(0.8);
      expect(used).toBeGreaterThan(GOVERN_AT - 0.06);
    }
  });

  it("keeps its bounds, and more CPU never means more duty", () => {
    const share = fc.double({ min: 0, max: 2, noNaN: true });
    fc.assert(
      fc.property(fc.double({ min: MIN_DUTY, max: 1, noNaN: true }), share, share, (duty, a, b) => {
        const [low, high] = [planDuty(duty, Math.min(a, b)), planDuty(duty, Math.max(a, b))];
        expect(low).toBeGreaterThanOrEqual(high);
        expect(high).toBeGreaterThanOrEqual(MIN_DUTY);
        expect(low).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("means follow the time that values stand for", () => {
    let mean = 0;
    for (let i = 0; i < 10; i++) mean = smooth(mean, 1, 100, 1_000);
    expect(mean).toBeCloseTo(1 - Math.exp(-1));
    expect(smooth(0.3, 9, -5, 1_000)).toBe(0.3);
  });
});

describe("the memory plan", () => {
  it("goes up at each mark and comes down only well below it", () => {
    const levels: MemoryLevel[] = [];
    let level: MemoryLevel = 0;
    for (const used of [0.5, 0.84, 0.85, 0.9, 0.96, 0.92, 0.89, 0.86, 0.84, 0.81, 0.79, 0.2])
      levels.push((level = planMemory(level, used)));
    expect(levels).toEqual([0, 0, 1, 2, 3, 3, 2, 2, 1, 1, 0, 0]);
  });

  it("does not flicker: used that moves by less than the margin changes the level once at most", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 0.045, noNaN: true }), { maxLength: 40 }),
        (base, noise) => {
          let level: MemoryLevel = planMemory(0, base);
          const seen = [level];
          for (const more of noise) seen.push((level = planMemory(level, base + more)));
          // It may rise as the noise reaches new heights; it never falls back.
          expect(seen).toEqual([...seen].sort((a, b) => a - b));
        },
      ),
    );
    expect(BEGINS[0]).toBeGreaterThan(0.8);
  });
});
