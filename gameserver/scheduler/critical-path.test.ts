import { describe, expect, it } from "vitest";
import { criticalPath } from "./critical-path.ts";

const seconds = new Map(
  Object.entries({ input: 1, ring: 5, tick: 3, ai: 9, publish: 1, update: 2, write: 1 }),
);
const edges = [
  ["input", "ring"],
  ["input", "ai"],
  ["ring", "tick"],
  ["ai", "publish"],
  ["tick", "publish"],
  ["publish", "update"],
  ["update", "write"],
] as const;
const names = (from: string, to: string, more: readonly (readonly [string, string])[] = []) =>
  criticalPath({ seconds, edges: [...edges, ...more] }, from, to)?.stages.map(({ name }) => name);

describe("the critical path", () => {
  it("is the slowest of all ways", () => {
    expect(names("input", "write")).toEqual(["input", "ai", "publish", "update", "write"]);
    expect(criticalPath({ seconds, edges }, "input", "write")?.seconds).toBe(14);
    expect(criticalPath({ seconds: new Map(), edges }, "ring", "tick")?.seconds).toBe(0);
  });

  it("is none where no way leads, and does not go in circles", () => {
    expect(names("write", "input")).toBeUndefined();
    expect(names("input", "write", [["update", "tick"]])).toEqual([
      "input",
      "ai",
      "publish",
      "update",
      "write",
    ]);
  });
});
