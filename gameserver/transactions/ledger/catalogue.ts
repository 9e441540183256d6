/** What there is to move, and how much of it: written by an operator (`cli.ts`), read by every pod. */
import { fail } from "../../../platform/errors.ts";
import { uuidv7 } from "../../../platform/ids.ts";
import { type Pool, query } from "../../../platform/postgres.ts";
import type { Answer } from "../answer.ts";
import type { Asset } from "../decide.ts";
import { type Entry, parametersHash } from "../entry.ts";
import { HOUSE, stockAccount } from "../transfer.ts";
import type { Ledger } from "./ledger.ts";

/** Whose transaction a change of stock is. */
const OPERATOR = "operator";

export async function readAssets(pool: Pool): Promise<Map<string, Asset>> {
  const rows = await query<{ asset: string; kind: "currency" | "item"; ceiling: string | null }>(
    pool,
    "SELECT asset, kind, ceiling FROM ledger.asset",
  );
  return new Map(
    rows.map(({ asset, kind, ceiling }) => [
      asset,
      { kind, ...(ceiling === null ? {} : { ceiling: BigInt(ceiling) }) },
    ]),
  );
}

/** Items that are limited in number: those with a stock, which a first correction into it makes. */
export async function readLimited(pool: Pool): Promise<Set<string>> {
  const rows = await query<{ asset: string }>(
    pool,
    `SELECT asset FROM ledger.asset a WHERE EXISTS (
       SELECT FROM ledger.wallet w WHERE w.account = 'stock:' || a.asset AND w.asset = a.asset)`,
  );
  return new Set(rows.map(({ asset }) => asset));
}

/** Makes the assets that are missing. What is there already keeps its kind and ceiling. */
export async function declareAssets(pool: Pool, kinds: ReadonlyMap<string, Asset["kind"]>): Promise<void> {
  await query(
    pool,
    `INSERT INTO ledger.asset (asset, kind)
     SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING`,
    [[...kinds.keys()], [...kinds.values()]],
  );
}

/** Makes an asset, or changes its ceiling. What it is, is for ever. Throws REQUEST_INVALID. */
export async function setAsset(
  pool: Pool,
  asset: string,
  kind: Asset["kind"],
  ceiling: number | undefined,
): Promise<void> {
  if (!/^[^\p{Cc}]{1,64}$/u.test(asset))
    throw invalid("asset", "must have 1 to 64 characters and no control characters");
  const rows = await query(
    pool,
    `INSERT INTO ledger.asset AS a VALUES ($1, $2, $3)
     ON CONFLICT (asset) DO UPDATE SET ceiling = excluded.ceiling WHERE a.kind = excluded.kind RETURNING asset`,
    [asset, kind, ceiling ?? null],
  );
  if (rows.length === 0) throw invalid("kind", `cannot change: ${asset} is the other kind already`);
}

/**
 * Brings the stock of an item to `pieces` by a correction; from then on it is sold from its stock only. Pieces that are
 * sold between the look and the correction are missing from the result. Throws REQUEST_INVALID.
 */
export async function setStock(pool: Pool, ledger: Ledger, item: string, pieces: number): Promise<Answer> {
  const asset = (await readAssets(pool)).get(item);
  if (asset?.kind !== "item") throw invalid("item", `${item} is not an item of the catalogue; see asset set`);
  const account = stockAccount(item);
  const make = "INSERT INTO ledger.wallet (account, asset) VALUES ($1, $2) ON CONFLICT DO NOTHING";
  await query(pool, make, [account, item]);
  const sql = "SELECT balance FROM ledger.wallet WHERE account = $1 AND asset = $2";
  const [wallet] = (await query(pool, sql, [account, item])) as [{ balance: string }];
  const more = pieces - Number(wallet.balance);
  if (more === 0) return { status: "settled" };
  const [from, to] = more > 0 ? [HOUSE.catalogue, account] : [account, HOUSE.catalogue];
  const transfers = [{ from, to, asset: item, amount: Math.abs(more) }];
  const body = { id: uuidv7(), kind: "correction" as const, player: OPERATOR, transfers };
  const entry: Entry = { ...body, hash: parametersHash(body), acceptedAt: Date.now(), trace: "stock-set" };
  const [answer] = await ledger.settle([entry]);
  return answer as Answer;
}

const invalid = (field: string, what: string) =>
  fail("REQUEST_INVALID", `${field}: ${what}`, { fields: { [field]: what } });
