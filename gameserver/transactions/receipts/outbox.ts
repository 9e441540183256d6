/**
 * What we owe for a purchase that a store has confirmed: to grant it, and to tell the store, whoever dies meanwhile.
 *
 * `owe` is called before money is taken or the transaction submitted. A pod looks for rows that are due: those whose
 * transaction is settled are acknowledged (never before: the books come first), those that were left without one are
 * granted. One batch after the other, rows of others skipped. A store that hears nothing for three days takes the
 * purchase back, so it is tried for as long, and whoever watches is told from the first hour on.
 */
import { backoff } from "../../../platform/background.ts";
import { messageOf } from "../../../platform/errors.ts";
import { type Pool, query } from "../../../platform/postgres.ts";
import type { Owed } from "./port.ts";

/** Rows a round; each is a call or two to a store. */
export const BATCH = 32;
const BACKOFF = { baseMs: 1_000, maxMs: 15 * 60_000 };
const LONGEST = "3 days";
const ALARM_AFTER = "1 hour";
/** While a batch is sent its rows are left alone by others; longer than any call may take. */
const CLAIM = "2 minutes";
/** A row without a transaction is left to whoever wrote it for so long. */
const LEFT_ALONE = "1 minute";
const CALL_MS = 30_000;

export interface Obligation extends Owed {
  readonly transaction: string;
  readonly store: string;
  readonly player: string;
}

/**
 * Notes that the purchase is to be granted to `player` and acknowledged. Safe to repeat. False when it is another
 * player's. What the store refused, or what was given up, may be owed anew.
 */
export async function owe(pool: Pool, owed: Obligation): Promise<boolean> {
  const { transaction, store, token, player, product, proof } = owed;
  await query(
    pool,
    `INSERT INTO ledger.store_outbox AS o (transaction, store, token, player, product, proof)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (transaction) DO UPDATE SET player = excluded.player, product = excluded.product,
       proof = excluded.proof, since = now(), retry_at = now(), attempts = 0, error = NULL, done_at = NULL,
       outcome = NULL
     WHERE o.outcome IN ('refused', 'expired')`,
    [transaction, store, token, player, product, proof],
  );
  const [row] = await query<{ player: string }>(
    pool,
    "SELECT player FROM ledger.store_outbox WHERE transaction = $1",
    [transaction],
  );
  return row?.player === player;
}

/** The store does not vouch for it any more: nothing is owed. */
export async function owesNothing(pool: Pool, transaction: string, why: string): Promise<void> {
  await query(
    pool,
    `UPDATE ledger.store_outbox SET done_at = now(), outcome = 'refused', error = $2
     WHERE transaction = $1 AND done_at IS NULL`,
    [transaction, why.slice(0, 500)],
  );
}

/** True while the purchase is to be granted and is not: what comes after it must wait. */
export async function isOwed(pool: Pool, transaction: string): Promise<boolean> {
  const rows = await query(
    pool,
    `SELECT FROM ledger.store_outbox o WHERE transaction = $1 AND done_at IS NULL
       AND NOT EXISTS (SELECT FROM ledger.transaction t WHERE t.id = o.transaction)`,
    [transaction],
  );
  return rows.length === 1;
}

/** Looks at it at once, given up or not: the store says that money has come. True when anything is to be granted. */
export async function hurry(pool: Pool, transaction: string): Promise<boolean> {
  const rows = await query(
    pool,
    `UPDATE ledger.store_outbox o SET retry_at = now(), done_at = NULL, outcome = NULL,
       since = CASE WHEN done_at IS NULL THEN least(since, now() - interval '${LEFT_ALONE}')
         ELSE now() - interval '${LEFT_ALONE}' END
     WHERE transaction = $1 AND (done_at IS NULL OR (outcome IN ('refused', 'expired')
       AND NOT EXISTS (SELECT FROM ledger.transaction t WHERE t.id = o.transaction)))
     RETURNING transaction`,
    [transaction],
  );
  return rows.length === 1;
}

/** How the rows of a round are dealt with. Both must be safe to repeat, and throw when it is to be tried again. */
export interface Duties {
  /** Names of the stores that can be asked. */
  readonly stores: readonly string[];
  acknowledge(owed: Obligation, signal: AbortSignal): Promise<void>;
  /** False when the store does not vouch for it any more. */
  grant(owed: Obligation, signal: AbortSignal): Promise<boolean>;
}

export interface Sent {
  readonly acknowledged: number;
  readonly granted: number;
  /** Failed and to be tried again. */
  readonly failed: number;
  /** Given up: declined by the books, or too old. Each needs a person. */
  readonly hopeless: readonly Hopeless[];
}

