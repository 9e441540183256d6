/**
 * Time as the runtime sees it, handed in so that queues and elections can be tested in virtual time.
 */

/** Timers above this fire at once (a 32-bit field inside Node). */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface Clock {
  /** Monotonic milliseconds: for durations. Runs on while the process is stopped (SIGSTOP). */
  now(): number;
  /** Milliseconds since the epoch: for timestamps others read, never for durations. */
  wall(): number;
  /** Calls `fire` once after `ms`, clamped to what a timer can hold. Returns how to cancel it. */
  timer(ms: number, fire: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  timer: (ms, fire) => {
    const timer = setTimeout(fire, Math.min(Math.max(ms, 0), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or at once when `signal` aborts. Never rejects: check the signal after it. */
export function sleepOn(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.timer(ms, end);
    signal.addEventListener("abort", end);
  });
}
