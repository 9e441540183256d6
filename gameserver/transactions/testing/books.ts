/** Real books for tests: a fresh database with the ledger in it, and eyes to look into them. */
import { silentLog } from "../../../platform/log.ts";
import { createPool, migrate, type Pool, query } from "../../../platform/postgres.ts";
import { freshDatabase } from "../../../test/stores/fixtures.ts";
import { LEDGER_MIGRATIONS } from "../ledger/migrations.ts";
import { LEDGER_SESSION, PostgresLedger } from "../ledger/settle.ts";
import { openStream } from "../ledger/streams.ts";
import { ASSETS } from "./entries.ts";
import { IMBALANCE } from "./imbalance.ts";

export interface Books {
  readonly url: string;
  readonly pool: Pool;
  readonly stream: number;
  readonly ledger: PostgresLedger;
  balance(account: string, asset: string): Promise<bigint>;
  /** Rows of a table of the ledger. */
  count(table: string): Promise<number>;
  /** Undefined when the books balance, else what does not. */
  imbalance(): Promise<string | undefined>;
  close(): Promise<void>;
}

export async function openBooks(): Promise<Books> {
  const url = await freshDatabase();
  await migrate(url, LEDGER_MIGRATIONS, "ledger", silentLog());
  const pool = createPool({
    url,
    name: "test",
    log: silentLog(),
    maxConnections: 8,
    session: LEDGER_SESSION,
  });
  for (const [asset, { kind, ...more }] of ASSETS) {
    const ceiling = "ceiling" in more ? more.ceiling : null;
    await query(pool, "INSERT INTO ledger.asset VALUES ($1, $2, $3)", [asset, kind, ceiling]);
  }
  const stream = await openStream(pool, "default/a", "life-1");
  // Eyes of their own: sessions that settle plan for single rows.
  const eyes = createPool({
    url,
    name: "eyes",
    log: silentLog(),
    maxConnections: 1,
    statementTimeoutMs: 30_000,
  });
  return {
    url,
    pool,
    stream,
    ledger: new PostgresLedger({ pool, stream: () => stream, assets: () => ASSETS }),
    async balance(account, asset) {
      const sql = "SELECT balance FROM ledger.wallet WHERE account = $1 AND asset = $2";
      const [row] = await query<{ balance: string }>(pool, sql, [account, asset]);
      return BigInt(row?.balance ?? 0);
    },
    async count(table) {
      const [row] = await query<{ n: number }>(pool, `SELECT count(*)::int AS n FROM ledger.${table}`);
      return row?.n ?? 0;
    },
    imbalance: () => booksImbalance(eyes),
    close: async () => void (await Promise.all([pool.end(), eyes.end()])),
  };
}

/** Independent of the verifier: the books as an accountant would check them by hand. */
export async function booksImbalance(pool: Pool): Promise<string | undefined> {
  const rows = await query<{ what: string }>(pool, IMBALANCE);
  return rows[0]?.what;
}
