/** Holds the books against what callers were told. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { booksImbalance } from "../../../gameserver/transactions/testing/books.ts";
import { type Pool, query } from "../../../platform/postgres.ts";
import type { CallerSummary, Told } from "./caller.ts";

export interface Audit {
  /** Told final or pending, and the books do not hold it, or hold something else. */
  readonly lost: number;
  /** Carried out more than once, or told two final answers. */
  readonly doubled: number;
  /** Undefined when the books balance by themselves and with what callers add up; else what does not. */
  readonly imbalance: string | undefined;
}

/** Reads a log of told answers. */
export async function* readLog(file: string): AsyncGenerator<Told> {
  for await (const line of createInterface({ input: createReadStream(file) })) yield JSON.parse(line) as Told;
}

const CHUNK = 5_000;
/** Lines of a settled transaction, by its kind as the callers make them. */
const LINES = "CASE kind WHEN 'reward' THEN 1 ELSE 2 END";

/** `before` holds what each account had at the start, by `account\nasset`. */
export async function audit(
  pool: Pool,
  logFile: string,
  summary: CallerSummary,
  before: ReadonlyMap<string, number>,
): Promise<Audit> {
  await query(pool, "DROP TABLE IF EXISTS told");
  await query(pool, "CREATE TABLE told (id uuid PRIMARY KEY, hash text, status text)");
  let chunk: Told[] = [];
  const load = async () => {
    const columns = [
      chunk.map((one) => one.id),
      chunk.map((one) => one.hash),
      chunk.map((one) => one.status),
    ];
    await query(pool, "INSERT INTO told SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])", columns);
    chunk = [];
  };
  for await (const told of readLog(logFile)) {
    chunk.push(told);
    if (chunk.length === CHUNK) await load();
  }
  await load();
  const count = async (sql: string) =>
    (await query<{ n: number }>(pool, `SELECT count(*)::int AS n ${sql}`))[0]?.n;
  const lost = await count(`FROM told LEFT JOIN ledger.transaction t USING (id)
    WHERE status <> 'refused' AND (t.id IS NULL OR t.hash <> told.hash OR (status <> 'pending' AND status <> t.outcome))`);
  const doubled = await count(`FROM (SELECT t.id FROM ledger.transaction t JOIN told USING (id)
    LEFT JOIN ledger.transfer f ON f.transaction = t.id
    GROUP BY t.id, kind, outcome HAVING count(f.line) <> CASE outcome WHEN 'settled' THEN ${LINES} ELSE 0 END) AS odd`);
  const unfinished = await count("FROM told WHERE status IN ('refused', 'pending')");
  return {
    lost: lost ?? Number.NaN,
    doubled: (doubled ?? Number.NaN) + summary.twoAnswers,
    imbalance:
      (await booksImbalance(pool)) ?? (unfinished ? undefined : await sumsDiffer(pool, summary, before)),
  };
}

/** Wallets against the callers' own sums: the one check that does not believe the books at all. */
async function sumsDiffer(
  pool: Pool,
  { expected }: CallerSummary,
  before: ReadonlyMap<string, number>,
): Promise<string | undefined> {
  const wanted = new Map(before);
  for (const [account, asset, amount] of expected) {
    const key = `${account}\n${asset}`;
    wanted.set(key, (wanted.get(key) ?? 0) + amount);
  }
  const wallets = await query<{ account: string; asset: string; balance: string }>(
    pool,
    "SELECT * FROM ledger.wallet",
  );
  for (const { account, asset, balance } of wallets) {
    const sum = wanted.get(`${account}\n${asset}`) ?? 0;
    if (sum !== Number(balance)) return `${account} has ${balance} ${asset}, its owner counts ${sum}`;
    wanted.delete(`${account}\n${asset}`);
  }
  const missing = [...wanted].find(([, sum]) => sum !== 0);
  return missing && `no wallet ${missing[0].replace("\n", " ")}, its owner counts ${missing[1]}`;
}
