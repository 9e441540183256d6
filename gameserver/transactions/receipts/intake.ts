/**
 * Webhooks of stores: verify, keep, answer; process afterwards.
 *
 * What was kept is answered with 200 and never asked for again, so it is in PostgreSQL before the answer. A repeat
 * finds the store's event id and changes nothing. What is done with an event may be done twice (a pod dies before it
 * says so): handlers settle transactions by derived ids, for which that is no harm. Unknown kinds are kept.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { backoff } from "../../../platform/background.ts";
import { fail, messageOf } from "../../../platform/errors.ts";
import { type Pool, query } from "../../../platform/postgres.ts";

const BATCH = 32;
const BACKOFF = { baseMs: 1_000, maxMs: 15 * 60_000 };
/** While a batch is processed its rows are left alone by others. */
const CLAIM = "2 minutes";
const MAX_BODY = 262_144;

export interface StoreEvent {
  readonly store: string;
  /** The store's id of it. */
  readonly event: string;
  readonly kind: string;
  /** As it came. */
  readonly body: string;
}

/** What is done with a kind of event of a store; answers the outcome in a word. Must be safe to repeat. */
export type Handler = (event: StoreEvent) => Promise<string>;

/** Keeps an event whose signature was verified. False for one that is known. Throws BODY_TOO_LARGE. */
export async function keepEvent(pool: Pool, { store, event, kind, body }: StoreEvent): Promise<boolean> {
  if (Buffer.byteLength(body) > MAX_BODY)
    throw fail("BODY_TOO_LARGE", `body: must have at most ${MAX_BODY} bytes`);
  const rows = await query(
    pool,
    `INSERT INTO ledger.store_event (store, event, kind, body) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING RETURNING event`,
    [store, event, kind, body],
  );
  return rows.length === 1;
}

/**
 * Processes what waits; answers how many events were done and how many are to be tried again. Handlers by
 * `<store>/<kind>`.
 */
export async function processDue(
  pool: Pool,
  handlers: ReadonlyMap<string, Handler>,
): Promise<{ readonly done: number; readonly failed: number }> {
  const due = await query<StoreEvent & { attempts: number }>(
    pool,
    `UPDATE ledger.store_event e SET retry_at = now() + interval '${CLAIM}', attempts = attempts + 1
     FROM (
       SELECT store, event FROM ledger.store_event WHERE processed_at IS NULL AND retry_at <= now()
       ORDER BY retry_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
     ) AS due WHERE e.store = due.store AND e.event = due.event
     RETURNING e.store, e.event, e.kind, e.body, e.attempts`,
  );
  let done = 0;
  for (const event of due) if (await processOne(pool, event, handlers)) done += 1;
  return { done, failed: due.length - done };
}

/** Events that wait, and how many of them have failed before. */
export async function waitingEvents(
  pool: Pool,
): Promise<{ readonly waiting: number; readonly failing: number }> {
  const [row] = await query<{ waiting: number; failing: number }>(
    pool,
    `SELECT count(*)::int AS waiting, count(*) FILTER (WHERE error IS NOT NULL)::int AS failing
     FROM ledger.store_event WHERE processed_at IS NULL`,
  );
  return { waiting: row?.waiting ?? 0, failing: row?.failing ?? 0 };
}

async function processOne(
  pool: Pool,
  { attempts, ...event }: StoreEvent & { readonly attempts: number },
  handlers: ReadonlyMap<string, Handler>,
): Promise<boolean> {
  const handler = handlers.get(`${event.store}/${event.kind}`);
  const key = [event.store, event.event];
  let outcome = "unknown";
  try {
    if (handler) outcome = await handler(event);
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

/** Throws UNAUTHENTICATED unless `signature` (hex) is the HMAC-SHA-256 of the raw body. Compares in constant time. */
export function verifyHmac(secret: string, body: string, signature: string): void {
  const expected = createHmac("sha256", secret).update(body).digest();
  const given = Buffer.from(signature, "hex");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw fail("UNAUTHENTICATED", "signature: is not that of the body; check the webhook's secret");
  }
}
