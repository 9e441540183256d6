import { expect, it } from "vitest";
import { trialOf } from "./held.ts";
import type { Round } from "./side.ts";

/** A round of 1,000 sessions on one core in which all was well, but for `changes`. */
function round(changes: Partial<Round> = {}): Round {
  return {
    cpu: 10,
    seconds: 10,
    updates: 100_000,
    inputs: 60_000,
    bytes: 6e6,
    playing: 1_000,
    p50Ms: 8,
    p99Ms: 30,
    p999Ms: 40,
    inputToSeenP99Ms: 60,
    errors: [],
    staleness: [],
    inView: 40,
    generatorCores: 0.3,
    foreignCores: 0,
    gcMaxMs: 3,
    lost: 0,
    faults: 0,
    ...changes,
  };
}

it("calls sessions held by p99, rate, the lost and the generator, and by more than that for the goal", () => {
  expect(trialOf([round()])).toEqual({ sessions: 1_000, held: true, goal: true, perCore: 1_000 });
  const verdict = (changes: Partial<Round>) => {
    const { held, goal } = trialOf([round(changes)]);
    return { held, goal };
  };
  expect(verdict({ p99Ms: 36 })).toEqual({ held: true, goal: false });
  expect(verdict({ cpu: 16.1 })).toEqual({ held: true, goal: false });
  expect(verdict({ p99Ms: 51 })).toEqual({ held: false, goal: false });
  expect(verdict({ updates: 97_900 })).toEqual({ held: false, goal: false });
  expect(verdict({ lost: 1 })).toEqual({ held: false, goal: false });
  expect(verdict({ generatorCores: 0.9 })).toEqual({ held: false, goal: false });
});

it("goes by the median of the rounds, and by the worst of them for those who were lost", () => {
  expect(trialOf([round({ p99Ms: 90 }), round(), round()]).held).toBe(true);
  expect(trialOf([round({ lost: 1 }), round(), round()]).held).toBe(false);
});
