import { describe, expect, it } from "vitest";
import { type FullLooks, fullIsDue, fullMayBegin } from "./pace.ts";

const EVERY_MS = 600_000;
const looks = (over: Partial<FullLooks> = {}): FullLooks => ({
  age: 100,
  seconds: 1,
  begun: 101,
  unfinished: 0,
  ...over,
});

describe("by schedule a full look", () => {
  it("is due when there was none, and every ten minutes", () => {
    expect(fullIsDue(looks({ age: undefined }), EVERY_MS)).toBe(true);
    expect(fullIsDue(looks({ age: 599 }), EVERY_MS)).toBe(false);
    expect(fullIsDue(looks({ age: 600 }), EVERY_MS)).toBe(true);
  });

  it("takes a tenth of the time at most", () => {
    expect(fullIsDue(looks({ age: 2_999, seconds: 300 }), EVERY_MS)).toBe(false);
    expect(fullIsDue(looks({ age: 3_000, seconds: 300 }), EVERY_MS)).toBe(true);
  });
});

describe("a full look that is asked for because the last place is lost", () => {
  it("may begin when none was begun yet, and when the last one is ten times its length ago", () => {
    expect(fullMayBegin(looks({ begun: undefined }), EVERY_MS)).toBe(true);
    expect(fullMayBegin(looks({ seconds: 20, begun: 199 }), EVERY_MS)).toBe(false);
    expect(fullMayBegin(looks({ seconds: 20, begun: 200 }), EVERY_MS)).toBe(true);
  });

  it("waits longer each time that it was cut off, also when none was ever finished", () => {
    const cut = (unfinished: number, begun: number) =>
      fullMayBegin(looks({ age: undefined, seconds: 0, unfinished, begun }), EVERY_MS);
    expect([cut(1, 4), cut(1, 5), cut(2, 9), cut(2, 10), cut(6, 159), cut(6, 160)]).toEqual([
      false,
      true,
      false,
      true,
      false,
      true,
    ]);
  });

  it("is never put off for longer than the schedule's time", () => {
    expect(fullMayBegin(looks({ seconds: 3_600, begun: 599 }), EVERY_MS)).toBe(false);
    expect(fullMayBegin(looks({ seconds: 3_600, begun: 600, unfinished: 50 }), EVERY_MS)).toBe(true);
  });
});
