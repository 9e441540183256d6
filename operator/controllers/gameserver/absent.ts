/** A server without a pod: the first life, the next one, or the end of the line. */
import { recentCrashes, restartVerdict } from "./crash.ts";
import type { Observed, Plan } from "./observed.ts";

/** How long to wait after the API server refused the pod (quota, admission): it seldom changes its mind at once. */
const REJECTED_RETRY_MS = 30_000;

export function planAbsent({ server, rejected, nowMs }: Observed): Plan {
  const crashes = recentCrashes(server, nowMs);
  const base = { crashes, drainBy: 0, ...lastLife(server.status?.podUID) };
  const last = crashes.at(-1)?.reason ?? "";
  // An end by its own will is final, and the status is where it is remembered once the pod is gone.
  if (server.status?.state === "Stopped") {
    return {
      ...base,
      verdict: { state: "Stopped", reason: "Completed", message: "the game ended", notable: true },
    };
  }
  if (rejected) {
    return {
      ...base,
      verdict: { state: "Pending", ...rejected, notable: true },
      createPod: true,
      requeueAfterMs: REJECTED_RETRY_MS,
    };
  }
  const restart = restartVerdict(server, nowMs);
  switch (restart.verdict) {
    case "give-up":
      return {
        ...base,
        verdict: {
          state: "Unhealthy",
          reason: "TooManyCrashes",
          message: `${crashes.length} crashes within ${server.spec.restart.windowSeconds} s, the last: ${last}`,
          notable: true,
        },
      };
    case "wait":
      return {
        ...base,
        verdict: {
          state: "Pending",
          reason: "CrashBackOff",
          message: `restarts in ${Math.ceil(restart.ms / 1_000)} s; last crash: ${last}`,
          notable: true,
        },
        requeueAfterMs: restart.ms,
      };
    case "now":
      return {
        ...base,
        verdict: {
          state: "Pending",
          reason: "CreatingPod",
          message: "the pod is being made",
          notable: false,
        },
        createPod: true,
      };
  }
}

const lastLife = (podUID: string | undefined) => (podUID ? { releaseLife: podUID } : {});
