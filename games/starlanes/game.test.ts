import { describe, expect, it } from "vitest";
import { turnTowards } from "./drones.ts";
import { game } from "./game.ts";

describe("starlanes", () => {
  it("declares what its rules answer to", () => {
    const { declaration, rules } = game;
    expect(Object.keys(rules.inputs).sort()).toEqual(Object.keys(declaration.inputs).sort());
    const brains = Object.keys(rules.brains ?? {});
    expect(brains.filter((kind) => !(kind in declaration.kinds))).toEqual([]);
    expect(Object.keys(rules.timers ?? {})).toEqual(declaration.timers);
  });

  it("turns the short way round", () => {
    expect(turnTowards(0.1, 6.2)).toBeLessThan(0);
    expect(turnTowards(6.2, 0.1)).toBeGreaterThan(0);
    expect(turnTowards(0, Math.PI * 0.99)).toBe(1);
  });
});
