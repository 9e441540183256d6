/**
 * Whether to accept one more: a promise of two seconds needs a limit to what waits.
 *
 * Purchases are refused first: a player told "not now" can press again. What must not get lost on the way (rewards,
 * refunds, corrections) is let in for longer. Refused is said at once, before anything was written.
 */
import type { RefusalReason } from "./answer.ts";
import type { Kind } from "./entry.ts";

/** Seconds of work that may wait for purchases: with the settle and the answer it stays within the 2 s. */
export const MAX_WAIT_SECONDS = 0.8;
/** A backlog of which nothing has come back for so long is stuck, ms. */
const STUCK_MS = 1_000;
/** Share of the journal's memory from which on nothing more is accepted. */
const MAX_JOURNAL_SHARE = 0.7;
/** Entries waiting in this pod, whatever the rate: bounds its own memory while PostgreSQL is away. */
export const MAX_BACKLOG = 65_536;
/** How much more of each limit is open to what is not a purchase. */
const FAVOUR = 2;
/** The rate before anything was measured: low, so that a cold start does not promise too much. */
const FIRST_RATE = 2_000;
/** Entries that this guess weighs as much as. */
const FIRST_ENTRIES = 256;
/** Longest wait that who is refused is told, ms: what is measured now says little about later. */
const MAX_RETRY_MS = 5_000;
/** Weight of the newest measurement. */
const NEWEST = 0.2;

export interface Load {
  /** Entries accepted and not settled. */
  readonly backlog: number;
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

export class Admission {
  /** Entries settled lately, and the seconds they took: sums in which the old fades. */
  #entries = FIRST_ENTRIES;
  #seconds = FIRST_ENTRIES / FIRST_RATE;
  #settledAt = 0;

  /**
   * Entries a second that settling has lately managed while it was busy: all that was settled by all the time it took.
   * A mean of each batch's own rate would count quick batches as much as long ones, and promise too much.
   */
  get rate(): number {
    return this.#entries / this.#seconds;
  }

  /** A batch of `count` came back `ms` after the one before it, of `lanes` that settle at the same time. */
  settled(count: number, ms: number, lanes: number, nowMs: number): void {
    this.#settledAt = nowMs;
    const seconds = Math.max(ms, 0.1) / 1_000 / lanes;
    // Small batches speak of latency, not of what could be managed, unless they show more than was thought: after a
    // bad time so little is let in that there are no others.
    if (count < 16 && count / seconds < this.rate) return;
    this.#entries += count - this.#entries * NEWEST;
    this.#seconds += seconds - this.#seconds * NEWEST;
  }

  /** Undefined to let it in. */
  check(kind: Kind, load: Load, nowMs: number): Refusal | undefined {
    if (load.settleAway && load.journalAway) return { reason: "stores-away", retryAfterMs: 1_000 };
    const room = kind === "purchase" || kind === "trade" ? 1 : FAVOUR;
    if ((load.journalShare ?? 0) > MAX_JOURNAL_SHARE + (room - 1) * 0.1)
      return { reason: "journal-full", retryAfterMs: MAX_RETRY_MS };
    if (load.backlog >= (MAX_BACKLOG * room) / FAVOUR) return { reason: "overloaded", retryAfterMs: 1_000 };
    // Waiting for PostgreSQL is no overload: the journal holds it, and the caller is told "pending".
    if (load.settleAway) return undefined;
    const wait = load.backlog / this.rate;
    if (wait > MAX_WAIT_SECONDS * room)
      return { reason: "overloaded", retryAfterMs: Math.min(MAX_RETRY_MS, Math.ceil(wait * 1_000)) };
    if (load.oldestAt !== undefined && nowMs - Math.max(load.oldestAt, this.#settledAt) > STUCK_MS * room)
      return { reason: "overloaded", retryAfterMs: STUCK_MS };
    return undefined;
  }
}
