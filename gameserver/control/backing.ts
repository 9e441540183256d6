/**
 * What stands behind a pod: the stores of a fleet, or nothing (local). The pod itself is the same over both.
 */
import type { LoadSample, RosterEntry } from "../../protocol/directory.ts";
import type { Grant, Session } from "../sessions/sessions.ts";
import type { Chore } from "./chores.ts";
import type { OpenZone } from "./zones.ts";

export interface Backing {
  /** True once the zones of this pod were read and opened. */
  readonly settled: boolean;
  /** True when another life of this server has taken its name. */
  readonly fenced: boolean;
  /** True when no store has answered for longer than a lease lasts. */
  readonly cutOff: boolean;
  /** Resolves when the first commands need not fail for want of a connection; never late, never rejects. */
  begin(): Promise<void>;
  /** Names of the stores that are away. */
  away(): readonly string[];
  /** Checks a ticket. Throws TICKET_* or STORE_UNAVAILABLE. */
  verify(ticket: string): Promise<Grant>;
  /** The open zone of this name. Throws ZONE_NOT_FOUND or STORE_UNAVAILABLE. */
  zone(id: string): Promise<OpenZone>;
  /** The game has ended this zone and its sessions are gone. */
  over(zone: OpenZone): void;
  joined(session: Session): void;
  /** `over`: it cannot be resumed anywhere. */
  ended(session: Session, over: boolean): void;
  /** The sample of this second; answers the operator's word on this server, if it has one. */
  publish(sample: LoadSample): Promise<RosterEntry | undefined>;
  /** What comes round again and may wait while the pod is busy. */
  readonly chores: readonly Chore[];
  /** Keeps the lease and follows zones until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Last words: gives up what it holds, then closes connections. Never throws. */
  close(sample: LoadSample): Promise<void>;
}

/** What a backing may do to the pod. */
export interface BackingHost {
  /** Ends a zone's sessions: it moved, or it is over. */
  evict(zone: OpenZone, why: "moved" | "ended"): Promise<void>;
  sessions(): readonly Session[];
  /** Zones were opened: the sample of this second comes too late for players who wait for them. */
  opened(): void;
}
