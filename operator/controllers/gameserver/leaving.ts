/**
 * A server on its way out (deleted by a person, or by its fleet): drain, end the pod, let go.
 *
 * It is never ended blindly: the directory says Draining first, the pod confirms that it lets nobody in, and only
 * then does "no sessions" mean empty. Every wait has an end: the drain deadline, then the pod's grace, then force.
 */
import { nodeIsReachable, type Pod } from "./core.ts";
import type { Observed, Plan } from "./observed.ts";

/** How long a pod may take to confirm that it drains before an empty one is ended without. */
const CONFIRM_MS = 3_000;
/** How much longer than its own grace a pod may take to end before it is removed by force. */
const OVERTIME_MS = 30_000;
const LOOK_AGAIN_MS = 500;

export function planLeaving(observed: Observed): Plan {
  const { server, pod, nowMs } = observed;
  const since = Date.parse(server.metadata.deletionTimestamp ?? "");
  const drainBy = since + server.spec.drain.deadlineSeconds * 1_000;
  const base = { crashes: server.status?.crashes ?? [], drainBy };
  const draining = (reason: string, message: string) =>
    ({ state: "Draining", reason, message, notable: true }) as const;
  if (!pod) {
    const life = server.status?.podUID;
    return {
      ...base,
      verdict: draining("PodGone", "the pod is gone"),
      ...(life ? { releaseLife: life } : {}),
      removeFinalizer: true,
    };
  }
  const uid = pod.metadata.uid ?? "";
  if (pod.metadata.deletionTimestamp) {
    const verdict = draining("PodEnding", "the pod is ending");
    return { ...base, verdict, ...endOverdue(observed, pod) };
  }
  const sessions = observed.load?.sessions ?? server.status?.sessions ?? 0;
  const reason = whyEndNow(observed, pod, since, drainBy, sessions);
  if (reason) {
    return {
      ...base,
      verdict: draining("PodEnding", `the pod is ended: ${reason}`),
      deletePod: { uid, force: false, reason },
      requeueAfterMs: OVERTIME_MS,
    };
  }
  return {
    ...base,
    verdict: draining(
      "PlayersLeaving",
      `${sessions} sessions; ends at the latest at ${new Date(drainBy).toISOString()}`,
    ),
    requeueAfterMs: Math.max(50, Math.min(LOOK_AGAIN_MS, drainBy - nowMs)),
  };
}

function whyEndNow(
  { server, load, nowMs }: Observed,
  pod: Pod,
  since: number,
  drainBy: number,
  sessions: number,
): string | undefined {
  const neverReady = server.status?.podUID !== pod.metadata.uid;
  if (neverReady && !load) return "it never took players";
  if (pod.status?.phase === "Failed" || pod.status?.phase === "Succeeded") return "it has ended";
  if (nowMs >= drainBy) return "the drain deadline has passed";
  const confirmed = load?.state === "Draining" || nowMs >= since + CONFIRM_MS;
  if (sessions === 0 && confirmed) return "it is empty";
  return undefined;
}

/** A pod that should have ended: wait within its grace, then force. The kubelet of a lost node never answers. */
export function endOverdue({ node, server, nowMs }: Observed, pod: Pod): Partial<Plan> {
  const asked = Date.parse(pod.metadata.deletionTimestamp ?? "");
  // deletionTimestamp already is "now + grace"; a node that is gone gets no overtime.
  const overtime = nodeIsReachable(node) ? OVERTIME_MS : 0;
  const forceAt = asked + overtime;
  if (nowMs < forceAt) return { requeueAfterMs: forceAt - nowMs };
  return {
    deletePod: { uid: pod.metadata.uid ?? "", force: true, reason: "it did not end within its grace" },
    requeueAfterMs: server.spec.terminationGraceSeconds * 1_000,
  };
}
