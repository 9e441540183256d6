/**
 * The report of a store that sends nothing by itself (Steam): what it says was taken back becomes events like those of
 * webhooks. One pod at a time reads on from where the last one stopped; reading a part twice finds the events known.
 */
import { type Pool, query } from "../../../platform/postgres.ts";
import { keepEvent } from "./intake.ts";
import type { SteamStore } from "./steam.ts";

/** Read so often by all pods together. */
const EVERY = "5 minutes";
/** The first time: as far back as a refund by the store itself usually reaches. */
const FIRST = "14 days";
const MAX_PAGES = 20;

/** Reads on when it is due. */
export async function readReport(
  pool: Pool,
  steam: Pick<SteamStore, "store" | "report">,
  signal: AbortSignal,
): Promise<void> {
  const { store } = steam;
  await query(
    pool,
    `INSERT INTO ledger.store_report (store, read_to) VALUES ($1, now() - interval '${FIRST}')
     ON CONFLICT DO NOTHING`,
    [store],
  );
  const [due] = await query<{ read_to: Date }>(
    pool,
    `UPDATE ledger.store_report SET due_at = now() + interval '${EVERY}' WHERE store = $1 AND due_at <= now()
     RETURNING read_to`,
    [store],
  );
  if (!due) return;
  let at = due.read_to.getTime();
  for (let page = 1; page <= MAX_PAGES; page++) {
    const { events, readTo, more } = await steam.report(at, signal);
    for (const event of events) await keepEvent(pool, event);
    // A full page within one second would be read for ever.
    if (readTo !== undefined) at = more && readTo <= at ? at + 1_000 : readTo;
    await query(
      pool,
      "UPDATE ledger.store_report SET read_to = to_timestamp($2::float8 / 1000) WHERE store = $1",
      [store, at],
    );
    if (!more) return;
  }
}
