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

/** Whether JSON.stringify only puts quotes around them. */
const plain = (names: string) => `strpos(${names}, '"') = 0 AND strpos(${names}, E'\\\\') = 0`;

const json = (name: string) => `to_json(${name})::text`;

/** One line as JSON.stringify writes it. Nearly none needs to_json; its three names are looked at in one. */
const LINE = `CASE WHEN ${plain("(source || target || asset)")}
  THEN '["' || source || '","' || target || '","' || asset || '",' || amount || ']'
  ELSE '[' || ${json("source")} || ',' || ${json("target")} || ',' || ${json("asset")} || ',' || amount || ']' END`;

/** Lines by transaction, as the JSON that was hashed. Sorted first: the text is joined in order of input. */
const lines = (transfers: string) => `
  SELECT transaction, count(*) AS lines, string_agg(part, ',') AS text
  FROM (SELECT transaction, ${LINE} AS part FROM ${transfers} ORDER BY transaction, line) AS sorted GROUP BY transaction`;

/** What entry.ts `parametersHash` hashes. Most have one player, whose name is plain. */
const TEXT = `CASE WHEN t.counterparty IS NULL AND ${plain("t.player")}
  THEN '["' || t.id || '","' || t.kind || '","' || t.player || '",null,[' || l.text || ']]'
  ELSE '["' || t.id || '","' || t.kind || '",' || ${json("t.player")} || ','
    || coalesce(${json("t.counterparty")}, 'null') || ',[' || l.text || ']]' END`;

/** In base64url, here with the "=" that base64 ends 32 bytes with. Two `replace` take a tenth of one `translate`. */
const HASH = `replace(replace(encode(sha256(convert_to(${TEXT}, 'UTF8')), 'base64'), '+', '-'), '/', '_')`;

const transactions = (own: string, transfers: string, most: string) => `
  SELECT CASE WHEN t.id IS NULL THEN 'transfer-without-transaction'
      WHEN t.outcome = 'declined' THEN 'transfer-of-declined'
      WHEN l.transaction IS NULL THEN 'transaction-without-transfers'
      ELSE 'transaction-changed' END AS kind,
    coalesce(t.id, l.transaction)::text AS subject,
    CASE WHEN t.id IS NULL THEN l.lines || ' lines: ' || left(l.text, 300)
      WHEN l.transaction IS NULL THEN t.kind || ' of ' || t.player
      ELSE t.kind || ' of ' || t.player || ', ' || l.lines || ' lines: ' || left(l.text, 300) END AS detail
  FROM (SELECT id, kind, player, counterparty, hash, outcome FROM ${own}) AS t
  FULL JOIN (${lines(transfers)}) AS l ON l.transaction = t.id
  WHERE CASE WHEN t.id IS NULL THEN true WHEN l.transaction IS NULL THEN t.outcome = 'settled'
    WHEN t.outcome = 'declined' THEN true ELSE t.hash || '=' <> ${HASH} END
  LIMIT ${most}`;

const within = (id: string) => `WHERE ${id} >= $1 AND ($2::uuid IS NULL OR ${id} < $2)`;

/** Ids from $1 to below $2, $3 findings at most: one partition at a time takes a seventh less than all of them merged. */
export const TRANSACTIONS_FULL = transactions(
  `ledger.transaction ${within("id")}`,
  `ledger.transfer ${within("transaction")}`,
  "$3",
);

/** Where partitions begin and end. */
export const BOUNDS = `
  SELECT DISTINCT (regexp_matches(pg_get_expr(c.relpartbound, c.oid), '[0-9a-f]{8}-[0-9a-f-]{27}', 'g'))[1]::uuid AS id
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent IN ('ledger.transaction'::regclass, 'ledger.transfer'::regclass) ORDER BY id`;

/** Slack for clocks of transactions that began before they waited for the fence. */
export const FENCE_SLACK = "interval '30 seconds'";

const streams = (own: string) => `
  SELECT CASE WHEN s.id IS NULL THEN 'stream-unknown' ELSE 'settled-after-fence' END AS kind, t.id::text AS subject,
    'journal ' || t.stream || coalesce(', closed ' || s.closed_at || ', settled ' || t.settled_at, '') AS detail
  FROM ${own} t LEFT JOIN ledger.stream s ON s.id = t.stream
  WHERE s.id IS NULL OR t.settled_at > s.closed_at + ${FENCE_SLACK} ${LIMIT}`;

export const STREAMS_FULL = streams("ledger.transaction");

/**
 * Rows of `rows, kind, subject, detail`: one with no kind when all is well. What is new is read once; each question is
 * asked of that.
 *
 * A line is written by the same PostgreSQL transaction as its transaction: one that comes later belongs to nothing here
 * and is found as such, or as a change of what stood there.
 */
