/**
 * Acknowledgements to stores: never before the books hold the purchase, and then until the store has taken it.
 *
 * `owe` is called before the transaction is submitted. A pod looks for rows whose transaction is settled by now and
 * sends them, one batch after the other, rows of others skipped. A store that hears nothing for three days takes the
 * purchase back, so it is tried for as long, and whoever watches is told from the first hour on.
 */
import { backoff } from "../../../platform/background.ts";
import { messageOf } from "../../../platform/errors.ts";
import { type Client, type Pool, query, withClient } from "../../../platform/postgres.ts";
import type { StorePort } from "./receipt.ts";

/** Rows a round; each is one call to a store. */
const BATCH = 32;
const BACKOFF = { baseMs: 1_000, maxMs: 15 * 60_000 };
const LONGEST = "3 days";
const ALARM_AFTER = "1 hour";
/** While a batch is sent its rows are left alone by others; longer than any call may take. */
const CLAIM = "2 minutes";
const CALL_MS = 10_000;

/** Notes that `store` is owed an acknowledgement once `transaction` is settled. Safe to repeat. */
export async function owe(pool: Pool, transaction: string, store: string, token: string): Promise<void> {
  const sql =
    "INSERT INTO ledger.store_outbox (transaction, store, token) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
  await query(pool, sql, [transaction, store, token]);
}

interface Due {
  readonly transaction: string;
  readonly store: string;
  readonly token: string;
  readonly attempts: number;
}

export interface Sent {
  readonly acknowledged: number;
  /** Failed and to be tried again. */
  readonly failed: number;
}

/** Sends what is due; answers how it went. Rejects when PostgreSQL is away: rows are sent again, which does no harm. */
export async function sendDue(
  pool: Pool,
  stores: ReadonlyMap<string, StorePort>,
  signal: AbortSignal,
): Promise<Sent> {
  await closeHopeless(pool);
  const due = await claim(pool, [...stores.keys()]);
  const sent = await Promise.all(
    due.map((row) => send(pool, row, stores.get(row.store) as StorePort, signal)),
  );
  const acknowledged = sent.filter(Boolean).length;
  return { acknowledged, failed: sent.length - acknowledged };
}

/** Rows that a store has waited for too long for comfort, and the age of the oldest, seconds. */
export async function overdue(
  pool: Pool,
): Promise<{ readonly rows: number; readonly oldestSeconds: number }> {
  const [row] = await query<{ rows: number; oldest: number }>(
    pool,
    `SELECT count(*) FILTER (WHERE since < now() - interval '${ALARM_AFTER}')::int AS rows,
       coalesce(extract(epoch FROM now() - min(since)), 0)::float8 AS oldest
     FROM ledger.store_outbox WHERE done_at IS NULL`,
  );
  return { rows: row?.rows ?? 0, oldestSeconds: row?.oldest ?? 0 };
}

/** What was declined is not acknowledged; what is older than the stores' patience was taken back by them. */
async function closeHopeless(pool: Pool): Promise<void> {
  await query(
    pool,
    `UPDATE ledger.store_outbox o SET done_at = now(), outcome = CASE WHEN EXISTS (
         SELECT FROM ledger.transaction t WHERE t.id = o.transaction AND t.outcome = 'declined')
       THEN 'declined' ELSE 'expired' END
     WHERE done_at IS NULL AND retry_at <= now() AND (since < now() - interval '${LONGEST}' OR EXISTS (
       SELECT FROM ledger.transaction t WHERE t.id = o.transaction AND t.outcome = 'declined'))`,
  );
}

const claim = (pool: Pool, stores: readonly string[]): Promise<Due[]> =>
  query<Due>(
    pool,
    `UPDATE ledger.store_outbox o SET retry_at = now() + interval '${CLAIM}', attempts = attempts + 1
     FROM (
       SELECT o.transaction FROM ledger.store_outbox o
       JOIN ledger.transaction t ON t.id = o.transaction AND t.outcome = 'settled'
       WHERE o.done_at IS NULL AND o.retry_at <= now() AND o.store = ANY ($1::text[])
       ORDER BY o.retry_at LIMIT ${BATCH} FOR UPDATE OF o SKIP LOCKED
     ) AS due WHERE o.transaction = due.transaction
     RETURNING o.transaction, o.store, o.token, o.attempts`,
    [stores],
  );

async function send(pool: Pool, row: Due, port: StorePort, signal: AbortSignal): Promise<boolean> {
  try {
    await port.acknowledge(row.token, AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]));
  } catch (error) {
    const wait = backoff(row.attempts - 1, BACKOFF);
    await withClient(pool, (client) => retryLater(client, row.transaction, wait, messageOf(error)));
    return false;
  }
  const sql =
    "UPDATE ledger.store_outbox SET done_at = now(), outcome = 'acknowledged', error = NULL WHERE transaction = $1";
  await query(pool, sql, [row.transaction]);
  return true;
}

const retryLater = (client: Client, transaction: string, ms: number, error: string) =>
  client.query(
    "UPDATE ledger.store_outbox SET retry_at = now() + make_interval(secs => $2), error = $3 WHERE transaction = $1",
    [transaction, ms / 1_000, error.slice(0, 500)],
  );
