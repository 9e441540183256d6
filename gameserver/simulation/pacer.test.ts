import { describe, expect, it } from "vitest";
import { Pacer } from "./pacer.ts";

/** A clock that stands still but for waiting and for `work`. */
function pace(hz: number) {
  let now = 1_000;
  const clock = {
    now: () => now,
    // Wakes a little early, as a real wait may.
    wait: (ms: number) => {
      now += Math.max(0.01, ms * 0.9);
    },
  };
  const work = (ms: number) => {
    now += ms;
  };
  return { pacer: new Pacer(hz, clock), work, now: () => now };
}

describe("the pacer", () => {
  it("keeps the rate without drift", () => {
    const { pacer, work, now } = pace(60);
    const start = now();
    for (let tick = 0; tick < 600; tick++) {
      pacer.await();
      work(3);
    }
    expect(now() - start).toBeCloseTo(10_000 + 3, 0);
  });

  it("slows down with the world's time and comes back to full rate", () => {
    const { pacer, work, now } = pace(60);
    pacer.await();
    const start = now();
    for (let tick = 0; tick < 60; tick++) {
      expect(pacer.await(tick < 30 ? 0.5 : 1).skipped).toBe(0);
      work(3);
    }
    // The first beat was set before the time was slowed.
    expect(now() - start).toBeCloseTo(1_500 + 3, 0);
  });

  it("catches up two steps and gives the rest up", () => {
    const { pacer, work } = pace(100);
    pacer.await();
    work(75);
    const beats = [pacer.await(), pacer.await(), pacer.await(), pacer.await()];
    expect(beats.map((beat) => beat.skipped)).toEqual([4, 0, 0, 0]);
    expect(beats.map((beat) => Math.round(beat.lateMs / 10))).toEqual([7, 2, 1, 0]);
  });
});
