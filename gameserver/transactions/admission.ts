/**
 * Whether to accept one more: a promise of two seconds needs a limit to what waits.
 *
 * Purchases are refused first: a player told "not now" can press again. What must not get lost on the way (rewards,
 * refunds, corrections) is let in for longer. Refused is said at once, before anything was written.
 */
import type { RefusalReason } from "./answer.ts";
import type { Kind } from "./entry.ts";

/** Seconds of work that may wait for purchases: docs/decisions/0006. */
export const MAX_WAIT_SECONDS = 0.6;
/** A backlog of which nothing has come back for so long is stuck, ms. */
const STUCK_MS = 1_000;
/** Share of the journal's memory from which on nothing more is accepted. */
const MAX_JOURNAL_SHARE = 0.7;
/** Entries waiting in this pod, whatever the rate: bounds its own memory while PostgreSQL is away. */
export const MAX_BACKLOG = 65_536;
/** How much more of each limit is open to what is not a purchase. */
const FAVOUR = 2;
/** Longest wait that who is refused is told, ms: what is measured now says little about later. */
const MAX_RETRY_MS = 5_000;

export interface Load {
  /** Entries accepted and not settled. */
  readonly backlog: number;
  /** Until what waits before this one is settled, s, at the rate that was measured lately. */
  readonly waitSeconds: number;
  /** Unix ms at which a batch came back last. */
  readonly settledAt: number;
  /** Unix ms at which the oldest of them was accepted; undefined when there is none. */
  readonly oldestAt: number | undefined;
  /** PostgreSQL is known to be away: entries wait in the journal, and callers are told so. */
  readonly settleAway: boolean;
  /** Redis is known to be away: nothing is journaled. */
  readonly journalAway: boolean;
  /** Memory that Redis uses of what it may use, 0 … 1; undefined when it has no limit. */
  readonly journalShare: number | undefined;
}

export interface Refusal {
  readonly reason: RefusalReason;
  readonly retryAfterMs: number;
}

/** Undefined to let it in. */
export function refusalOf(kind: Kind, load: Load, nowMs: number): Refusal | undefined {
  if (load.settleAway && load.journalAway) return { reason: "stores-away", retryAfterMs: 1_000 };
  const room = kind === "purchase" || kind === "trade" ? 1 : FAVOUR;
  if ((load.journalShare ?? 0) > MAX_JOURNAL_SHARE + (room - 1) * 0.1)
    return { reason: "journal-full", retryAfterMs: MAX_RETRY_MS };
  if (load.backlog >= (MAX_BACKLOG * room) / FAVOUR) return { reason: "overloaded", retryAfterMs: 1_000 };
  // Waiting for PostgreSQL is no overload: the journal holds it, and the caller is told "pending".
  if (load.settleAway) return undefined;
  if (load.waitSeconds > MAX_WAIT_SECONDS * room)
    return {
      reason: "overloaded",
      retryAfterMs: Math.min(MAX_RETRY_MS, Math.ceil(load.waitSeconds * 1_000)),
    };
  if (load.oldestAt !== undefined && nowMs - Math.max(load.oldestAt, load.settledAt) > STUCK_MS * room)
    return { reason: "overloaded", retryAfterMs: STUCK_MS };
  return undefined;
}
