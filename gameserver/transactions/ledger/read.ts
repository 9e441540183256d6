/** Questions to the books. Always asked of the writer: a replica may not know yet what was just promised. */
import { type Pool, query } from "../../../platform/postgres.ts";
import type { Answer, DeclineReason } from "../answer.ts";
import type { Original } from "../request.ts";
import { playerAccount, type Transfer } from "../transfer.ts";

export interface Recorded {
  readonly id: string;
  readonly kind: string;
  readonly player: string;
  readonly answer: Answer;
  /** RFC 3339; undefined while it is set aside. */
  readonly settledAt: string | undefined;
  readonly trace: string | undefined;
}

interface Row {
  readonly id: string;
  readonly kind: string;
  readonly player: string;
  readonly outcome: "settled" | "declined";
  readonly reason: DeclineReason | null;
  readonly settled_at: Date;
  readonly trace: string;
}

const COLUMNS = "id, kind, player, outcome, reason, settled_at, trace";

/** What stands in the books under an id; undefined when nothing does. */
export async function findTransaction(pool: Pool, id: string): Promise<Recorded | undefined> {
  const [row] = await query<Row>(pool, `SELECT ${COLUMNS} FROM ledger.transaction WHERE id = $1`, [id]);
  if (row) return recorded(row);
  const [aside] = await query(pool, "SELECT FROM ledger.quarantine WHERE id = $1 AND resolved_at IS NULL", [
    id,
  ]);
  if (!aside) return undefined;
  return {
    id,
    kind: "",
    player: "",
    answer: { status: "quarantined" },
    settledAt: undefined,
    trace: undefined,
  };
}

/** A settled transaction with its lines; undefined for one that is not there or was declined. */
export async function findOriginal(pool: Pool, id: string): Promise<Original | undefined> {
  const rows = await query<{ player: string; source: string; target: string; asset: string; amount: string }>(
    pool,
    `SELECT t.player, f.source, f.target, f.asset, f.amount FROM ledger.transaction t
     JOIN ledger.transfer f ON f.transaction = t.id WHERE t.id = $1 AND t.outcome = 'settled' ORDER BY f.line`,
    [id],
  );
  const [first] = rows;
  if (!first) return undefined;
  const transfers = rows.map(
    ({ source, target, asset, amount }): Transfer => ({
      from: source,
      to: target,
      asset,
      amount: Number(amount),
    }),
  );
  return { id, player: first.player, transfers };
}

export interface Holding {
  readonly asset: string;
  /** As text: up to 2^63 − 1. */
  readonly balance: string;
}

export function holdingsOf(pool: Pool, player: string): Promise<Holding[]> {
  return query<{ asset: string; balance: string }>(
    pool,
    "SELECT asset, balance::text FROM ledger.wallet WHERE account = $1 AND balance > 0 ORDER BY asset",
    [playerAccount(player)],
  );
}

/** A player's transactions, newest first; the next page begins behind `before`. */
export async function historyOf(
  pool: Pool,
  player: string,
  limit: number,
  before?: string,
): Promise<Recorded[]> {
  const rows = await query<Row>(
    pool,
    `(SELECT ${COLUMNS} FROM ledger.transaction WHERE player = $1 AND ($2::uuid IS NULL OR id < $2)
        ORDER BY id DESC LIMIT $3)
     UNION (SELECT ${COLUMNS} FROM ledger.transaction WHERE counterparty = $1 AND ($2::uuid IS NULL OR id < $2)
        ORDER BY id DESC LIMIT $3)
     ORDER BY id DESC LIMIT $3`,
    [player, before ?? null, limit],
  );
  return rows.map(recorded);
}

function recorded(row: Row): Recorded {
  const answer: Answer =
    row.outcome === "settled"
      ? { status: "settled" }
      : { status: "declined", reason: row.reason as DeclineReason };
  const { id, kind, player, trace } = row;
  return { id, kind, player, answer, settledAt: row.settled_at.toISOString(), trace };
}
