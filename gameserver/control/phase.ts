/**
 * Where the pod is in its life, and what that means for newcomers, probes and the load sample. Pure state: the pod
 * tells it what has happened.
 */
import type { LoadSample } from "../../protocol/directory.ts";

export interface PhaseInputs {
  /** The first zones are open (or, without stores, all are). */
  readonly settled: boolean;
  readonly fenced: boolean;
  /** Names of stores that are away. */
  readonly away: readonly string[];
  /** Monotonic ms now, and of the last simulation tick. */
  readonly sinceTickMs: number;
}

export type ClosedTo = "SERVER_DRAINING" | "STORE_UNAVAILABLE" | "MEMORY_LOW" | "SERVER_OVERLOADED";

/** A simulation that has not stepped for this long hangs. Loading a zone takes far less. */
const STUCK_MS = 5_000;

export class Phase {
  /** Set by the operator's word; may be taken back. */
  draining = false;
  /** Set by SIGTERM; final. */
  stopping = false;
  /** Set while neither store can be reached: others may serve our zones. */
  silent = false;

  /** Set while there is too little memory or time for more players; those who play go on, and may resume. */
  shedding: "MEMORY_LOW" | "SERVER_OVERLOADED" | undefined = undefined;

  /** Why a newcomer is refused, or undefined. */
  get closedTo(): ClosedTo | undefined {
    if (this.draining || this.stopping) return "SERVER_DRAINING";
    return this.silent ? "STORE_UNAVAILABLE" : this.shedding;
  }

  /** `/readyz`: undefined when ready. */
  notReady(now: PhaseInputs): string | undefined {
    if (this.stopping) return "stopping";
    if (now.fenced) return "another life has this server's name";
    if (this.silent) return "cut off from all stores";
    if (now.away.length > 0) return `away: ${now.away.join(", ")}`;
    if (!now.settled) return "starting";
    return this.draining ? "draining" : undefined;
  }

  /** `/healthz`: only what a restart mends. */
  unhealthy(now: PhaseInputs): string | undefined {
    if (now.fenced) return "another life has this server's name";
    return now.sinceTickMs > STUCK_MS ? `no tick for ${Math.round(now.sinceTickMs)} ms` : undefined;
  }

  /** What the load sample says. */
  state(now: PhaseInputs): LoadSample["state"] {
    if (this.draining || this.stopping) return "Draining";
    return now.settled ? "Ready" : "Starting";
  }
}
