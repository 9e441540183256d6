/**
 * One look at the books, whole or from where the last one ended, in one snapshot of PostgreSQL: what is being settled
 * meanwhile is either wholly seen or not at all.
 *
 * Every row carries the PostgreSQL transaction that wrote it. All below the oldest one still running are settled for
 * good: that is how far a look has read, and where the next begins. No sequence can tell this: rows of a later number
 * become visible before those of an earlier one.
 */
import { randomBytes } from "node:crypto";
import type { Client } from "../../../platform/postgres.ts";
import {
  ASIDE,
  SMALL_FULL,
  SMALL_SINCE,
  TRANSACTIONS_FULL,
  TRANSACTIONS_SINCE,
  WALLETS_ADD_UP,
  WALLETS_FULL,
  WALLETS_READ_ONLY,
  WALLETS_SINCE,
} from "./checks.ts";
import type { Finding } from "./finding.ts";

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

/**
 * Settings of the session that looks: one processor at most and little memory, because the players come first, and
 * plans for what is asked, not for the two lanes of the ledger.
 */
export const VERIFIER_SESSION = {
  max_parallel_workers_per_gather: "0",
  work_mem: "64MB",
  // Compiling these questions takes longer than asking them (a second, measured).
  jit: "off",
  // One month at a time: the ids of a transaction and of its lines fall into the same partition.
  enable_partitionwise_join: "on",
  enable_partitionwise_aggregate: "on",
  // What it keeps for itself may be lost in a crash; the books are read only.
  synchronous_commit: "off",
} as const;

/** Reads everything. With `keep` it sees to the checkpoint, too, for which it must be the only one (run.ts). */
export function verifyFull(client: Client, keep: boolean): Promise<Look> {
  return look(client, "full", keep, async () => ({
    findings: [
      ...(await ask(client, TRANSACTIONS_FULL)),
      ...(await verifyWallets(client, keep)),
      ...(await ask(client, SMALL_FULL)),
      ...(await ask(client, ASIDE)),
    ],
    rows: await rowsSince(client, 0n),
  }));
}

/** The wallets one by one only if all together do not add up, or if there is no checkpoint that is worth keeping. */
async function verifyWallets(client: Client, keep: boolean): Promise<Finding[]> {
  const from = await checkpoint(client);
  const to = await horizon(client);
  if (!keep) return (await addUp(client, 0n)).wallets ? [] : ask(client, WALLETS_READ_ONLY, to);
  if (from !== undefined && to - from <= MAX_SINCE) {
    const { wallets, checked } = await addUp(client, from);
    if (wallets && checked) return [];
  }
  const findings = await ask(client, WALLETS_FULL, to);
  await setCheckpoint(client, to);
  return findings;
}

async function addUp(client: Client, from: bigint): Promise<{ wallets: boolean; checked: boolean }> {
  const { rows } = await client.query(WALLETS_ADD_UP, [randomBytes(8).readBigInt64BE(), from]);
  const [sums] = rows as [{ wallets: boolean; checked: boolean }];
  return sums;
}

/** Reads what was written since the last look. Reads everything when there was none, or it was long ago. */
export async function verifyIncremental(client: Client): Promise<Look> {
  const from = await checkpoint(client);
  if (from === undefined || (await horizon(client)) - from > MAX_SINCE) return verifyFull(client, true);
  return look(client, "incremental", true, async () => {
    const to = await horizon(client);
    // Few rows of a large table: by the index of blocks, whatever the planner guesses of it.
    await client.query("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off");
    const ofNew = [
      ...(await ask(client, TRANSACTIONS_SINCE, from)),
      ...(await ask(client, SMALL_SINCE, from)),
    ];
    const rows = await rowsSince(client, from);
    await client.query("SET LOCAL enable_indexscan = on");
    const findings = [
      ...ofNew,
      ...(await ask(client, WALLETS_SINCE, to, from)),
      ...(await ask(client, ASIDE)),
    ];
    await setCheckpoint(client, to);
    return { findings, rows };
  });
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

async function checkpoint(client: Client): Promise<bigint | undefined> {
  const { rows } = await client.query<{ xact: string }>("SELECT xact FROM ledger.checkpoint");
  return rows[0] && BigInt(rows[0].xact);
}

async function setCheckpoint(client: Client, xact: bigint): Promise<void> {
  const sql = `INSERT INTO ledger.checkpoint (xact) VALUES ($1)
    ON CONFLICT (one) DO UPDATE SET xact = excluded.xact`;
  await client.query(sql, [xact]);
}

async function rowsSince(client: Client, xact: bigint): Promise<number> {
  const { rows } = await client.query<{ n: string }>(
    `SELECT (SELECT count(*) FROM ledger.transaction WHERE xact >= $1)
      + (SELECT count(*) FROM ledger.transfer WHERE xact >= $1) AS n`,
    [xact],
  );
  return Number(rows[0]?.n);
}