export interface Hopeless {
  readonly transaction: string;
  readonly store: string;
  readonly token: string;
  readonly player: string;
  readonly outcome: "declined" | "expired";
}

interface Due extends Obligation {
  readonly attempts: number;
  readonly settled: boolean;
}

/** Deals with what is due; answers how it went. Rejects when PostgreSQL is away: rows are sent again, which does no harm. */
export async function sendDue(pool: Pool, duties: Duties, signal: AbortSignal): Promise<Sent> {
  const hopeless = await closeHopeless(pool);
  const due = await claim(pool, duties.stores);
  const sent = await Promise.all(due.map((row) => deal(pool, row, duties, signal)));
  const count = (what: (typeof sent)[number]) => sent.filter((one) => one === what).length;
  return {
    acknowledged: count("acknowledged"),
    granted: count("granted"),
    failed: count("failed"),
    hopeless,
  };
}

/** Rows that a store or a player has waited for too long for comfort, and the age of the oldest, seconds. */
export async function overdue(
  pool: Pool,
): Promise<{ readonly waiting: number; readonly rows: number; readonly oldestSeconds: number }> {
  const found = await query<{ waiting: number; rows: number; oldestSeconds: number }>(
    pool,
    `SELECT count(*)::int AS waiting, count(*) FILTER (WHERE since < now() - interval '${ALARM_AFTER}')::int AS rows,
       coalesce(extract(epoch FROM now() - min(since)), 0)::float8 AS "oldestSeconds"
     FROM ledger.store_outbox WHERE done_at IS NULL`,
  );
  return found[0] as (typeof found)[number];
}

/** What was declined is not acknowledged; what is older than the stores' patience was taken back by them. */
const closeHopeless = (pool: Pool): Promise<Hopeless[]> =>
  query<Hopeless>(
    pool,
    `UPDATE ledger.store_outbox o SET done_at = now(), outcome = CASE WHEN EXISTS (
         SELECT FROM ledger.transaction t WHERE t.id = o.transaction AND t.outcome = 'declined')
       THEN 'declined' ELSE 'expired' END
     WHERE done_at IS NULL AND retry_at <= now() AND (since < now() - interval '${LONGEST}' OR EXISTS (
       SELECT FROM ledger.transaction t WHERE t.id = o.transaction AND t.outcome = 'declined'))
     RETURNING transaction, store, token, player, outcome`,
  );

const claim = (pool: Pool, stores: readonly string[]): Promise<Due[]> =>
  query<Due>(
    pool,
    `UPDATE ledger.store_outbox o SET retry_at = now() + interval '${CLAIM}', attempts = attempts + 1
     FROM (
       SELECT o.transaction, t.id IS NOT NULL AS settled FROM ledger.store_outbox o
       LEFT JOIN ledger.transaction t ON t.id = o.transaction
       WHERE o.done_at IS NULL AND o.retry_at <= now() AND o.store = ANY ($1::text[])
         AND (t.outcome = 'settled' OR (t.id IS NULL AND o.since < now() - interval '${LEFT_ALONE}'))
       ORDER BY o.retry_at LIMIT ${BATCH} FOR UPDATE OF o SKIP LOCKED
     ) AS due WHERE o.transaction = due.transaction
     RETURNING o.transaction, o.store, o.token, o.player, o.product, o.proof, o.attempts, due.settled`,
    [stores],
  );

async function deal(
  pool: Pool,
  row: Due,
  duties: Duties,
  ending: AbortSignal,
): Promise<"acknowledged" | "granted" | "refused" | "failed"> {
  const signal = AbortSignal.any([ending, AbortSignal.timeout(CALL_MS)]);
  try {
    if (!row.settled) {
      if (!(await duties.grant(row, signal))) return "refused";
      // The next look finds it settled, or grants it again to no effect.
      await query(pool, "UPDATE ledger.store_outbox SET retry_at = now() WHERE transaction = $1", [
        row.transaction,
      ]);
      return "granted";
    }
    await duties.acknowledge(row, signal);
  } catch (error) {
    await query(
      pool,
      "UPDATE ledger.store_outbox SET retry_at = now() + make_interval(secs => $2), error = $3 WHERE transaction = $1",
      [row.transaction, backoff(row.attempts - 1, BACKOFF) / 1_000, messageOf(error).slice(0, 500)],
    );
    return "failed";
  }
  await query(
    pool,
    "UPDATE ledger.store_outbox SET done_at = now(), outcome = 'acknowledged', error = NULL WHERE transaction = $1",
    [row.transaction],
  );
  return "acknowledged";
}
