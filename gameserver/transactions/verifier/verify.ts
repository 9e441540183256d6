/**
 * One look at the books, whole or from where the last one ended, in one snapshot of PostgreSQL: what is being settled
 * meanwhile is either wholly seen or not at all.
 *
 * Every row carries the PostgreSQL transaction that wrote it. All below the oldest one still running are settled for
 * good: that is how far a look has read, and where the next begins. No sequence can tell this: rows of a later number
 * become visible before those of an earlier one.
 */
import type { Client } from "../../../platform/postgres.ts";
import {
  AHEAD,
  ASIDE,
  BOUNDS,
  NEW_ROWS,
  STREAMS_FULL,
  TRANSACTIONS_FULL,
  WALLETS_FULL,
  WALLETS_FULL_KEEP,
  WALLETS_ODD,
  WALLETS_SINCE,
} from "./checks.ts";
import { type Finding, MAX_FINDINGS } from "./finding.ts";
import { readSums } from "./sums.ts";

export type Form = "full" | "incremental";

export interface Look {
  readonly form: Form;
  readonly findings: readonly Finding[];
  /** Rows of transactions and transfers that were read. */
  readonly rows: number;
  readonly seconds: number;
}

/**
 * Beyond so many PostgreSQL transactions since the last look, reading all is the better way: nobody looked for a
 * while, or one that is left open holds the checkpoint back.
 */
const MAX_SINCE = 500_000n;

/** The lowest id. */
const NIL = "00000000-0000-0000-0000-000000000000";

/**
 * Settings of the session that looks: one processor at most and little memory, because the players come first, and
 * plans for what is asked, not for the two lanes of the ledger.
 */
export const VERIFIER_SESSION = {
  max_parallel_workers_per_gather: "0",
  work_mem: "64MB",
  // Compiling these questions takes longer than asking them (a second, measured).
  jit: "off",
  enable_partitionwise_aggregate: "on",
  // What it keeps for itself may be lost in a crash; the books are read only.
  synchronous_commit: "off",
} as const;

/** Reads everything. With `keep` it sees to the checkpoint, too, for which it must be the only one (run.ts). */
export function verifyFull(client: Client, keep: boolean): Promise<Look> {
  return look(client, "full", keep, async () => {
    const from = keep ? await usableCheckpoint(client) : undefined;
    const sums = await readSums(client, from);
    const findings = await askTransactions(client);
    if (keep && !(sums.wallets && sums.kept)) {
      const to = await horizon(client);
      findings.push(...(await ask(client, WALLETS_FULL_KEEP, to)));
      await setCheckpoint(client, to);
    } else if (!sums.wallets) findings.push(...(await ask(client, WALLETS_FULL)));
    if (sums.streams) findings.push(...(await ask(client, STREAMS_FULL)));
    if (sums.odd) findings.push(...(await ask(client, WALLETS_ODD)));
    if (sums.ahead) findings.push(...(await ask(client, AHEAD)));
    findings.push(...(await ask(client, ASIDE)));
    return { findings, rows: sums.rows };
  });
}

/** One partition after the other. Every id is asked for, wherever partitions may begin and end. */
async function askTransactions(client: Client): Promise<Finding[]> {
  // All of a table is not found by an index of it.
  await client.query("SET LOCAL enable_bitmapscan = off");
  const bounds = (await client.query<{ id: string }>(BOUNDS)).rows.map(({ id }) => id);
  const findings: Finding[] = [];
  let from: string = NIL;
  for (const to of [...bounds, null]) {
    const values = [from, to, MAX_FINDINGS - findings.length];
    findings.push(...(await client.query<Finding>(TRANSACTIONS_FULL, values)).rows);
    from = to ?? from;
  }
  await client.query("SET LOCAL enable_bitmapscan = on");
  return findings;
}

/** Reads what was written since the last look. Undefined when there was none, or it was long ago: a full one is needed. */
export async function verifyIncremental(client: Client): Promise<Look | undefined> {
  const from = await usableCheckpoint(client);
  if (from === undefined) return undefined;
  return look(client, "incremental", true, async () => {
    const to = await horizon(client);
    // Few rows of a large table: by the index of blocks, whatever the planner guesses of it.
    await client.query("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off");
    const { rows, findings } = await askNew(client, from);
    // And few wallets of many: each by its key, or all of them would be read for those that moved.
    await client.query(
      "SET LOCAL enable_indexscan = on; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off",
    );
    findings.push(...(await ask(client, WALLETS_SINCE, to, from)), ...(await ask(client, ASIDE)));
    await setCheckpoint(client, to);
    return { findings, rows };
  });
}

/** How many rows were read, and beside it a finding: at least one of these, with no kind when all is well. */
interface NewRows extends Omit<Finding, "kind"> {
  readonly rows: number;
  readonly kind: Finding["kind"] | null;
}

async function askNew(client: Client, from: bigint): Promise<{ rows: number; findings: Finding[] }> {
  const { rows } = await client.query<NewRows>(NEW_ROWS, [from]);
  const [first] = rows as [NewRows];
  const findings = rows.flatMap(({ kind, subject, detail }) =>
    kind === null ? [] : [{ kind, subject, detail }],
  );
  return { rows: first.rows, findings };
}

async function look(
  client: Client,
  form: Form,
  keep: boolean,
  work: () => Promise<Pick<Look, "findings" | "rows">>,
): Promise<Look> {
  const started = performance.now();
  await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ ${keep ? "READ WRITE" : "READ ONLY"}`);
  const found = await work();
  await client.query("COMMIT");
  return { form, ...found, seconds: (performance.now() - started) / 1_000 };
}

async function ask(client: Client, text: string, ...values: readonly bigint[]): Promise<Finding[]> {
  return (await client.query<Finding>(text, [...values])).rows;
}

/** The oldest PostgreSQL transaction that may still write: all below it are done. */
async function horizon(client: Client): Promise<bigint> {
  const { rows } = await client.query("SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xact");
  const [row] = rows as [{ xact: string }];
  return BigInt(row.xact);
}

/** Where the last look ended; undefined when there was none, or it is better forgotten. */
async function usableCheckpoint(client: Client): Promise<bigint | undefined> {
  const { rows } = await client.query<{ xact: string }>("SELECT xact FROM ledger.checkpoint");
  const xact = rows[0] && BigInt(rows[0].xact);
  return xact !== undefined && (await horizon(client)) - xact <= MAX_SINCE ? xact : undefined;
}

async function setCheckpoint(client: Client, xact: bigint): Promise<void> {
  const sql = `INSERT INTO ledger.checkpoint (xact) VALUES ($1)
    ON CONFLICT (one) DO UPDATE SET xact = excluded.xact`;
  await client.query(sql, [xact]);
}
