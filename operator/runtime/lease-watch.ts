/**
 * Hears of changes to one Lease as they happen, so that a released lease is taken at once and a crashed
 * holder's time is counted from its very last renewal. Only a hint: an election stays right when this hears
 * nothing, it merely polls.
 */
import type { WatchEvent } from "../kube/watch.ts";
import { type Clock, sleepOn } from "./clock.ts";
import type { Lease } from "./lease.ts";

export interface FollowOptions {
  readonly watch: (signal: AbortSignal) => Promise<AsyncIterable<WatchEvent<Lease>>>;
  readonly onLease: (lease: Lease) => void;
  readonly clock: Clock;
  /** A holder renews several times within this, ms; silence means that the connection is dead. */
  readonly silenceMs: number;
  /** Pause before a watch that ended is opened again, ms. */
  readonly pauseMs: number;
}

export interface Following {
  /** True while a watch is open and heard from. */
  alive(): boolean;
  /** Ends it; the promise settles when the watch is closed. */
  end(): Promise<void>;
}

export function followLease(options: FollowOptions): Following {
  const life = new AbortController();
  let alive = false;
  const once = async (): Promise<void> => {
    const call = new AbortController();
    const abort = (): void => call.abort();
    life.signal.addEventListener("abort", abort);
    let watchdog = options.clock.timer(options.silenceMs, abort);
    try {
      for await (const event of await options.watch(call.signal)) {
        alive = true;
        watchdog();
        watchdog = options.clock.timer(options.silenceMs, abort);
        // A deleted lease is no leave to take it: its holder may not know yet.
        if (event.type === "ADDED" || event.type === "MODIFIED") options.onLease(event.object);
      }
    } catch {
      // Polling goes on; the reason shows there when it matters.
    } finally {
      alive = false;
      watchdog();
      life.signal.removeEventListener("abort", abort);
      abort();
    }
  };
  const run = async (): Promise<void> => {
    while (!life.signal.aborted) {
      await once();
      await sleepOn(options.clock, options.pauseMs, life.signal);
    }
  };
  const running = run();
  return {
    alive: () => alive,
    end: () => {
      life.abort();
      return running;
    },
  };
}
