import { expect, it } from "vitest";
import { SettleRate } from "./settle-rate.ts";

/** One that has measured batches of `count` every `ms`, for two minutes. */
function measured(count: number, ms: number): SettleRate {
  const rate = new SettleRate();
  for (let left = 120_000; left > 0; left -= ms) rate.settled(count, ms);
  return rate;
}

it("begins low, and believes the first batches", () => {
  const rate = new SettleRate();
  expect(rate.perSecond).toBe(1_000);
  for (let n = 0; n < 10; n++) rate.settled(256, 50);
  expect(rate.perSecond).toBeGreaterThan(3_000);
});

it("counts a batch by the time it took: quick ones between slow ones do not make more of a store than it is", () => {
  const rate = measured(100, 20);
  expect(Math.round(rate.perSecond)).toBe(5_000);
  // 200 in 200 ms.
  for (let n = 0; n < 60; n++) rate.settled(100, n % 2 === 0 ? 10 : 190);
  expect(rate.perSecond).toBeGreaterThan(900);
  expect(rate.perSecond).toBeLessThan(1_100);
});

it("does not take a good moment for the rule, but a bad second", () => {
  const quick = measured(100, 20);
  quick.settled(100, 2);
  expect(quick.perSecond).toBeLessThan(5_200);
  const slow = measured(100, 20);
  slow.settled(100, 1_000);
  expect(slow.perSecond).toBeLessThan(2_000);
});

it("is not told by small batches that are slow: there was no more to do", () => {
  const rate = measured(100, 20);
  rate.settled(1, 100);
  expect(Math.round(rate.perSecond)).toBe(5_000);
});

it("is told by small batches after a bad time: there are no others while so little is let in", () => {
  const rate = measured(20, 10_000);
  expect(Math.round(rate.perSecond)).toBe(2);
  for (let n = 0; n < 100; n++) rate.settled(2, 10);
  expect(rate.perSecond).toBeGreaterThan(100);
});
