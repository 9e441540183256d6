/**
 * What an operator does with transactions that were set aside (`cli.ts`): look, try again, or give up. Either way the
 * id has one answer in the end, and stays in the table with how it came to it.
 */
import { fail, messageOf } from "../../../platform/errors.ts";
import { type Pool, query, withClient } from "../../../platform/postgres.ts";
import type { Answer } from "../answer.ts";
import { decodeEntry, type Entry } from "../entry.ts";
import type { Ledger } from "./ledger.ts";

export interface Aside {
  readonly id: string;
  readonly error: string;
  readonly attempts: number;
  readonly since: Date;
  readonly resolution: "retried" | "abandoned" | null;
  /** Undefined when this version cannot read it. */
  readonly entry: Entry | undefined;
}

interface Row {
  readonly id: string;
  readonly entry: string;
  readonly error: string;
  readonly attempts: number;
  readonly since: Date;
  readonly resolution: "retried" | "abandoned" | null;
}

const COLUMNS = "id, entry, error, attempts, since, resolution";
const asideOf = (row: Row): Aside => ({ ...row, entry: decodeEntry(row.entry) });

/** Those that wait for somebody, oldest first. */
export async function listAside(pool: Pool, limit: number): Promise<Aside[]> {
  const sql = `SELECT ${COLUMNS} FROM ledger.quarantine WHERE resolved_at IS NULL ORDER BY since, id LIMIT $1`;
  return (await query<Row>(pool, sql, [limit])).map(asideOf);
}

/** One of them, resolved or not. Throws TRANSACTION_NOT_FOUND. */
export async function findAside(pool: Pool, id: string): Promise<Aside> {
  const [row] = await query<Row>(pool, `SELECT ${COLUMNS} FROM ledger.quarantine WHERE id = $1`, [id]);
  if (!row) throw fail("TRANSACTION_NOT_FOUND", `id: ${id} is not in quarantine`);
  return asideOf(row);
}

/**
 * Settles it again. When that fails it is set aside again, with the new error. Safe to repeat, also after a crash half
 * way: until then the verifier tells of a retry without a row.
 */
export async function retryAside(pool: Pool, ledger: Ledger, id: string): Promise<Answer> {
  const { entry, resolution } = await findAside(pool, id);
  if (resolution === "abandoned") {
    throw fail(
      "IDEMPOTENCY_CONFLICT",
      `id: ${id} was abandoned, and its player told so; make a new transaction`,
    );
  }
  if (!entry) throw fail("TERMINAL", `id: this version cannot read the entry of ${id}`);
  await resolve(pool, id, "retried");
  try {
    const [answer] = await ledger.settle([entry]);
    return answer as Answer;
  } catch (error) {
    await ledger.quarantine(entry, messageOf(error), 1);
    throw error;
  }
}

/** Declines it for good: whoever asks for the id is told "abandoned". Answers false when it was decided before. */
export async function abandonAside(pool: Pool, stream: number, id: string): Promise<boolean> {
  const { entry } = await findAside(pool, id);
  if (!entry) throw fail("TERMINAL", `id: this version cannot read the entry of ${id}`);
  return withClient(pool, async (client) => {
    await client.query("BEGIN");
    const made = await client.query(
      `INSERT INTO ledger.transaction
         (id, kind, player, counterparty, hash, outcome, reason, accepted_at, trace, stream)
       VALUES ($1, $2, $3, $4, $5, 'declined', 'abandoned', to_timestamp($6::float8 / 1000), $7, $8)
       ON CONFLICT DO NOTHING`,
      [
        id,
        entry.kind,
        entry.player,
        entry.counterparty ?? null,
        entry.hash,
        entry.acceptedAt,
        entry.trace,
        stream,
      ],
    );
    await client.query(
      `UPDATE ledger.quarantine SET resolved_at = now(), resolution = 'abandoned' WHERE id = $1 AND resolved_at IS NULL`,
      [id],
    );
    await client.query("COMMIT");
    return made.rowCount === 1;
  });
}

async function resolve(pool: Pool, id: string, resolution: "retried" | "abandoned"): Promise<void> {
  const sql = "UPDATE ledger.quarantine SET resolved_at = now(), resolution = $2 WHERE id = $1";
  await query(pool, sql, [id, resolution]);
}
