/** A server with a pod: is it starting, ready, failing, ending? */
import { type Node, nodeIsReachable, type Pod, podIsReady } from "./core.ts";
import { recentCrashes, withCrash } from "./crash.ts";
import { endOverdue } from "./leaving.ts";
import type { Observed, Plan, Verdict } from "./observed.ts";

/** Reasons of a waiting container that time alone seldom mends. */
const STUCK = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
]);
/** A start that takes longer than this is worth showing. */
const SLOW_START_MS = 10_000;

export function planLife(observed: Observed, pod: Pod): Plan {
  const { server, nowMs } = observed;
  const crashes = recentCrashes(server, nowMs);
  const uid = pod.metadata.uid ?? "";
  const base = { crashes, drainBy: 0 };
  if (pod.metadata.deletionTimestamp) {
    // Somebody else ends it: an eviction, a node drain, kubectl. The server lives on with the next pod.
    const drainBy = Date.parse(pod.metadata.deletionTimestamp);
    const verdict = draining("PodDeleted", "the pod was deleted or evicted; another one follows");
    return { ...base, drainBy, verdict, ...endOverdue(observed, pod) };
  }
  if (pod.status?.phase === "Succeeded") {
    const verdict = {
      state: "Stopped",
      reason: "Completed",
      message: "the game ended",
      notable: true,
    } as const;
    return { ...base, verdict, releaseLife: uid };
  }
  const crash = crashOf(observed, pod);
  if (crash) {
    return {
      ...base,
      crashes: withCrash(crashes, { podUID: uid, time: new Date(nowMs).toISOString(), reason: crash }),
      verdict: { state: "Pending", reason: "Crashed", message: crash, notable: true },
      deletePod: { uid, force: true, reason: crash },
      releaseLife: uid,
    };
  }
  return { ...base, verdict: judge(observed, pod), ...nextLook(observed, pod) };
}

const draining = (reason: string, message: string): Verdict => ({
  state: "Draining",
  reason,
  message,
  notable: true,
});

const wasReady = ({ server }: Observed, pod: Pod): boolean =>
  server.status?.podUID === pod.metadata.uid && server.status?.podUID !== undefined;

/** Why this life has failed, in one line; undefined while it has not. */
function crashOf(observed: Observed, pod: Pod): string | undefined {
  const status = pod.status ?? {};
  if (status.phase === "Failed") {
    const ended = status.containerStatuses?.find(
      (container) => (container.state?.terminated?.exitCode ?? 0) !== 0,
    );
    const end = ended?.state?.terminated;
    if (status.reason) return `${status.reason}: ${status.message ?? "the pod failed"}`;
    if (end)
      return `container ${ended?.name} ended with code ${end.exitCode}${end.reason ? ` (${end.reason})` : ""}`;
    return "the pod failed";
  }
  const age = observed.nowMs - Date.parse(pod.metadata.creationTimestamp ?? "");
  const { startSeconds } = observed.server.spec.health;
  const late = age > startSeconds * 1_000 && !podIsReady(pod) && !wasReady(observed, pod);
  // A pod that no node can take has not been given its chance yet: it waits, however long.
  if (late && scheduled(pod))
    return `StartTimeout: not ready within ${startSeconds} s (${waitingReason(pod)?.reason ?? "starting"})`;
  return undefined;
}

const scheduled = (pod: Pod): boolean => pod.spec?.nodeName !== undefined;

function waitingReason(pod: Pod): { reason: string; message: string } | undefined {
  for (const container of pod.status?.containerStatuses ?? []) {
    const waiting = container.state?.waiting;
    if (waiting?.reason && STUCK.has(waiting.reason)) {
      return {
        reason: waiting.reason,
        message: `container ${container.name}: ${waiting.message ?? waiting.reason}`,
      };
    }
  }
  return undefined;
}

/**
 * The sample says Draining. Not to be answered with Draining: a pod also says so because we told it to, and our
 * Draining for its Draining would keep it there for ever after the drain was taken back. NotReady gives it nobody new
 * and tells it nothing, so that a drain of its own goes on and an echo of ours ends.
 */
const GAME_DRAINS: Verdict = {
  state: "NotReady",
  reason: "GameDrains",
  message: "the game says that it drains: it gets no new players, those on it play on",
  notable: true,
};

function judge(observed: Observed, pod: Pod): Verdict {
  const { node, nowMs } = observed;
  if (!scheduled(pod)) return unscheduled(pod);
  if (!nodeIsReachable(node)) return lostNode(observed, pod, node);
  if (podIsReady(pod)) {
    if (observed.load?.state === "Draining") return GAME_DRAINS;
    return { state: "Ready", reason: "PodReady", message: "takes players", notable: true };
  }
  if (wasReady(observed, pod)) {
    return {
      state: "NotReady",
      reason: "ProbeFailed",
      message: "the game says that it cannot take new players (see its /readyz); players on it play on",
      notable: true,
    };
  }
  const waiting = waitingReason(pod);
  if (waiting) return { state: "Pending", ...waiting, notable: true };
  const slow = nowMs - Date.parse(pod.metadata.creationTimestamp ?? "") > SLOW_START_MS;
  return {
    state: "Starting",
    reason: "Starting",
    message: "the pod runs, the game is not ready yet",
    notable: slow,
  };
}

function unscheduled(pod: Pod): Verdict {
  const condition = pod.status?.conditions?.find(
    (entry) => entry.type === "PodScheduled" && entry.status === "False",
  );
  if (!condition)
    return { state: "Pending", reason: "Scheduling", message: "waits for a node", notable: false };
  return {
    state: "Pending",
    reason: condition.reason ?? "Unschedulable",
    message: condition.message ?? "no node can take the pod",
    notable: true,
  };
}

function lostNode(observed: Observed, pod: Pod, node: Node | undefined): Verdict {
  const state = wasReady(observed, pod) ? "NotReady" : "Pending";
  const message = `node ${node?.metadata.name ?? pod.spec?.nodeName} does not answer`;
  return { state, reason: "NodeUnreachable", message, notable: true };
}

/** When to look again although nothing was reported: the start deadline, and a start that became slow. */
function nextLook(observed: Observed, pod: Pod): { requeueAfterMs?: number } {
  if (podIsReady(pod) || wasReady(observed, pod) || !scheduled(pod)) return {};
  const age = observed.nowMs - Date.parse(pod.metadata.creationTimestamp ?? "");
  const deadline = observed.server.spec.health.startSeconds * 1_000;
  const due = age <= SLOW_START_MS ? Math.min(SLOW_START_MS, deadline) : deadline;
  return { requeueAfterMs: Math.max(due - age, 0) + 100 };
}
