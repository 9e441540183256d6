/**
 * Whether all is well, by sums over whole tables. They are much cheaper than a look at every wallet, and name nothing:
 * what is wrong is asked by name (checks.ts) only where a sum is.
 *
 * Every line and every balance is multiplied by a number that only its wallet has, and only with this look's secret
 * key. Then the sums of lines and balances are equal if each wallet's are; if not, they differ but for a chance of one
 * in 2^61, and anew for each key. The number is in two halves of 31 bits that are summed apart, so that all products
 * fit PostgreSQL's own integers: as `numeric` they took three times as long.
 */
import { randomBytes } from "node:crypto";
import type { Client } from "../../../platform/postgres.ts";
import { FENCE_SLACK } from "./checks.ts";

/** The number of a wallet ($1: the key). House accounts have no balance. */
const weight = (account: string) =>
  `CASE WHEN ${account} LIKE 'house:%' THEN 0 ELSE hashtextextended(asset, hashtextextended(${account}, $1)) END`;

const high = (weight: string) => `(${weight} >> 33)`;
const low = (weight: string) => `(${weight} & 2147483647)`;

/** The sum of `half` times `amount`: of the amount's lower 32 bits, and of the upper ones where there are any. */
const sum = (half: string, amount: string) => `(
  coalesce(sum((${half}) * (${amount} & 4294967295)), 0) + 4294967296 *
  coalesce(sum((${half}) * (${amount} >> 32)) FILTER (WHERE ${amount} NOT BETWEEN 0 AND 4294967295), 0))`;

/** OFFSET 0: a wallet's number is made once for both halves. */
const lines = (where: string) => `
  SELECT count(*) AS rows, max(xact) AS last, ${sum(`${high("target")} - ${high("source")}`, "amount")} AS high,
    ${sum(`${low("target")} - ${low("source")}`, "amount")} AS low
  FROM (SELECT ${weight("target")} AS target, ${weight("source")} AS source, amount, xact
    FROM ledger.transfer ${where} OFFSET 0) AS l`;

const HELD = `
  SELECT ${sum(high("wallet"), "balance")} AS high, ${sum(low("wallet"), "balance")} AS low,
    count(*) FILTER (WHERE balance < 0 OR account LIKE 'house:%') AS odd
  FROM (SELECT account, ${weight("account")} AS wallet, balance FROM ledger.wallet OFFSET 0) AS w`;

/** What is kept of wallets is a sum itself: it may be larger than an amount. */
const CHECKED = `
  SELECT coalesce(sum(${high("wallet")} * balance), 0) AS high, coalesce(sum(${low("wallet")} * balance), 0) AS low
  FROM (SELECT ${weight("account")} AS wallet, balance FROM ledger.wallet_checked OFFSET 0) AS c`;

/** A journal's last one tells of all: none may be settled later than the journal was closed. */
const STREAMS = `
  SELECT coalesce(sum(count), 0) AS rows,
    coalesce(bool_or(s.id IS NULL OR t.last > s.closed_at + ${FENCE_SLACK}), false) AS wrong
  FROM (SELECT stream, count(*), max(settled_at) AS last FROM ledger.transaction GROUP BY stream) AS t
  LEFT JOIN ledger.stream s ON s.id = t.stream`;

/** `kept`: with what is kept of wallets. $2: the last checkpoint; what was written since is not in it. */
const sums = (kept: boolean) => `
  SELECT (l.high, l.low) = (w.high, w.low) AS wallets, w.odd > 0 AS odd, s.wrong AS streams,
    coalesce(l.last >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint, false) AS ahead,
    ${kept ? "(l.high - late.high, l.low - late.low) = (c.high, c.low)" : "false"} AS kept,
    (l.rows + s.rows)::float8 AS rows
  FROM (${lines("")}) AS l, (${HELD}) AS w, (${STREAMS}) AS s
  ${kept ? `, (${lines("WHERE xact >= $2")}) AS late, (${CHECKED}) AS c` : ""}`;

export interface Sums {
  /** Every wallet is what its lines say. */
  readonly wallets: boolean;
  /** What is kept of wallets is what the lines below the checkpoint say. */
  readonly kept: boolean;
  /** There is a balance below zero, or of the house. */
  readonly odd: boolean;
  /** There is a transaction under a journal that was closed before, or never was. */
  readonly streams: boolean;
  /** A line claims a PostgreSQL transaction that has not been. */
  readonly ahead: boolean;
  /** Of transactions and transfers. */
  readonly rows: number;
}

/** `checkpoint`: where what is kept of wallets ends; undefined: it does not matter what is kept. */
export async function readSums(client: Client, checkpoint: bigint | undefined): Promise<Sums> {
  const key = randomBytes(8).readBigInt64BE();
  const { rows } =
    checkpoint === undefined
      ? await client.query<Sums>(sums(false), [key])
      : await client.query<Sums>(sums(true), [key, checkpoint]);
  const [read] = rows as [Sums];
  return read;
}
