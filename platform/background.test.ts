import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backoff, deadline, loop, sleep } from "./background.ts";
import { fail } from "./errors.ts";

// Fake timers do not reach `node:timers/promises`: the same on top of the timer that they do reach.
vi.mock("node:timers/promises", () => ({
  setTimeout: (ms: number, value: unknown, { signal }: { signal: AbortSignal }) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve(value), ms);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(new Error("aborted"));
      });
    }),
}));

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** Whether the promise has settled by now, without waiting for it. */
function watch(promise: Promise<unknown>): { readonly done: boolean } {
  const state = { done: false };
  const settle = () => {
    state.done = true;
  };
  promise.then(settle, settle);
  return state;
}

describe("sleep", () => {
  it("resolves after its time, not before", async () => {
    const asleep = watch(sleep(1_000, new AbortController().signal));
    await vi.advanceTimersByTimeAsync(999);
    expect(asleep.done).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(asleep.done).toBe(true);
  });

  it("ends at once when the signal aborts, and leaves no timer", async () => {
    const ending = new AbortController();
    const asleep = sleep(60_000, ending.signal);
    expect(vi.getTimerCount()).toBe(1);
    ending.abort();
    await asleep;
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not begin when the signal has aborted", async () => {
    await sleep(60_000, AbortSignal.abort());
    expect(vi.getTimerCount()).toBe(0);
  });

  it("takes a time below 0 as none, and one that Node cannot hold as very long", async () => {
    const signal = new AbortController().signal;
    const none = watch(sleep(-5, signal));
    const long = watch(sleep(Number.POSITIVE_INFINITY, signal));
    await vi.advanceTimersByTimeAsync(86_400_000);
    expect(none.done).toBe(true);
    expect(long.done).toBe(false);
  });
});

describe("loop", () => {
  it("starts a run every period, whatever a run takes", async () => {
    const ending = new AbortController();
    const starts: number[] = [];
    const begin = performance.now();
    const work = async () => {
      starts.push(performance.now() - begin);
      await sleep(300, ending.signal);
    };
    const running = loop(work, {
      everyMs: 1_000,
      signal: ending.signal,
      onError: (error) => expect.fail(String(error)),
    });
    await vi.advanceTimersByTimeAsync(2_500);
    expect(starts).toEqual([0, 1_000, 2_000]);
    ending.abort();
    await running;
  });

  it("never overlaps runs: a long one delays the next", async () => {
    const ending = new AbortController();
    let inside = 0;
    let most = 0;
    let runs = 0;
    const work = async () => {
      runs += 1;
      most = Math.max(most, ++inside);
      await sleep(2_500, ending.signal);
      inside -= 1;
    };
    const running = loop(work, {
      everyMs: 1_000,
      signal: ending.signal,
      onError: (error) => expect.fail(String(error)),
    });
    await vi.advanceTimersByTimeAsync(7_400);
    expect({ most, runs }).toEqual({ most: 1, runs: 3 });
    ending.abort();
    await running;
  });

  it("tells what a run threw and goes on", async () => {
    const ending = new AbortController();
    const onError = vi.fn<(error: unknown) => void>();
    const work = vi.fn<() => Promise<void>>().mockRejectedValueOnce(new Error("once")).mockResolvedValue();
    const running = loop(work, { everyMs: 10, signal: ending.signal, onError });
    await vi.advanceTimersByTimeAsync(35);
    expect(work).toHaveBeenCalledTimes(4);
    expect(onError.mock.calls).toEqual([[new Error("once")]]);
    ending.abort();
    await running;
  });

  it("settles when the last run has ended, and keeps quiet about what the abort made it throw", async () => {
    const ending = new AbortController();
    const onError = vi.fn<(error: unknown) => void>();
    let finish = () => {};
    const work = (signal: AbortSignal) =>
      new Promise<void>((_, reject) => {
        finish = () => reject(new Error(`aborted: ${signal.aborted}`));
      });
    const running = loop(work, { everyMs: 10, signal: ending.signal, onError });
    const ended = watch(running);
    ending.abort();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ended.done).toBe(false);
    finish();
    await running;
    expect(onError).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not run at all when the signal has aborted", async () => {
    const work = vi.fn<() => Promise<void>>();
    await loop(work, {
      everyMs: 10,
      signal: AbortSignal.abort(),
      onError: (error) => expect.fail(String(error)),
    });
    expect(work).not.toHaveBeenCalled();
  });
});

describe("deadline", () => {
  it("gives the value of work in time, and leaves no timer", async () => {
    await expect(deadline(Promise.resolve(7), 1_000, "counting")).resolves.toBe(7);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("gives the work's own error", async () => {
    const broken = fail("FENCED", "moved on");
    await expect(deadline(Promise.reject(broken), 1_000, "counting")).rejects.toBe(broken);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("rejects with TIMEOUT, naming the work, when it is late", async () => {
    const late = deadline(new Promise(() => {}), 1_000, "counting").catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await late).toMatchObject({ code: "TIMEOUT", message: "counting took longer than 1000 ms" });
  });
});

describe("backoff", () => {
  const random = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

  it("stays between its floor and its cap, however many attempts", () => {
    fc.assert(
      fc.property(fc.nat(10_000), random, random, (attempt, share, luck) => {
        const full = Math.min(30_000, 100 * 2 ** Math.min(attempt, 30));
        const delay = backoff(attempt, { baseMs: 100, maxMs: 30_000, jitter: share }, () => luck);
        expect(delay).toBeGreaterThanOrEqual(full * (1 - share) - 1e-6);
        expect(delay).toBeLessThanOrEqual(full + 1e-6);
      }),
    );
  });

  it("doubles from the base, and spreads half of it by default", () => {
    const options = { baseMs: 100, maxMs: 1_000 };
    expect([0, 1, 2, 3, 4].map((n) => backoff(n, { ...options, jitter: 0 }))).toEqual([
      100, 200, 400, 800, 1_000,
    ]);
    expect(backoff(0, options, () => 0)).toBe(50);
    expect(backoff(0, options, () => 1)).toBe(100);
  });
});
