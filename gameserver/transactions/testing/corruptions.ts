/**
 * Ways to spoil the books, each as somebody with all rights over the database could, or a fault of disk or code. For
 * the verifier to find: every seed names the row that must be found and under which kind.
 *
 * The victim of each is a purchase of its own by a player of its own who has settled nothing else but a reward.
 */
import type { Client } from "../../../platform/postgres.ts";
import type { FindingKind } from "../verifier/finding.ts";

export interface Victim {
  /** The purchase: one line pays credits, one gives an item. */
  readonly id: string;
  readonly player: string;
}

export interface Corruption {
  readonly name: string;
  readonly kind: FindingKind;
  /** True when a look at what is new finds it, if the victim is new; else only a full one does. */
  readonly incremental: boolean;
  readonly sql: (victim: Victim) => string;
  readonly subject: (victim: Victim) => string;
}

/** An id that no transaction has, in this month's partition, from the victim's own. */
const otherId = ({ id }: Victim) => `${id.slice(0, -12)}0000dead0000`;
const idOf = ({ id }: Victim) => id;
const credits = ({ player }: Victim) => `player:${player} credits`;
const plate = ({ player }: Victim) => `player:${player} hull-plate`;
const ORPHAN = "INSERT INTO ledger.transfer (transaction, line, source, target, asset, amount)";

