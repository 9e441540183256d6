/** What the fleet planner sees, and what it may decide. Plain data: the planner does no I/O. */
import type { Fleet, GameServer } from "../../api/kinds.ts";

/** One server of the fleet, as far as the planner cares. */
export interface Member {
  readonly server: GameServer;
  readonly revision: string;
  readonly ready: boolean;
  /** Given up, or ended by itself: to be replaced. */
  readonly finished: boolean;
  /** Players on it, by the freshest source there is. Undefined when nobody knows: then it counts as full. */
  readonly sessions: number | undefined;
}

export interface ObservedFleet {
  readonly fleet: Fleet;
  /** Servers that are not on their way out. */
  readonly members: readonly Member[];
  /** Servers on their way out: they still hold players and ports, but no place in any count. */
  readonly leaving: readonly Member[];
  /** Revision of the template as it is now. */
  readonly updateRevision: string;
}

export interface FleetPlan {
  /** Servers to make, all of the update revision. */
  readonly create: number;
  /** Servers to let go, each with why. They drain before they end. */
  readonly remove: readonly { readonly member: Member; readonly reason: string }[];
  /** Replicas after the autoscaling bounds. */
  readonly desired: number;
  readonly rolling: boolean;
}
