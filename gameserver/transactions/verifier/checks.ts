/**
 * The verifier's questions, in SQL. Each answers rows of `kind, subject, detail`, and no row when all is well.
 *
 * A transaction is checked against its hash: the SHA-256 of its id, kind, players and lines, made when it was accepted
 * (entry.ts) and built here again from the rows. A line that is lost, added or changed, or a player or kind that was
 * changed, gives another hash. Wallets are checked against the sum of all their lines.
 *
 * The full forms read everything. The incremental forms read what PostgreSQL transactions from $1 on have written, and
 * rely on `wallet_checked` for what was before.
 */
import { MAX_FINDINGS } from "./finding.ts";

const LIMIT = `LIMIT ${MAX_FINDINGS}`;

/** A name as JSON.stringify writes it. Nearly none needs to_json; without it a seventh of the time is saved. */
const quoted = (name: string) =>
  `CASE WHEN strpos(${name}, '"') = 0 AND strpos(${name}, E'\\\\') = 0 THEN '"' || ${name} || '"' ELSE to_json(${name})::text END`;

/** One line as JSON.stringify writes it. */
const LINE = `'[' || ${quoted("source")} || ',' || ${quoted("target")} || ',' || ${quoted("asset")} || ',' || amount::text || ']'`;

/** Lines by transaction, as the JSON that was hashed. Sorted first: the text is joined in order of input. */
const lines = (where: string) => `
  SELECT transaction, count(*) AS lines, string_agg(line, ',') AS text FROM (
    SELECT transaction, ${LINE} AS line FROM ledger.transfer ${where} ORDER BY transaction, ledger.transfer.line
  ) AS sorted GROUP BY transaction`;

/** entry.ts `parametersHash`: SHA-256 in base64url. */
const HASH = `translate(rtrim(encode(sha256(convert_to('["' || t.id::text || '","' || t.kind || '",'
  || ${quoted("t.player")} || ',' || CASE WHEN t.counterparty IS NULL THEN 'null' ELSE ${quoted("t.counterparty")} END
  || ',[' || l.text || ']]', 'UTF8')), 'base64'), '='), '+/', '-_')`;

const transactions = (own: string, ofLines: string) => `
  SELECT CASE WHEN t.id IS NULL THEN 'transfer-without-transaction'
      WHEN t.outcome = 'declined' THEN 'transfer-of-declined'
      WHEN l.transaction IS NULL THEN 'transaction-without-transfers'
      ELSE 'transaction-changed' END AS kind,
    coalesce(t.id, l.transaction)::text AS subject,
    CASE WHEN t.id IS NULL THEN l.lines || ' lines: ' || left(l.text, 300)
      WHEN l.transaction IS NULL THEN t.kind || ' of ' || t.player
      ELSE t.kind || ' of ' || t.player || ', ' || l.lines || ' lines: ' || left(l.text, 300) END AS detail
  FROM (SELECT id, kind, player, counterparty, hash, outcome FROM ledger.transaction ${own}) AS t
  FULL JOIN (${lines(ofLines)}) AS l ON l.transaction = t.id
  WHERE CASE WHEN t.id IS NULL THEN true WHEN l.transaction IS NULL THEN t.outcome = 'settled'
    WHEN t.outcome = 'declined' THEN true ELSE t.hash <> ${HASH} END
  ${LIMIT}`;

export const TRANSACTIONS_FULL = transactions("", "");

/**
 * A line is written by the same PostgreSQL transaction as its transaction: one that comes later belongs to nothing here
 * and is found as such, or as a change of what stood there.
 */
export const TRANSACTIONS_SINCE = `
  SELECT CASE WHEN kind = 'transfer-without-transaction'
      AND EXISTS (SELECT FROM ledger.transaction o WHERE o.id = subject::uuid)
    THEN 'transaction-changed' ELSE kind END AS kind, subject, detail
  FROM (${transactions("WHERE xact >= $1", "WHERE xact >= $1")}) AS found`;

/** What each wallet gained in all, and what of it the next checkpoint knows ($1: its PostgreSQL transaction). */
const moved = (where: string) => `
  SELECT account, asset, sum(delta) AS total, coalesce(sum(delta) FILTER (WHERE xact < $1), 0) AS known FROM (
    SELECT target AS account, asset, amount AS delta, xact FROM ledger.transfer WHERE target NOT LIKE 'house:%' ${where}
    UNION ALL
    SELECT source, asset, -amount, xact FROM ledger.transfer WHERE source NOT LIKE 'house:%' ${where}
  ) AS sides GROUP BY account, asset`;

const WALLET_DETAIL = `'has ' || coalesce(balance::text, 'no row') || ', its transfers say ' || due`;

