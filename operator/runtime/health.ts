/**
 * Named checks behind `/healthz` (is this process worth keeping?) and `/readyz` (may it be relied on?).
 *
 * Checks are cheap and synchronous: a probe that waits for another system turns that system's trouble into ours.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { messageOf } from "../../platform/errors.ts";

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

/**
 * Fails when the event loop stood still for longer than `limitMs` since the last probe. A planner that computes
 * for seconds stalls probes, watches and the lease together; this names the cause.
 */
export function stallCheck(limitMs: number): StallCheck {
  const delays = monitorEventLoopDelay({ resolution: 100 });
  delays.enable();
  return {
    check: () => {
      const worstMs = delays.max / 1e6;
      delays.reset();
      if (worstMs > limitMs) throw new Error(`event loop stood still for ${Math.round(worstMs)} ms`);
    },
    close: () => delays.disable(),
  };
}
