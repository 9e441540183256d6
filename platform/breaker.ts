/**
 * A circuit breaker around one store or third party, so that a call does not wait for what is known to be away.
 *
 * Only failures that speak of the store count (a refusal by a rule, or an abort by the caller, is not an outage).
 * opossum shares one timer and one abort signal between calls, so its time-out is off: calls carry their own.
 *
 * With a `probe`, traffic comes back only after several good probes in a row, never after one lucky call: opossum
 * closes on a single success, also of a call that began before it opened.
 */
import CircuitBreaker from "opossum";
import { sleep } from "./background.ts";
import { fail } from "./errors.ts";
import { gauge, type Registry } from "./metrics.ts";

export interface BreakerOptions {
  readonly name: string;
  readonly registry: Registry;
  /** Failures in the window, in per cent, that open it. Default 50. */
  readonly errorPercent?: number;
  /** Calls in the window below which it never opens. Default 5. */
  readonly volume?: number;
  /** Time until one trial call is let through, ms. Default 1,000. */
  readonly resetMs?: number;
  /** True for errors that say nothing about the store. */
  readonly ignore?: (error: unknown) => boolean;
  /** Window in which calls are counted, ms. Default 5,000. */
  readonly windowMs?: number;
  /** Asks the store whether it is there; tried every `resetMs` while open. Must reject within its own deadline. */
  readonly probe?: () => Promise<unknown>;
}

/** Good probes in a row before traffic comes back. */
const GOOD_PROBES = 3;
/** After a good probe the next follows so soon, ms: all that waits for the store waits for them, too. */
const GOOD_AGAIN_MS = 20;

export interface Breaker {
  /** Runs `work`, or throws CIRCUIT_OPEN at once. */
  run<T>(work: () => Promise<T>): Promise<T>;
  readonly open: boolean;
  close(): void;
}

export function createBreaker(options: BreakerOptions): Breaker {
  const resetMs = options.resetMs ?? 1_000;
  const windowMs = options.windowMs ?? 5_000;
  const { probe } = options;
  const circuit = new CircuitBreaker((work: () => Promise<unknown>) => work(), {
    name: options.name,
    timeout: false,
    errorThresholdPercentage: options.errorPercent ?? 50,
    volumeThreshold: options.volume ?? 5,
    // With a probe it never half-opens by itself.
    resetTimeout: probe ? 2 ** 31 - 1 : resetMs,
    rollingCountTimeout: windowMs,
    rollingCountBuckets: 5,
    // It would keep how long each call took, and sort them all five times a window and again at every failure: when a
    // store goes away under load, all that was under way fails at once.
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
    ...(options.ignore ? { errorFilter: options.ignore } : {}),
  });
  const state = stateGauge(options.registry);
  const show = (value: number) => () => state.set({ breaker: options.name }, value);
  show(0)();
  circuit.on("open", show(2));
  circuit.on("halfOpen", show(1));
  circuit.on("close", show(0));
  const ended = new AbortController();
  if (probe) {
    circuit.on("open", () => {
      void probeUntilGood(probe, resetMs, ended.signal, show(1)).then(() => {
        if (!ended.signal.aborted) circuit.close();
      });
    });
  }
  const refusal = () =>
    fail("CIRCUIT_OPEN", `${options.name} is away`, { retryAfterSeconds: resetMs / 1_000 });
  return {
    run: async <T>(work: () => Promise<T>) => {
      if (circuit.opened) throw refusal();
      try {
        return (await circuit.fire(work)) as T;
      } catch (error) {
        // Half open, and the one trial is under way: opossum refuses the rest with an error of its own.
        throw isOpossumRefusal(error) ? refusal() : error;
      }
    },
    get open() {
      return circuit.opened;
    },
    close: () => {
      ended.abort();
      circuit.shutdown();
    },
  };
}

/** Resolves after `GOOD_PROBES` in a row; `onGood` is called at each of them. */
async function probeUntilGood(
  probe: () => Promise<unknown>,
  everyMs: number,
  signal: AbortSignal,
  onGood: () => void,
): Promise<void> {
  for (let good = 0; good < GOOD_PROBES && !signal.aborted; ) {
    await sleep(good > 0 ? Math.min(GOOD_AGAIN_MS, everyMs) : everyMs, signal);
    try {
      await probe();
      good += 1;
      onGood();
    } catch {
      good = 0;
    }
  }
}

const isOpossumRefusal = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "EOPENBREAKER";

const STATE_METRIC = "gamefleet_breaker_state";

function stateGauge(registry: Registry) {
  const existing = registry.getSingleMetric(STATE_METRIC);
  if (existing) return existing as ReturnType<typeof gauge<"breaker">>;
  return gauge(registry, STATE_METRIC, "Circuit breaker of a store: 0 closed, 1 half open, 2 open", [
    "breaker",
  ]);
}