export const NEW_ROWS = `
  WITH own AS MATERIALIZED (
    SELECT id, kind, player, counterparty, hash, outcome, stream, settled_at FROM ledger.transaction WHERE xact >= $1
  ), transfers AS MATERIALIZED (
    SELECT transaction, line, source, target, asset, amount FROM ledger.transfer WHERE xact >= $1
  ), found AS (
    (SELECT CASE WHEN kind = 'transfer-without-transaction'
        AND EXISTS (SELECT FROM ledger.transaction o WHERE o.id = subject::uuid)
      THEN 'transaction-changed' ELSE kind END AS kind, subject, detail
    FROM (${transactions("own", "transfers", `${MAX_FINDINGS}`)}) AS changed)
    UNION ALL (${streams("own")})
  )
  SELECT rows, kind, subject, detail
  FROM (SELECT (SELECT count(*) FROM own)::int + (SELECT count(*) FROM transfers)::int AS rows) AS read
  LEFT JOIN found ON true`;

/** Each line twice: what it gives to its target, and what it takes from its source. The house has no wallets. */
const SIDES = `ledger.transfer, LATERAL (VALUES (target, amount), (source, -amount)) AS side (account, delta)`;

/** Whoever has no wallet has nothing. */
const WALLETS_DIFFER = `
  SELECT 'wallet-differs' AS kind, account || ' ' || asset AS subject,
    'has ' || coalesce(balance::text, 'no row') || ', its transfers say ' || due AS detail
  FROM wallets WHERE coalesce(balance, 0) <> due ${LIMIT}`;

export const WALLETS_FULL = `
  WITH wallets AS (
    SELECT account, asset, max(balance) AS balance, coalesce(sum(delta), 0) AS due
    FROM (SELECT account, asset, delta, NULL::bigint AS balance FROM ${SIDES}
      UNION ALL SELECT account, asset, NULL, balance FROM ledger.wallet
    ) AS sides WHERE account NOT LIKE 'house:%' GROUP BY account, asset
  ) ${WALLETS_DIFFER}`;

/** Sees to what is kept, too, in the order in which it is looked up (WALLETS_SINCE). $1: the next checkpoint. */
export const WALLETS_FULL_KEEP = `
  WITH wallets AS MATERIALIZED (
    SELECT account, asset, max(balance) AS balance, coalesce(sum(delta), 0) AS due, max(checked) AS checked,
      coalesce(sum(delta) FILTER (WHERE xact < $1), 0) AS known
    FROM (
      SELECT account, asset, delta, xact, NULL::bigint AS balance, NULL::numeric AS checked FROM ${SIDES}
      UNION ALL SELECT account, asset, NULL, NULL, balance, NULL FROM ledger.wallet
      UNION ALL SELECT account, asset, NULL, NULL, NULL, balance FROM ledger.wallet_checked
    ) AS sides WHERE account NOT LIKE 'house:%' GROUP BY account, asset
    HAVING coalesce(max(balance), 0) <> coalesce(sum(delta), 0)
      OR coalesce(max(checked), 0) <> coalesce(sum(delta) FILTER (WHERE xact < $1), 0)
  ), kept AS (
    INSERT INTO ledger.wallet_checked (account, asset, balance)
    SELECT account, asset, known FROM wallets WHERE coalesce(checked, 0) <> known ORDER BY account, asset
    ON CONFLICT (account, asset) DO UPDATE SET balance = excluded.balance
  ) ${WALLETS_DIFFER}`;

/**
 * What moved. $1: the next checkpoint; $2: the last one. Each wallet is looked up by its key, in the order of keys, and
 * what is kept of it is changed where it was found: nobody else changes that.
 */
export const WALLETS_SINCE = `
  WITH moved AS MATERIALIZED (
    SELECT account, asset, sum(delta) AS total, coalesce(sum(delta) FILTER (WHERE xact < $1), 0) AS known
    FROM ${SIDES} WHERE account NOT LIKE 'house:%' AND xact >= $2 GROUP BY account, asset
    ORDER BY account, asset
  ), wallets AS MATERIALIZED (
    SELECT account, asset, known, c.ctid AS place, c.balance AS before, w.balance, coalesce(c.balance, 0) + total AS due
    FROM moved LEFT JOIN ledger.wallet_checked c USING (account, asset) LEFT JOIN ledger.wallet w USING (account, asset)
  ), changed AS (
    UPDATE ledger.wallet_checked c SET balance = before + known FROM wallets WHERE c.ctid = place AND known <> 0
  ), added AS (
    INSERT INTO ledger.wallet_checked (account, asset, balance) SELECT account, asset, known FROM wallets
    WHERE place IS NULL
  ) ${WALLETS_DIFFER}`;

/** Wallets that should not be, whatever their lines say. */
export const WALLETS_ODD = `
  SELECT CASE WHEN account LIKE 'house:%' THEN 'wallet-of-house' ELSE 'wallet-negative' END AS kind,
    account || ' ' || asset AS subject, 'has ' || balance AS detail
  FROM ledger.wallet WHERE balance < 0 OR account LIKE 'house:%' ${LIMIT}`;

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

export const AHEAD = `
  SELECT 'row-ahead' AS kind, 'ledger.transfer' AS subject,
    'transaction ' || max(xact) || ' of PostgreSQL has not been: see docs/transactions.md' AS detail
  FROM ledger.transfer`;
