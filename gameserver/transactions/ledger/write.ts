/**
 * Writes the decisions of a batch: all rows in one statement.
 *
 * Wallets first, then ids, each in ascending order, for every batch: two that share both never wait for each other in
 * a circle (found by the kill loop: a resend at the other pod made a deadlock of a second). What a WITH runs first is
 * what is asked for first, so the ids ask whether all wallets were changed; when not, nothing else is done. Lines follow
 * their ids without a look for conflicts: one that is there before its transaction is a mistake, and fails.
 */
import type { Client } from "../../../platform/postgres.ts";
import { numberArray, textArray } from "./array.ts";
import type { Fresh } from "./decisions.ts";
import { CHANGE, type Changes } from "./wallets.ts";

const WALLET_PARAMETERS = { demanded: 6, seen: 4 } as const;

const writeBy = (by: Changes["by"]): string => {
  const $ = (n: number) => `$${WALLET_PARAMETERS[by] + n}`;
  return `
WITH kept AS (
  ${CHANGE[by]}
), made AS (
  INSERT INTO ledger.transaction
    (id, kind, player, counterparty, hash, outcome, reason, accepted_at, trace, stream)
  SELECT id, kind, player, counterparty, hash, outcome, reason, to_timestamp(accepted / 1000), trace, ${$(10)}
  FROM unnest(${$(1)}::uuid[], ${$(2)}::text[], ${$(3)}::text[], ${$(4)}::text[], ${$(5)}::text[], ${$(6)}::text[],
    ${$(7)}::text[], ${$(8)}::float8[], ${$(9)}::text[])
    AS t (id, kind, player, counterparty, hash, outcome, reason, accepted, trace)
  WHERE (SELECT count(*) FROM kept) = cardinality($1)
    AND NOT EXISTS (SELECT FROM ledger.quarantine WHERE id = ANY (${$(1)}::uuid[]) AND resolved_at IS NULL)
  ORDER BY id ON CONFLICT DO NOTHING RETURNING 1
), moved AS (
  INSERT INTO ledger.transfer (transaction, line, source, target, asset, amount)
  SELECT * FROM unnest(${$(11)}::uuid[], ${$(12)}::smallint[], ${$(13)}::text[], ${$(14)}::text[], ${$(15)}::text[],
    ${$(16)}::bigint[])
  WHERE (SELECT count(*) FROM made) = cardinality(${$(1)}::uuid[])
)
SELECT (SELECT count(*)::int FROM kept) AS kept, (SELECT count(*)::int FROM made) AS made`;
};
const WRITE: Readonly<Record<Changes["by"], string>> = {
  demanded: writeBy("demanded"),
  seen: writeBy("seen"),
};

/**
 * What became of it: all `written`; some `wallets` were not as the changes want them, or some `ids` were decided before
 * or are set aside. Then the transaction is to be rolled back.
 */
export type Written = "written" | "wallets" | "ids";

export async function writeBatch(
  client: Client,
  fresh: readonly Fresh[],
  changes: Changes,
  stream: number,
): Promise<Written> {
  const lines = fresh.flatMap(({ entry, final }) =>
    final.status === "settled"
      ? entry.transfers.map((transfer, line) => ({ ...transfer, id: entry.id, line }))
      : [],
  );
  const { rows } = await client.query<{ made: number; kept: number }>({
    name: `ledger-write-${changes.by}`,
    text: WRITE[changes.by],
    values: [
      ...changes.values,
      textArray(fresh.map(({ entry }) => entry.id)),
      textArray(fresh.map(({ entry }) => entry.kind)),
      textArray(fresh.map(({ entry }) => entry.player)),
      textArray(fresh.map(({ entry }) => entry.counterparty ?? null)),
      textArray(fresh.map(({ entry }) => entry.hash)),
      textArray(fresh.map(({ final }) => final.status)),
      textArray(fresh.map(({ final }) => (final.status === "declined" ? final.reason : null))),
      numberArray(fresh.map(({ entry }) => entry.acceptedAt)),
      textArray(fresh.map(({ entry }) => entry.trace)),
      stream,
      textArray(lines.map((line) => line.id)),
      numberArray(lines.map((line) => line.line)),
      textArray(lines.map((line) => line.from)),
      textArray(lines.map((line) => line.to)),
      textArray(lines.map((line) => line.asset)),
      numberArray(lines.map((line) => line.amount)),
    ],
  });
  const [done] = rows;
  if (done?.kept !== changes.count) return "wallets";
  return done.made === fresh.length ? "written" : "ids";
}
