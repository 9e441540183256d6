/** The rows of `ledger.stream`: one for each journal there has been, closed once it belongs to somebody else. */
import { type Pool, query, withClient } from "../../../platform/postgres.ts";

/** First half of the advisory locks on streams; the second is the stream's id. */
export const STREAM_LOCK = 1_735_289_197;

/** A new journal: what is settled from now on is settled under its number. */
export async function openStream(pool: Pool, server: string, life: string): Promise<number> {
  const sql = "INSERT INTO ledger.stream (server, life) VALUES ($1, $2) RETURNING id::int AS id";
  const [row] = (await query<{ id: number }>(pool, sql, [server, life])) as [{ id: number }];
  return row.id;
}

/** From now on nothing is settled under `stream`: waits for what is under way, stops what comes. Safe to repeat. */
export async function closeStream(pool: Pool, stream: number, by: string): Promise<void> {
  await withClient(pool, async (client) => {
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock($1, $2)", [STREAM_LOCK, stream]);
    await client.query(
      "UPDATE ledger.stream SET closed_at = now(), closed_by = $2 WHERE id = $1 AND closed_at IS NULL",
      [stream, by],
    );
    await client.query("COMMIT");
  });
}
