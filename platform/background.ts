/**
 * Work that goes on beside requests. Every timer here has an owner (an AbortSignal) that ends it.
 */
import { setTimeout as sleepFor } from "node:timers/promises";
import { fail } from "./errors.ts";

/** Timers above this fire at once (a 32-bit field inside Node). */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Resolves after `ms`, or at once when `signal` aborts. Never rejects: check the signal after it. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await sleepFor(Math.min(Math.max(ms, 0), MAX_TIMER_MS), undefined, { signal }).catch(() => {});
}

export interface LoopOptions {
  /** Time between the starts of two runs, in ms. A run that takes longer delays the next; runs never overlap. */
  readonly everyMs: number;
  readonly signal: AbortSignal;
  /** Called with what a run threw. The loop goes on: a failed run must not end it. */
  readonly onError: (error: unknown) => void;
}

/** Runs `work` again and again until the signal aborts; the promise settles when the last run has ended. */
export async function loop(
  work: (signal: AbortSignal) => Promise<void>,
  options: LoopOptions,
): Promise<void> {
  while (!options.signal.aborted) {
    const started = performance.now();
    try {
      await work(options.signal);
    } catch (error) {
      if (!options.signal.aborted) options.onError(error);
    }
    await sleep(options.everyMs - (performance.now() - started), options.signal);
  }
}

/** Rejects with `TIMEOUT` when `promise` takes longer than `ms`. The work itself is not stopped. */
export async function deadline<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(fail("TIMEOUT", `${what} took longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** 0 to 1: which share of the delay is random. Default 0.5. */
  readonly jitter?: number;
}

/** Delay before attempt `attempt` (0 = first retry): exponential, capped, with jitter so that crowds spread. */
export function backoff(
  attempt: number,
  options: BackoffOptions,
  random: () => number = Math.random,
): number {
  const jitter = options.jitter ?? 0.5;
  const full = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt, 30));
  return full * (1 - jitter) + full * jitter * random();
}
