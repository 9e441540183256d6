/**
 * Named checks behind `/healthz` (is this process worth keeping?) and `/readyz` (may it be relied on?).
 *
 * Checks are cheap and synchronous: a probe that waits for another system turns that system's trouble into ours.
 */
import { messageOf } from "../../platform/errors.ts";
import { type Clock, systemClock } from "./clock.ts";

/** Throws when unwell; the message says what is wrong. */
export type Check = () => void;

export interface HealthReport {
  readonly ok: boolean;
  /** Each check with "ok" or what is wrong. */
  readonly checks: Readonly<Record<string, string>>;
}

export class Health {
  readonly #checks = new Map<string, Check>();

  /** Names are unique. Returns how to take the check out again. */
  add(name: string, check: Check): () => void {
    if (this.#checks.has(name)) throw new TypeError(`health check ${name} exists already`);
    this.#checks.set(name, check);
    return () => this.#checks.delete(name);
  }

  report(): HealthReport {
    const checks: Record<string, string> = {};
    let ok = true;
    for (const [name, check] of this.#checks) {
      try {
        check();
        checks[name] = "ok";
      } catch (error) {
        ok = false;
        checks[name] = messageOf(error);
      }
    }
    return { ok, checks };
  }
}

export interface StallCheck {
  readonly check: Check;
  /** Stops measuring. */
  close(): void;
}

const TICK_MS = 250;

/**
 * Fails when the event loop stood still for longer than `limitMs` since the last probe. A planner that computes
 * for seconds stalls probes, watches and the lease together; this names the cause.
 *
 * A timer of our own, because Node's `monitorEventLoopDelay` forgets where it was when it is reset, and so
 * misses a stall that begins right after a probe.
 */
export function stallCheck(limitMs: number, clock: Clock = systemClock): StallCheck {
  let last = clock.now();
  let worst = 0;
  let cancel = (): void => {};
  const measure = (): void => {
    const now = clock.now();
    worst = Math.max(worst, now - last - TICK_MS);
    last = now;
  };
  const tick = (): void => {
    measure();
    cancel = clock.timer(TICK_MS, tick);
  };
  tick();
  return {
    check: () => {
      measure();
      const stall = worst;
      worst = 0;
      if (stall > limitMs) throw new Error(`event loop stood still for ${Math.round(stall)} ms`);
    },
    close: () => cancel(),
  };
}