const WALLETS_DIFFER = `
  SELECT 'wallet-differs' AS kind, account || ' ' || asset AS subject, ${WALLET_DETAIL} AS detail FROM (
    SELECT account, asset, w.balance, coalesce(m.total, 0) AS due
    FROM ledger.wallet w FULL JOIN moved m USING (account, asset)
    WHERE w.balance IS DISTINCT FROM m.total AND NOT (w.balance = 0 AND m.total IS NULL)
      AND account NOT LIKE 'house:%'
  ) AS wrong ${LIMIT}`;

/** For who may only read. $1 has no effect here. */
export const WALLETS_READ_ONLY = `WITH moved AS MATERIALIZED (${moved("")}) ${WALLETS_DIFFER}`;

/** $1: the next checkpoint, which is kept. */
export const WALLETS_FULL = `
  WITH moved AS MATERIALIZED (${moved("")}),
  kept AS (
    INSERT INTO ledger.wallet_checked AS c (account, asset, balance)
    SELECT m.account, m.asset, m.known FROM moved m
    LEFT JOIN ledger.wallet_checked k ON k.account = m.account AND k.asset = m.asset
    WHERE k.balance IS DISTINCT FROM m.known
    ON CONFLICT (account, asset) DO UPDATE SET balance = excluded.balance
  )
  ${WALLETS_DIFFER}`;

/** $1: the next checkpoint; $2: the last one. */
export const WALLETS_SINCE = `
  WITH moved AS MATERIALIZED (${moved("AND xact >= $2")}),
  due AS MATERIALIZED (
    SELECT account, asset, m.known, coalesce(c.balance, 0) AS before, coalesce(c.balance, 0) + m.total AS due
    FROM moved m LEFT JOIN ledger.wallet_checked c USING (account, asset)
  ), kept AS (
    INSERT INTO ledger.wallet_checked AS c (account, asset, balance)
    SELECT account, asset, before + known FROM due WHERE known <> 0
    ON CONFLICT (account, asset) DO UPDATE SET balance = excluded.balance
  )
  SELECT 'wallet-differs' AS kind, account || ' ' || asset AS subject, ${WALLET_DETAIL} AS detail
  FROM due LEFT JOIN ledger.wallet w USING (account, asset)
  WHERE w.balance IS DISTINCT FROM due ${LIMIT}`;

/** Slack for clocks of transactions that began before they waited for the fence. */
const FENCE_SLACK = "interval '30 seconds'";

const streams = (where: string) => `
  SELECT CASE WHEN s.id IS NULL THEN 'stream-unknown' ELSE 'settled-after-fence' END AS kind, t.id::text AS subject,
    'journal ' || t.stream || coalesce(', closed ' || s.closed_at || ', settled ' || t.settled_at, '') AS detail
  FROM ledger.transaction t LEFT JOIN ledger.stream s ON s.id = t.stream
  WHERE (s.id IS NULL OR t.settled_at > s.closed_at + ${FENCE_SLACK}) ${where} ${LIMIT}`;

/** The small questions: cheap beside the two above, asked in either form. $1: where to begin. */
export const SMALL_SINCE = `(${streams("AND t.xact >= $1")})`;
export const SMALL_FULL = `(${streams("")})
  UNION ALL (
    SELECT CASE WHEN account LIKE 'house:%' THEN 'wallet-of-house' ELSE 'wallet-negative' END, account || ' ' || asset,
      'has ' || balance FROM ledger.wallet WHERE balance < 0 OR account LIKE 'house:%' ${LIMIT})
  UNION ALL (
    SELECT 'row-ahead', 'ledger.transfer', 'transaction ' || xact || ' of PostgreSQL has not been: see docs/transactions.md'
    FROM ledger.transfer WHERE xact >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint LIMIT 1)`;

/** Asked every time: these tables are small, or empty when all is well. */
export const ASIDE = `
  (SELECT CASE WHEN q.resolved_at IS NULL THEN 'quarantined-and-decided' ELSE 'retried-without-row' END AS kind,
    q.id::text AS subject, 'set aside ' || q.since || ': ' || left(q.error, 200) AS detail
  FROM ledger.quarantine q LEFT JOIN ledger.transaction t ON t.id = q.id
  WHERE (q.resolved_at IS NULL AND t.id IS NOT NULL)
    OR (q.resolution = 'retried' AND t.id IS NULL AND q.resolved_at < now() - interval '1 minute') ${LIMIT})
  UNION ALL (SELECT 'row-astray', id::text, 'in ledger.transaction_stray' FROM ledger.transaction_stray ${LIMIT})
  UNION ALL (SELECT 'row-astray', transaction::text || '/' || line, 'in ledger.transfer_stray'
    FROM ledger.transfer_stray ${LIMIT})`;
