/**
 * The status of a game server, and whether it is worth a write.
 *
 * Writes are what an operator costs, so a server that comes up normally gets one: when it is Ready. On the way there
 * only what needs attention is written. Load changes a status at most every `LOAD_EVERY_MS`.
 */

import { sameJson } from "../../../platform/json.ts";
import type { GameServerStatus } from "../../api/gameserver.ts";
import { labels } from "../../api/kinds.ts";
import type { Condition } from "../../api/objects.ts";
import { playerAddress } from "./address.ts";
import type { Observed, Plan } from "./observed.ts";

export const LOAD_EVERY_MS = 5_000;
/** CPU changes smaller than this are not news. */
const CPU_STEP = 5;

export function statusOf(observed: Observed, plan: Plan): GameServerStatus {
  const { server, pod, node } = observed;
  const old: GameServerStatus = server.status ?? {};
  const { state } = plan.verdict;
  const served = state === "Ready" || state === "NotReady" || state === "Draining";
  const address = pod ? playerAddress(node, pod) : undefined;
  const ports = pod ? hostPortsOf(observed) : [];
  // The uid stays once the pod is gone: it is the life whose lease must be known to have ended.
  const podUID = served && pod ? pod.metadata.uid : old.podUID;
  const revision = server.metadata.labels?.[labels.revision];
  return {
    observedGeneration: server.metadata.generation ?? 0,
    state,
    ...(served && address ? { address } : {}),
    ...(served && ports.length > 0 ? { ports } : {}),
    ...(pod?.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    ...(podUID ? { podUID } : {}),
    ...(revision ? { revision } : {}),
    ...(plan.crashes.length > 0 ? { crashes: [...plan.crashes] } : {}),
    ...(served ? loadOf(observed, old) : {}),
    ...(plan.drainBy > 0 ? { drainDeadline: rfc3339(plan.drainBy) } : {}),
    conditions: [readyCondition(observed, plan)],
  };
}

const rfc3339 = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

function loadOf({ load }: Observed, old: GameServerStatus) {
  if (load)
    return { sessions: load.sessions, zones: load.zones.length, cpuPercent: Math.round(load.cpuPercent) };
  return { sessions: old.sessions ?? 0, zones: old.zones ?? 0, cpuPercent: old.cpuPercent ?? 0 };
}

function hostPortsOf({ server, pod }: Observed): { name: string; port: number }[] {
  const given = new Map<string, number>();
  for (const container of pod?.spec?.containers ?? []) {
    for (const port of container.ports ?? [])
      if (port.name && port.hostPort) given.set(port.name, port.hostPort);
  }
  // A port that is not on the node is reached at the pod itself: by way of a cluster network or a proxy.
  return server.spec.ports.map((port) => ({
    name: port.name,
    port: given.get(port.name) ?? port.containerPort,
  }));
}

function readyCondition({ server, nowMs }: Observed, { verdict }: Plan): Condition {
  const status = verdict.state === "Ready" ? "True" : "False";
  const old = server.status?.conditions?.find((condition) => condition.type === "Ready");
  return {
    type: "Ready",
    status,
    observedGeneration: server.metadata.generation ?? 0,
    lastTransitionTime: old?.status === status ? old.lastTransitionTime : rfc3339(nowMs),
    reason: verdict.reason,
    message: verdict.message,
  };
}

/** Fields that are load and not news by themselves. */
function withoutLoad(status: GameServerStatus): Partial<GameServerStatus> {
  const { sessions: _s, zones: _z, cpuPercent: _c, conditions, ...rest } = status;
  // The message of a draining server counts players: not news either.
  const plain = conditions?.map(({ message: _m, ...condition }) => condition);
  return { ...rest, ...(plain ? { conditions: plain as NonNullable<typeof conditions> } : {}) };
}

export type StatusDecision = "write" | "later" | "keep";

/** Write now, look again when the load may be written, or leave it. `lastWriteMs` is 0 when nothing was written yet. */
export function decideStatus(
  observed: Observed,
  plan: Plan,
  next: GameServerStatus,
  lastWriteMs: number,
): StatusDecision {
  const old: GameServerStatus = observed.server.status ?? {};
  const first = old.observedGeneration === undefined;
  if (first && !plan.verdict.notable) return "keep";
  if (!sameJson(withoutLoad(old), withoutLoad(next))) return "write";
  const moved =
    old.sessions !== next.sessions ||
    old.zones !== next.zones ||
    Math.abs((old.cpuPercent ?? 0) - (next.cpuPercent ?? 0)) >= CPU_STEP;
  if (!moved) return "keep";
  return observed.nowMs - lastWriteMs >= LOAD_EVERY_MS ? "write" : "later";
}
