/**
 * Events of stores: kept, then answered; processed afterwards.
 *
 * What was kept is answered with 200 and never asked for again, so it is in PostgreSQL before the answer. A repeat
 * finds the store's event id and changes nothing. What is done with an event may be done twice (a pod dies before it
 * says so): it settles transactions by derived ids, for which that is no harm. Unknown kinds are kept.
 */
import { backoff } from "../../../platform/background.ts";
import { messageOf } from "../../../platform/errors.ts";
import { type Pool, query } from "../../../platform/postgres.ts";
import type { StoreEvent } from "./port.ts";

const BATCH = 32;
const BACKOFF = { baseMs: 1_000, maxMs: 15 * 60_000 };
/** While a batch is processed its rows are left alone by others. */
const CLAIM = "2 minutes";

/** What is done with an event; answers the outcome in a word. Must be safe to repeat; throws when it is to be repeated. */
export type Handler = (event: StoreEvent) => Promise<string>;

/** Keeps an event whose signature was verified. False for one that is known. */
export async function keepEvent(pool: Pool, { store, event, kind, body }: StoreEvent): Promise<boolean> {
  const rows = await query(
    pool,
    `INSERT INTO ledger.store_event (store, event, kind, body) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING RETURNING event`,
    [store, event, kind, body],
  );
  return rows.length === 1;
}

export interface Processed {
  readonly done: number;
  /** To be tried again. */
  readonly failed: number;
}

/** Processes what waits of these stores, oldest first, one after the other: events of one purchase come in order. */
export async function processDue(pool: Pool, stores: readonly string[], handle: Handler): Promise<Processed> {
  const due = await query<StoreEvent & { attempts: number }>(
    pool,
    `WITH due AS (
       SELECT store, event FROM ledger.store_event
       WHERE processed_at IS NULL AND retry_at <= now() AND store = ANY ($1::text[])
       ORDER BY received_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
     ), claimed AS (
       UPDATE ledger.store_event e SET retry_at = now() + interval '${CLAIM}', attempts = attempts + 1
       FROM due WHERE e.store = due.store AND e.event = due.event
       RETURNING e.store, e.event, e.kind, e.body, e.attempts, e.received_at
     ) SELECT store, event, kind, body, attempts FROM claimed ORDER BY received_at`,
    [stores],
  );
  let done = 0;
  for (const event of due) if (await processOne(pool, event, handle)) done += 1;
  return { done, failed: due.length - done };
}

/** Events that wait, and how many of them have failed before. */
export async function waitingEvents(
  pool: Pool,
): Promise<{ readonly waiting: number; readonly failing: number }> {
  const rows = await query<{ waiting: number; failing: number }>(
    pool,
    `SELECT count(*)::int AS waiting, count(*) FILTER (WHERE error IS NOT NULL)::int AS failing
     FROM ledger.store_event WHERE processed_at IS NULL`,
  );
  return rows[0] as (typeof rows)[number];
}

async function processOne(
  pool: Pool,
  { attempts, ...event }: StoreEvent & { readonly attempts: number },
  handle: Handler,
): Promise<boolean> {
  const key = [event.store, event.event];
  let outcome: string;
  try {
    outcome = await handle(event);
  } catch (error) {
    const wait = backoff(attempts - 1, BACKOFF) / 1_000;
    await query(
      pool,
      `UPDATE ledger.store_event SET retry_at = now() + make_interval(secs => $3), error = $4
       WHERE store = $1 AND event = $2`,
      [...key, wait, messageOf(error).slice(0, 500)],
    );
    return false;
  }
  const sql = `UPDATE ledger.store_event SET processed_at = now(), outcome = $3, error = NULL
    WHERE store = $1 AND event = $2`;
  await query(pool, sql, [...key, outcome]);
  return true;
}
