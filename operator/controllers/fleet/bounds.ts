/** Numbers that a fleet's spec gives relative to its replicas. */
import type { Fleet } from "../../api/kinds.ts";

/** Replicas, kept within the autoscaling bounds. */
export function desiredReplicas(fleet: Fleet): number {
  const { replicas, autoscaling } = fleet.spec;
  if (!autoscaling) return replicas;
  return Math.min(Math.max(replicas, autoscaling.minReplicas), autoscaling.maxReplicas);
}

export interface Rollout {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/**
 * The roll-out's room in servers. Percentages of a small fleet can both round to 0, with which nothing could ever
 * go on: then one may be unavailable, as Deployments have it.
 */
export function rolloutOf(fleet: Fleet, desired: number): Rollout {
  const { strategy } = fleet.spec;
  const maxSurge = resolve(strategy.maxSurge, desired, "up");
  const maxUnavailable = resolve(strategy.maxUnavailable, desired, "down");
  return { maxSurge, maxUnavailable: maxSurge + maxUnavailable === 0 ? 1 : maxUnavailable };
}

/** `3` or `25%` of `total`; a surge rounds up, an unavailability rounds down, as Deployments do. */
export function resolve(value: number | string, total: number, round: "up" | "down"): number {
  if (typeof value === "number") return value;
  if (!value.endsWith("%")) return Number.parseInt(value, 10);
  const exact = (Number.parseInt(value, 10) * total) / 100;
  return round === "up" ? Math.ceil(exact) : Math.floor(exact);
}
