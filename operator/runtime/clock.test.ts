import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sleepOn, systemClock } from "./clock.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("a timer of a month does not fire at once", () => {
  const fired = vi.fn<() => void>();
  systemClock.timer(30 * 24 * 3_600_000, fired);
  vi.advanceTimersByTime(60_000);
  expect(fired).not.toHaveBeenCalled();
});

test("a sleep ends with its time or its signal, and leaves nothing behind", async () => {
  const life = new AbortController();
  const slept = sleepOn(systemClock, 1_000, life.signal);
  vi.advanceTimersByTime(1_000);
  await slept;
  const woken = sleepOn(systemClock, 1_000, life.signal);
  life.abort();
  await woken;
  await sleepOn(systemClock, 1_000, life.signal);
  expect(vi.getTimerCount()).toBe(0);
});
