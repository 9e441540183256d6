/** The crash policy: how often, how soon, and when a server is given up. */
import type { GameServer } from "../../api/kinds.ts";

export interface Crash {
  readonly podUID: string;
  readonly time: string;
  readonly reason: string;
}

const MAX_BACKOFF_MS = 60_000;

export type RestartVerdict =
  | { readonly verdict: "now" }
  | { readonly verdict: "wait"; readonly ms: number }
  | { readonly verdict: "give-up" };

/** Crashes that still count at `nowMs`, oldest first. */
export function recentCrashes(server: GameServer, nowMs: number): Crash[] {
  const from = nowMs - server.spec.restart.windowSeconds * 1_000;
  return (server.status?.crashes ?? []).filter((crash) => Date.parse(crash.time) > from);
}

/** Adds a crash of this life, once, however often it is seen. */
export function withCrash(crashes: readonly Crash[], crash: Crash): Crash[] {
  if (crashes.some((known) => known.podUID === crash.podUID)) return [...crashes];
  return [...crashes, crash].slice(-64);
}

/**
 * May the next life start? The first restart is at once, the n-th waits `backoff * 2^(n-2)`, at most 60 s; more
 * crashes in the window than `maxRestarts` and the server is given up.
 */
export function restartVerdict(server: GameServer, nowMs: number): RestartVerdict {
  const crashes = recentCrashes(server, nowMs);
  const last = crashes.at(-1);
  if (!last) return { verdict: "now" };
  if (crashes.length > server.spec.restart.maxRestarts) return { verdict: "give-up" };
  if (crashes.length === 1) return { verdict: "now" };
  const wait = Math.min(
    MAX_BACKOFF_MS,
    server.spec.restart.backoffSeconds * 1_000 * 2 ** (crashes.length - 2),
  );
  const left = Date.parse(last.time) + wait - nowMs;
  return left > 0 ? { verdict: "wait", ms: left } : { verdict: "now" };
}
