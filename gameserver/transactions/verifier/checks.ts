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

/** A name as JSON.stringify writes it. Nearly none needs to_json; without it a seventh of the time is saved. */
const quoted = (name: string) =>
  `CASE WHEN ${plain(name)} THEN '"' || ${name} || '"' ELSE to_json(${name})::text END`;

/** One line as JSON.stringify writes it. Its three names are looked at in one. */
const LINE = `CASE WHEN ${plain("(source || target || asset)")}
  THEN format('["%s","%s","%s",%s]', source, target, asset, amount)
  ELSE format('[%s,%s,%s,%s]', to_json(source), to_json(target), to_json(asset), amount) END`;

/** Lines by transaction, as the JSON that was hashed. Sorted first: the text is joined in order of input. */
const lines = (where: string) => `
  SELECT transaction, count(*) AS lines, string_agg(line, ',') AS text FROM (
    SELECT transaction, ${LINE} AS line FROM ledger.transfer ${where} ORDER BY transaction, ledger.transfer.line
  ) AS sorted GROUP BY transaction`;

/**
 * entry.ts `parametersHash`: SHA-256 in base64url, here with the "=" that base64 ends 32 bytes with. Two `replace` take
 * a tenth of the time of one `translate`.
 */
const HASH = `replace(replace(encode(sha256(convert_to('["' || t.id::text || '","' || t.kind || '",'
  || ${quoted("t.player")} || ',' || CASE WHEN t.counterparty IS NULL THEN 'null' ELSE ${quoted("t.counterparty")} END
  || ',[' || l.text || ']]', 'UTF8')), 'base64'), '+', '-'), '/', '_')`;

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
    WHEN t.outcome = 'declined' THEN true ELSE t.hash || '=' <> ${HASH} END
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

/** What an account is multiplied by in the sums of `WALLETS_ADD_UP` ($1: their key). House accounts have no balance. */
const weight = (account: string) =>
  `CASE WHEN ${account} LIKE 'house:%' THEN 0 ELSE hashtextextended(asset, hashtextextended(${account}, $1)) >> 2 END`;

const weighed = (table: string) =>
  `SELECT coalesce(sum((${weight("account")})::numeric * balance), 0) AS held FROM ledger.${table}`;

/**
 * Whether all wallets are what their lines say (`wallets`), and whether what is kept of those below $2 is (`checked`),
 * by two sums instead of one for each wallet: every line and every balance is multiplied by a number of 62 bits that
 * only its wallet has, and only with this key. Then the sums of lines and balances are equal if each wallet's are; if
 * not, they differ but for a chance of one in 2^61, and anew for each key. Which wallets they are is asked after that.
 */
export const WALLETS_ADD_UP = `
  SELECT l.moved = w.held AS wallets, l.moved - l.late = c.held AS checked FROM (
    SELECT coalesce(sum((${weight("target")} - ${weight("source")})::numeric * amount), 0) AS moved,
      coalesce(sum((${weight("target")} - ${weight("source")})::numeric * amount) FILTER (WHERE xact >= $2), 0) AS late
    FROM ledger.transfer) AS l, (${weighed("wallet")}) AS w, (${weighed("wallet_checked")}) AS c`;

/** Each line twice: what it gives to its target, and what it takes from its source. */
const SIDES = `
    SELECT target AS account, asset, amount AS delta, xact, NULL::bigint AS balance, NULL::numeric AS checked
    FROM ledger.transfer
    UNION ALL SELECT source, asset, -amount, xact, NULL, NULL FROM ledger.transfer`;

/** Whoever has no wallet has nothing. */
const WALLETS_DIFFER = `
  SELECT 'wallet-differs' AS kind, account || ' ' || asset AS subject,
    'has ' || coalesce(balance::text, 'no row') || ', its transfers say ' || due AS detail
  FROM wallets WHERE coalesce(balance, 0) <> due ${LIMIT}`;

/** Those that are not what their lines say, or not what is kept of them. $1: the next checkpoint. */
const WALLETS = `
  WITH wallets AS MATERIALIZED (
    SELECT account, asset, max(balance) AS balance, coalesce(sum(delta), 0) AS due, max(checked) AS checked,
      coalesce(sum(delta) FILTER (WHERE xact < $1), 0) AS known
    FROM (${SIDES}
      UNION ALL SELECT account, asset, NULL, NULL, balance, NULL FROM ledger.wallet
      UNION ALL SELECT account, asset, NULL, NULL, NULL, balance FROM ledger.wallet_checked
    ) AS sides WHERE account NOT LIKE 'house:%' GROUP BY account, asset
    HAVING coalesce(max(balance), 0) <> coalesce(sum(delta), 0)
      OR coalesce(max(checked), 0) <> coalesce(sum(delta) FILTER (WHERE xact < $1), 0)
  )`;

/** For who may only read. $1 has no effect here. */
export const WALLETS_READ_ONLY = `${WALLETS} ${WALLETS_DIFFER}`;

/** $1: the next checkpoint, which is kept. */
export const WALLETS_FULL = `${WALLETS}, kept AS (
    INSERT INTO ledger.wallet_checked (account, asset, balance)
    SELECT account, asset, known FROM wallets WHERE coalesce(checked, 0) <> known
    ON CONFLICT (account, asset) DO UPDATE SET balance = excluded.balance
  ) ${WALLETS_DIFFER}`;

/** $1: the next checkpoint; $2: the last one. */
export const WALLETS_SINCE = `
  WITH moved AS MATERIALIZED (
    SELECT account, asset, sum(delta) AS total, coalesce(sum(delta) FILTER (WHERE xact < $1), 0) AS known
    FROM (${SIDES}) AS sides WHERE account NOT LIKE 'house:%' AND xact >= $2 GROUP BY account, asset
  ), changed AS (
    UPDATE ledger.wallet_checked c SET balance = c.balance + m.known FROM moved m
    WHERE c.account = m.account AND c.asset = m.asset RETURNING c.account, c.asset, c.balance - m.known AS before
  ), due AS MATERIALIZED (
    SELECT account, asset, known, before, coalesce(before, 0) + total AS due
    FROM moved LEFT JOIN changed USING (account, asset)
  ), added AS (
    INSERT INTO ledger.wallet_checked (account, asset, balance) SELECT account, asset, known FROM due
    WHERE before IS NULL
  ), wallets AS (SELECT account, asset, balance, due FROM due LEFT JOIN ledger.wallet w USING (account, asset))
  ${WALLETS_DIFFER}`;

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
