/**
 * What to do about a fleet: how many servers to make and which to let go, without I/O.
 *
 * Promises (property-tested): never more than desired + maxSurge members; never a ready server let go while fewer
 * than desired - maxUnavailable would stay ready, unless fewer are desired; `partition` servers stay on the old
 * revision; from any state, repeated plans end with exactly the desired members and then do nothing.
 */
import { desiredReplicas, rolloutOf } from "./bounds.ts";
import type { FleetPlan, Member, ObservedFleet } from "./observed.ts";
import { byExpendability } from "./victims.ts";

/** Most servers made by one plan: a big scale-up goes in bites, so that the API server stays answerable. */
const MAX_CREATES = 50;

export function planFleet(observed: ObservedFleet): FleetPlan {
  const { fleet, updateRevision } = observed;
  const desired = desiredReplicas(fleet);
  const { strategy, paused } = fleet.spec;
  const finished = observed.members.filter((member) => member.finished);
  const alive = observed.members.filter((member) => !member.finished);
  const outdated = alive.filter((member) => member.revision !== updateRevision);
  const keepOld = Math.min(strategy.partition, desired);
  const rolling = !paused && strategy.type === "RollingUpdate" && outdated.length > keepOld && desired > 0;
  const rollout = rolloutOf(fleet, desired);
  const limits = {
    total: desired + (rolling ? rollout.maxSurge : 0),
    minReady: Math.max(0, desired - rollout.maxUnavailable),
    keepOld,
  };
  const remove = finished.map((member) => ({ member, reason: "it was given up or has ended" }));
  const order = byExpendability(updateRevision);
  const surplus = pickSurplus(alive, limits.total, order);
  const staying = alive.filter((member) => !surplus.includes(member));
  const replaced = rolling ? pickOutdated(staying, observed, limits, order) : [];
  remove.push(...surplus.map((member) => ({ member, reason: "fewer servers are wanted" })));
  remove.push(...replaced.map((member) => ({ member, reason: `revision ${updateRevision} replaces it` })));
  const left = alive.length - surplus.length - replaced.length;
  return {
    create: creates(limits.total, left, staying, replaced, observed, desired),
    remove,
    desired,
    rolling,
  };
}

/** Members above the limit, most expendable first. */
function pickSurplus(
  alive: readonly Member[],
  total: number,
  order: (a: Member, b: Member) => number,
): Member[] {
  return [...alive].sort(order).slice(0, Math.max(0, alive.length - total));
}

interface Limits {
  readonly total: number;
  readonly minReady: number;
  readonly keepOld: number;
}

/** Outdated members that may go now: the unready at once, the ready as far as enough others are ready. */
function pickOutdated(
  staying: readonly Member[],
  { updateRevision }: ObservedFleet,
  { minReady, keepOld }: Limits,
  order: (a: Member, b: Member) => number,
): Member[] {
  const outdated = staying.filter((member) => member.revision !== updateRevision).sort(order);
  let mayGo = Math.max(0, outdated.length - keepOld);
  let spareReady = staying.filter((member) => member.ready).length - minReady;
  const picked: Member[] = [];
  for (const member of outdated) {
    if (mayGo === 0) break;
    if (member.ready && spareReady <= 0) continue;
    if (member.ready) spareReady -= 1;
    picked.push(member);
    mayGo -= 1;
  }
  return picked;
}

function creates(
  total: number,
  left: number,
  staying: readonly Member[],
  replaced: readonly Member[],
  { updateRevision, fleet }: ObservedFleet,
  desired: number,
): number {
  const room = total - left;
  if (fleet.spec.strategy.type === "OnDelete" || fleet.spec.paused) return clamp(desired - left);
  const updated = staying.filter((member) => member.revision === updateRevision).length;
  const outdatedLeft = staying.length - updated - replaced.length;
  const keepOld = Math.min(fleet.spec.strategy.partition, desired);
  // New ones for all that do not stay old by the partition; the surge only lets them come before the old go.
  const wanted = desired - Math.min(keepOld, outdatedLeft);
  return clamp(Math.min(room, wanted - updated));
}

const clamp = (count: number): number => Math.min(MAX_CREATES, Math.max(0, count));
