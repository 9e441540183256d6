/** The status of a fleet: counts, load, and conditions as `kubectl rollout` users know them. */
import type { FleetStatus } from "../../api/fleet.ts";
import { type Fleet, labels } from "../../api/kinds.ts";
import type { Condition } from "../../api/objects.ts";
import { rolloutOf } from "./bounds.ts";
import type { FleetPlan, Member, ObservedFleet } from "./observed.ts";

/** An error that keeps the fleet from making servers, as it was last seen. */
export interface Trouble {
  readonly reason: string;
  readonly message: string;
}

export function fleetStatus(
  observed: ObservedFleet,
  plan: FleetPlan,
  trouble: Trouble | undefined,
  nowMs: number,
): FleetStatus {
  const { fleet, members, leaving, updateRevision } = observed;
  const ready = members.filter((member) => member.ready);
  const sum = (list: readonly Member[], of: (member: Member) => number) =>
    list.reduce((total, member) => total + of(member), 0);
  const everyone = [...members, ...leaving];
  const updated = members.filter((member) => member.revision === updateRevision);
  const complete = updated.length === members.length && members.length === plan.desired && plan.create === 0;
  const old: FleetStatus = fleet.status ?? {};
  return {
    observedGeneration: fleet.metadata.generation ?? 0,
    replicas: members.length,
    readyReplicas: ready.length,
    updatedReplicas: updated.length,
    drainingReplicas: leaving.length,
    unhealthyReplicas: members.filter((member) => member.finished).length,
    sessions: sum(everyone, (member) => member.sessions ?? 0),
    sessionCapacity: sum(ready, (member) => member.server.spec.capacity.sessions),
    zones: sum(everyone, (member) => member.server.status?.zones ?? 0),
    cpuPercent:
      ready.length === 0 ? 0 : Math.round(sum(ready, (m) => m.server.status?.cpuPercent ?? 0) / ready.length),
    selector: `${labels.fleet}=${fleet.metadata.name}`,
    currentRevision: complete ? updateRevision : (old.currentRevision ?? updateRevision),
    updateRevision,
    conditions: [
      available(observed, plan, ready.length),
      progressing(observed, plan, complete, ready.length),
      degraded(members, trouble),
      scalingLimited(fleet, plan),
    ].map((draft) => stamp(draft, fleet, nowMs)),
  };
}

type Draft = Omit<Condition, "lastTransitionTime" | "observedGeneration">;

function stamp(draft: Draft, fleet: Fleet, nowMs: number): Condition {
  const old = fleet.status?.conditions?.find((condition) => condition.type === draft.type);
  const now = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  return {
    ...draft,
    lastTransitionTime: old?.status === draft.status ? old.lastTransitionTime : now,
    observedGeneration: fleet.metadata.generation ?? 0,
  };
}

function available({ fleet }: ObservedFleet, plan: FleetPlan, ready: number): Draft {
  const needed = Math.max(0, plan.desired - rolloutOf(fleet, plan.desired).maxUnavailable);
  const enough = ready >= needed;
  return {
    type: "Available",
    status: enough ? "True" : "False",
    reason: enough ? "MinimumReplicasReady" : "MinimumReplicasNotReady",
    message: `${ready} of ${plan.desired} servers are ready, ${needed} are needed`,
  };
}

function progressing(
  { fleet, updateRevision }: ObservedFleet,
  plan: FleetPlan,
  complete: boolean,
  ready: number,
): Draft {
  const type = "Progressing";
  if (fleet.spec.paused && !complete) {
    return { type, status: "Unknown", reason: "Paused", message: "the roll-out is paused (spec.paused)" };
  }
  if (plan.rolling) {
    return {
      type,
      status: "True",
      reason: "RollingOut",
      message: `servers are replaced by revision ${updateRevision}`,
    };
  }
  if (complete && ready === plan.desired) {
    return {
      type,
      status: "False",
      reason: "Complete",
      message: `all servers run revision ${updateRevision}`,
    };
  }
  return { type, status: "True", reason: "Scaling", message: `servers come and go toward ${plan.desired}` };
}

function degraded(members: readonly Member[], trouble: Trouble | undefined): Draft {
  const type = "Degraded";
  if (trouble) return { type, status: "True", ...trouble };
  const sick = members.filter((member) => member.finished);
  if (sick.length > 0) {
    const names = sick.slice(0, 5).map((member) => member.server.metadata.name);
    return { type, status: "True", reason: "ServersGivenUp", message: `given up: ${names.join(", ")}` };
  }
  return { type, status: "False", reason: "AllWell", message: "no server was given up" };
}

function scalingLimited(fleet: Fleet, plan: FleetPlan): Draft {
  const type = "ScalingLimited";
  if (plan.desired === fleet.spec.replicas) {
    return {
      type,
      status: "False",
      reason: "WithinBounds",
      message: "replicas are within the autoscaling bounds",
    };
  }
  const { minReplicas, maxReplicas } = fleet.spec.autoscaling ?? {};
  const message = `replicas ${fleet.spec.replicas} is kept within ${minReplicas} to ${maxReplicas}: ${plan.desired}`;
  return {
    type,
    status: "True",
    reason: plan.desired > fleet.spec.replicas ? "AtMinimum" : "AtMaximum",
    message,
  };
}
