import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteBudget, FLOOR_BYTES, shareBytes } from "./byte-budget.ts";

const demand = fc.record({
  want: fc.double({ min: 0, max: 50_000, noNaN: true }),
  weight: fc.double({ min: 1, max: 101, noNaN: true }),
});

describe("sharing bytes", () => {
  it("gives nobody more than he wants, all together not more than there is, and everyone the floor if it can", () => {
    fc.assert(
      fc.property(fc.array(demand, { maxLength: 50 }), fc.integer({ min: 0, max: 500_000 }), (all, total) => {
        const wants = Float64Array.from(all, (one) => one.want);
        const weights = Float64Array.from(all, (one) => one.weight);
        const shares = shareBytes(total, all.length, wants, weights, new Float64Array(all.length));
        const sum = shares.reduce((a, b) => a + b, 0);
        expect(sum).toBeLessThanOrEqual(total + 1e-6);
        const floors = wants.reduce((a, want) => a + Math.min(want, FLOOR_BYTES), 0);
        for (const [i, share] of shares.entries()) {
          expect(share).toBeLessThanOrEqual((wants[i] ?? 0) + 1e-6);
          if (floors <= total)
            expect(share).toBeGreaterThanOrEqual(Math.min(wants[i] ?? 0, FLOOR_BYTES) - 1e-6);
        }
        const wanted = wants.reduce((a, b) => a + b, 0);
        if (wanted <= total) expect(sum).toBeCloseTo(wanted, 0);
      }),
    );
  });

  it("gives the more urgent more when there is not enough", () => {
    const wants = Float64Array.of(10_000, 10_000, 100);
    const weights = Float64Array.of(90, 30, 30);
    const shares = shareBytes(6_000, 3, wants, weights, new Float64Array(3));
    // 900 of floors; what is left is shared 3 : 1, and the modest one has all it wants.
    expect([...shares]).toEqual([400 + 5_100 * 0.75, 400 + 5_100 * 0.25, 100]);
  });
});

describe("budgets of a thread", () => {
  const budget = (bytesPerSecond: number) => {
    const all = new ByteBudget({ capacity: 4, bytesPerSecond, sessionBytesPerSecond: 10_000 }, 0);
    all.add(0);
    all.add(1);
    return all;
  };

  /** Seconds in which both send all they may, `want` bytes a tick if they could; answers bytes of the last second. */
  function play(all: ByteBudget, seconds: number, want: number): number[] {
    const sent = [0, 0];
    for (let tick = 1; tick <= seconds * 60; tick++) {
      if (tick === (seconds - 1) * 60 + 1) sent.fill(0);
      for (const session of [0, 1]) {
        const bytes = Math.min(want, all.allowed(session));
        all.spent(session, bytes, want - bytes, session === 0 ? 80 : 20);
        sent[session] = (sent[session] ?? 0) + bytes;
      }
      all.refill((tick * 1_000) / 60);
    }
    return sent;
  }

  it("holds the sum, by urgency, when both want more", () => {
    const [urgent = 0, calm = 0] = play(budget(6_000), 5, 500);
    expect(urgent + calm).toBeLessThanOrEqual(6_000 * 1.02);
    expect(urgent + calm).toBeGreaterThan(6_000 * 0.9);
    expect(urgent).toBeGreaterThan(calm * 2);
    expect(calm).toBeGreaterThan(FLOOR_BYTES);
  });

  it("holds each to a session's own limit when there is plenty", () => {
    const sent = play(budget(1e9), 5, 5_000);
    for (const bytes of sent) expect(Math.abs(bytes - 10_000)).toBeLessThan(500);
  });

  it("saves up no more than half a second, and forgets who has left", () => {
    const all = budget(1e9);
    for (let second = 1; second < 9; second++) all.refill(second * 1_000);
    expect(all.allowed(0)).toBe(5_000);
    all.spent(0, 9_000, 0, 50);
    expect(all.allowed(0)).toBe(0);
    all.remove(0);
    all.refill(20_000);
    expect(all.allowed(0)).toBe(0);
  });
});