export const CORRUPTIONS: readonly Corruption[] = [
  {
    name: "a lost line",
    kind: "transaction-changed",
    incremental: true,
    sql: ({ id }) => `DELETE FROM ledger.transfer WHERE transaction = '${id}' AND line = 1`,
    subject: idOf,
  },
  {
    name: "a lost line, by its wallet",
    kind: "wallet-differs",
    incremental: false,
    sql: ({ id }) => `DELETE FROM ledger.transfer WHERE transaction = '${id}' AND line = 1`,
    subject: plate,
  },
  {
    name: "a doubled line",
    kind: "transaction-changed",
    incremental: true,
    sql: ({ id }) =>
      `${ORPHAN} SELECT transaction, 2, source, target, asset, amount FROM ledger.transfer
       WHERE transaction = '${id}' AND line = 0`,
    subject: idOf,
  },
  {
    name: "a doubled line, by its wallet",
    kind: "wallet-differs",
    incremental: true,
    sql: ({ id }) =>
      `${ORPHAN} SELECT transaction, 2, source, target, asset, amount FROM ledger.transfer
       WHERE transaction = '${id}' AND line = 0`,
    subject: credits,
  },
  {
    name: "a doubled transaction",
    kind: "transaction-changed",
    incremental: true,
    sql: (victim) => `
      INSERT INTO ledger.transaction (id, kind, player, hash, outcome, accepted_at, stream, trace)
        SELECT '${otherId(victim)}', kind, player, hash, outcome, accepted_at, stream, trace
        FROM ledger.transaction WHERE id = '${victim.id}';
      ${ORPHAN} SELECT '${otherId(victim)}', line, source, target, asset, amount FROM ledger.transfer
        WHERE transaction = '${victim.id}'`,
    subject: otherId,
  },
  {
    name: "a transaction lost with its lines",
    kind: "wallet-differs",
    incremental: false,
    sql: ({ id }) => `DELETE FROM ledger.transaction WHERE id = '${id}';
      DELETE FROM ledger.transfer WHERE transaction = '${id}'`,
    subject: credits,
  },
  {
    name: "a transaction lost and its lines left",
    kind: "transfer-without-transaction",
    incremental: true,
    sql: ({ id }) => `DELETE FROM ledger.transaction WHERE id = '${id}'`,
    subject: idOf,
  },
  {
    name: "an item from nowhere",
    kind: "transfer-without-transaction",
    incremental: true,
    sql: (victim) => `${ORPHAN} VALUES ('${otherId(victim)}', 0, 'house:catalogue', 'player:${victim.player}',
      'hull-plate', 1);
      UPDATE ledger.wallet SET balance = balance + 1 WHERE account = 'player:${victim.player}' AND asset = 'hull-plate'`,
    subject: otherId,
  },
  {
    name: "a transaction whose lines are lost",
    kind: "transaction-without-transfers",
    incremental: true,
    sql: ({ id }) => `DELETE FROM ledger.transfer WHERE transaction = '${id}'`,
    subject: idOf,
  },
  {
    name: "lines of a declined transaction",
    kind: "transfer-of-declined",
    incremental: true,
    sql: ({ id }) =>
      `UPDATE ledger.transaction SET outcome = 'declined', reason = 'limit' WHERE id = '${id}'`,
    subject: idOf,
  },
  {
    name: "a changed amount, wallets made to fit",
    kind: "transaction-changed",
    incremental: true,
    sql: ({
      id,
      player,
    }) => `UPDATE ledger.transfer SET amount = amount - 1 WHERE transaction = '${id}' AND line = 0;
      UPDATE ledger.wallet SET balance = balance + 1 WHERE account = 'player:${player}' AND asset = 'credits'`,
    subject: idOf,
  },
  {
    name: "a changed house account",
    kind: "transaction-changed",
    incremental: true,
    sql: ({ id }) =>
      `UPDATE ledger.transfer SET target = 'house:pocket' WHERE transaction = '${id}' AND line = 0`,
    subject: idOf,
  },
  {
    name: "a changed player",
    kind: "transaction-changed",
    incremental: true,
    sql: ({ id }) => `UPDATE ledger.transaction SET player = 'eve' WHERE id = '${id}'`,
    subject: idOf,
  },
  {
    name: "a changed balance",
    kind: "wallet-differs",
    incremental: true,
    sql: ({ player }) =>
      `UPDATE ledger.wallet SET balance = balance + 1 WHERE account = 'player:${player}' AND asset = 'credits'`,
    subject: credits,
  },
  {
    name: "a lost wallet",
    kind: "wallet-differs",
    incremental: true,
    sql: ({ player }) =>
      `DELETE FROM ledger.wallet WHERE account = 'player:${player}' AND asset = 'hull-plate'`,
    subject: plate,
  },
  {
    name: "a balance without any transfer",
    kind: "wallet-differs",
    incremental: false,
    sql: ({ player }) => `INSERT INTO ledger.wallet VALUES ('player:${player}', 'captains-hat', 1)`,
    subject: ({ player }) => `player:${player} captains-hat`,
  },
  {
    name: "a balance below zero",
    kind: "wallet-negative",
    incremental: false,
    sql: ({ player }) => `ALTER TABLE ledger.wallet DROP CONSTRAINT wallet_balance_check;
      UPDATE ledger.wallet SET balance = -1 WHERE account = 'player:${player}' AND asset = 'credits'`,
    subject: credits,
  },
  {
    name: "a wallet of the house",
    kind: "wallet-of-house",
    incremental: false,
    sql: ({ player }) => `INSERT INTO ledger.wallet VALUES ('house:${player}', 'credits', 1)`,
    subject: ({ player }) => `house:${player} credits`,
  },
  {
    name: "a commit by who had lost the journal",
    kind: "settled-after-fence",
    incremental: true,
    sql: ({ id }) => `
      WITH s AS (INSERT INTO ledger.stream (server, life, closed_at) VALUES ('x', 'x', now() - interval '1 day')
        RETURNING id)
      UPDATE ledger.transaction SET stream = s.id FROM s WHERE transaction.id = '${id}'`,
    subject: idOf,
  },
  {
    name: "a journal that never was",
    kind: "stream-unknown",
    incremental: true,
    sql: ({ id }) => `UPDATE ledger.transaction SET stream = 987654321 WHERE id = '${id}'`,
    subject: idOf,
  },
  {
    name: "a row outside its month",
    kind: "row-astray",
    incremental: true,
    sql: ({
      id,
    }) => `INSERT INTO ledger.transaction (id, kind, player, hash, outcome, reason, accepted_at, stream, trace)
      SELECT ('00000000' || substr(id::text, 9))::uuid, kind, player, hash, 'declined', 'limit', accepted_at, stream, trace
      FROM ledger.transaction WHERE id = '${id}'`,
    subject: ({ id }) => `00000000${id.slice(8)}`,
  },
  {
    name: "a row from another cluster's time",
    kind: "row-ahead",
    incremental: false,
    sql: ({ id }) => `UPDATE ledger.transfer SET xact = 1::bigint << 60 WHERE transaction = '${id}'`,
    subject: () => "ledger.transfer",
  },
  {
    name: "a decided transaction that is set aside",
    kind: "quarantined-and-decided",
    incremental: true,
    sql: ({ id }) =>
      `INSERT INTO ledger.quarantine (id, entry, hash, error, attempts) VALUES ('${id}', '', '', 'x', 3)`,
    subject: idOf,
  },
  {
    name: "a retry that was forgotten",
    kind: "retried-without-row",
    incremental: true,
    sql: (
      victim,
    ) => `INSERT INTO ledger.quarantine (id, entry, hash, error, attempts, resolved_at, resolution)
      VALUES ('${otherId(victim)}', '', '', 'x', 3, now() - interval '1 hour', 'retried')`,
    subject: otherId,
  },
];

/** Spoils the books as a superuser can: past the triggers that keep them append-only. */
export async function corrupt(
  client: Pick<Client, "query">,
  corruption: Corruption,
  victim: Victim,
): Promise<void> {
  await client.query(
    "SET session_replication_role = replica; SET enable_seqscan = on; SET enable_hashjoin = on",
  );
  await client.query(corruption.sql(victim));
  await client.query("RESET session_replication_role; RESET enable_seqscan; RESET enable_hashjoin");
}
