/**
 * Writes the decisions of a batch: all rows in one statement.
 *
 * Wallets first, then ids, each in ascending order, for every batch: two that share both never wait for each other in
 * a circle (found by the kill loop: a resend at the other pod made a deadlock of a second). What a WITH runs first is
 * what is asked for first, so the ids ask whether all wallets were changed; when not, nothing else is done. Nobody looks
 * for conflicts: an id that is there already fails, which is told from a line that is there before its transaction: that
 * is a mistake.
 *
 * What can be said once, or not at all, is: arrays of nulls are empty, lines name their transaction by its place.
 */
import type { Client } from "../../../platform/postgres.ts";
import { numberArray, textArray } from "./array.ts";
import type { Fresh } from "./decisions.ts";
import { CHANGE, type Changes } from "./wallets.ts";

const WALLET_PARAMETERS = { demanded: 6, seen: 4 } as const;

const writeBy = (by: Changes["by"]): string => {
  const $ = (n: number) => `$${WALLET_PARAMETERS[by] + n}`;
  const ids = `${$(1)}::uuid[]`;
  // As a default it would be made for each row.
  const xact = "(SELECT pg_current_xact_id()::text::bigint)";
  return `
WITH kept AS (
  ${CHANGE[by]}
), made AS (
  INSERT INTO ledger.transaction
    (id, kind, player, hash, accepted_at, trace, counterparty, reason, outcome, stream, xact)
  SELECT id, kind, player, hash, to_timestamp(accepted / 1000), trace, counterparty, reason,
    CASE WHEN reason IS NULL THEN 'settled' ELSE 'declined' END, ${$(8)}, ${xact}
  FROM unnest(${ids}, ${$(2)}::text[], ${$(3)}::text[], ${$(4)}::text[], ${$(5)}::float8[], ${$(6)}::text[],
    ${$(7)}::text[], ${$(9)}::text[]) AS t (id, kind, player, hash, accepted, trace, counterparty, reason)
  WHERE (SELECT count(*) FROM kept) = cardinality($1)
    AND NOT EXISTS (SELECT FROM ledger.quarantine WHERE id = ANY (${ids}) AND resolved_at IS NULL)
  ORDER BY id RETURNING 1
), moved AS (
  INSERT INTO ledger.transfer (transaction, line, source, target, asset, amount, xact)
  SELECT (${ids})[place], line, source, target, asset, amount, ${xact}
  FROM unnest(${$(10)}::int[], ${$(11)}::smallint[], ${$(12)}::text[], ${$(13)}::text[], ${$(14)}::text[],
    ${$(15)}::bigint[]) AS l (place, line, source, target, asset, amount)
  WHERE (SELECT count(*) FROM made) > 0
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
  try {
    const { rows } = await client.query<{ made: number; kept: number }>({
      name: `ledger-write-${changes.by}`,
      text: WRITE[changes.by],
      values: [...changes.values, ...transactionsOf(fresh, stream), ...linesOf(fresh)],
    });
    const [done] = rows;
    if (done?.kept !== changes.count) return "wallets";
    return done.made === fresh.length ? "written" : "ids";
  } catch (error) {
    const { code, table } = error as { readonly code?: unknown; readonly table?: unknown };
    if (code === "23505" && String(table).startsWith("transaction")) return "ids";
    throw error;
  }
}

function transactionsOf(fresh: readonly Fresh[], stream: number): (string | number)[] {
  return [
    textArray(fresh.map(({ entry }) => entry.id)),
    textArray(fresh.map(({ entry }) => entry.kind)),
    textArray(fresh.map(({ entry }) => entry.player)),
    textArray(fresh.map(({ entry }) => entry.hash)),
    numberArray(fresh.map(({ entry }) => entry.acceptedAt)),
    textArray(fresh.map(({ entry }) => entry.trace)),
    orNulls(fresh.map(({ entry }) => entry.counterparty)),
    stream,
    orNulls(fresh.map(({ final }) => (final.status === "declined" ? final.reason : undefined))),
  ];
}

/** Shorter arrays are filled up with nulls. */
const orNulls = (values: readonly (string | undefined)[]): string =>
  values.every((value) => value === undefined) ? "{}" : textArray(values.map((value) => value ?? null));

function linesOf(fresh: readonly Fresh[]): string[] {
  const lines = fresh.flatMap(({ entry, final }, index) =>
    final.status === "settled"
      ? entry.transfers.map((transfer, line) => ({ transfer, place: index + 1, line }))
      : [],
  );
  return [
    numberArray(lines.map(({ place }) => place)),
    numberArray(lines.map(({ line }) => line)),
    textArray(lines.map(({ transfer }) => transfer.from)),
    textArray(lines.map(({ transfer }) => transfer.to)),
    textArray(lines.map(({ transfer }) => transfer.asset)),
    numberArray(lines.map(({ transfer }) => transfer.amount)),
  ];
}
