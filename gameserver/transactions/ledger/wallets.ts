/**
 * The wallets of a batch: what the decisions go by, and how they are changed after them.
 *
 * Nearly always all of a batch can be carried out. So nothing is read: what each wallet must hold for that is a
 * condition of its change (`demandedWallets`), and if all meet it, the decisions are those that reading would have
 * brought. If one does not, nothing is changed, and the batch is decided again on what the wallets hold (`readWallets`).
 *
 * Three ways to read them (`Hold`). `look`, without locks: each is changed only if its version is still the one that was
 * read. Nobody else touches a player's wallet nearly always, and a lock is a write of its own. `take`, when somebody did:
 * locks those that are free and passes over the others; nothing is waited for, no work is thrown away. `wait` locks all
 * in ascending order, so that a batch gets through however many want the same stock.
 * Rows that were read are not looked for again: the change goes to where they were seen (ctid), and is made only where
 * the wallet of that number still stands there in that version. Place and version alone would not do: nothing holds the
 * row in between, and where a row stood another one of the page may stand once it was cleaned up, by chance in the same
 * version.
 */
import type { Client } from "../../../platform/postgres.ts";
import { Balances, type Decider, Demands, walletKey, walletsOf } from "../decide.ts";
import type { Entry } from "../entry.ts";
import { numberArray, textArray } from "./array.ts";

interface Row {
  readonly account: string;
  readonly asset: string;
  readonly balance: string;
  readonly number: string;
  readonly version: string;
  readonly ctid: string;
}

export type Hold = "look" | "take" | "wait";

export interface Wallets {
  readonly books: Decider;
  /** Those that another has in hand, by `walletKey`; only where they were not waited for. */
  readonly taken: readonly string[];
  /** What the decisions change. Undefined when it is too much to be told without reading. */
  changes(): Changes | undefined;
}

/** Changes of wallets, in ascending order: in it all batches take them, and never wait for each other in a circle. */
export interface Changes {
  /** Which of the statements below makes them. It tells one row for each that it made. */
  readonly by: "demanded" | "seen";
  readonly count: number;
  /** Parameters $1 and on; $1 is an array with an element for each. */
  readonly values: readonly string[];
}

/** How wallets are changed. */
export const CHANGE: Readonly<Record<Changes["by"], string>> = {
  demanded: `UPDATE ledger.wallet w SET balance = w.balance + d.delta, version = w.version + 1, room = NULL
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
      AS d (account, asset, delta, least, gain, ceiling)
    WHERE w.account = d.account AND w.asset = d.asset AND w.balance BETWEEN d.least AND d.ceiling - d.gain RETURNING 1`,
  seen: `UPDATE ledger.wallet w SET balance = w.balance + d.delta, version = w.version + 1, room = NULL
    FROM unnest($1::tid[], $2::bigint[], $3::bigint[], $4::bigint[]) AS d (place, number, version, delta)
    WHERE w.ctid = d.place AND w.number = d.number AND w.version = d.version RETURNING 1`,
};

/** Nothing is read: the changes say what must be there. */
export function demandedWallets(): Wallets {
  const books = new Demands();
  const changes = (): Changes | undefined => {
    const demands = books.inOrder();
    return (
      demands && {
        by: "demanded",
        count: demands.length,
        values: [
          textArray(demands.map(({ account }) => account)),
          textArray(demands.map(({ asset }) => asset)),
          numberArray(demands.map(({ delta }) => delta)),
          numberArray(demands.map(({ least }) => least)),
          numberArray(demands.map(({ gain }) => gain)),
          numberArray(demands.map(({ ceiling }) => ceiling)),
        ],
      }
    );
  };
  return { books, taken: [], changes };
}

/** Undefined when some are missing: see `makeWallets`. */
export async function readWallets(
  client: Client,
  batch: readonly Entry[],
  hold: Hold,
): Promise<Wallets | undefined> {
  const keys = keysOf(batch);
  const { accounts, assets } = columnsOf(keys);
  const found = await select(client, accounts, assets, hold);
  const rows = new Map(found.map((row) => [walletKey(row.account, row.asset), row]));
  const taken = found.length < keys.size ? [...keys.keys()].filter((key) => !rows.has(key)) : [];
  if (taken.length > 0) {
    if (hold !== "take") return undefined;
    const there = columnsOf(new Map(taken.map((key) => [key, keys.get(key) as readonly [string, string]])));
    if ((await select(client, there.accounts, there.assets, "look")).length < taken.length) return undefined;
  }
  const books = new Balances(
    new Map(found.map((row) => [walletKey(row.account, row.asset), BigInt(row.balance)])),
  );
  return { books, taken, changes: () => changesOf(books, rows) };
}

function changesOf(books: Balances, rows: ReadonlyMap<string, Row>): Changes {
  const deltas = books.deltas().sort(([a], [b]) => (a < b ? -1 : 1));
  const seen = deltas.map(([key]) => rows.get(key) as Row);
  return {
    by: "seen",
    count: seen.length,
    values: [
      textArray(seen.map((row) => row.ctid)),
      numberArray(seen.map((row) => row.number)),
      numberArray(seen.map((row) => row.version)),
      numberArray(deltas.map(([, delta]) => delta)),
    ],
  };
}

const SELECT = `SELECT w.account, w.asset, w.balance, w.number, w.version, w.ctid::text
  FROM unnest($1::text[], $2::text[]) AS k (account, asset)
  JOIN ledger.wallet w ON w.account = k.account AND w.asset = k.asset`;

const READ: Readonly<Record<Hold, string>> = {
  look: SELECT,
  take: `${SELECT} FOR UPDATE OF w SKIP LOCKED`,
  wait: `${SELECT} ORDER BY w.account, w.asset FOR UPDATE OF w`,
};

async function select(
  client: Client,
  accounts: readonly string[],
  assets: readonly string[],
  hold: Hold,
): Promise<Row[]> {
  const query = { name: `ledger-wallets-${hold}`, text: READ[hold] };
  return (await client.query<Row>({ ...query, values: [textArray(accounts), textArray(assets)] })).rows;
}

/**
 * Makes those that are missing, a player's first of a kind, empty. In a transaction of its own: while it waits for
 * another's insert it must hold nothing that the other may wait for.
 */
export async function makeWallets(client: Client, batch: readonly Entry[]): Promise<void> {
  const { accounts, assets } = columnsOf(keysOf(batch));
  await client.query({
    name: "ledger-wallets-make",
    text: `INSERT INTO ledger.wallet (account, asset)
      SELECT account, asset FROM unnest($1::text[], $2::text[]) AS k (account, asset) ORDER BY account, asset
      ON CONFLICT DO NOTHING`,
    values: [textArray(accounts), textArray(assets)],
  });
}

function keysOf(batch: readonly Entry[]): Map<string, readonly [string, string]> {
  const keys = new Map<string, readonly [string, string]>();
  for (const entry of batch) {
    for (const [account, asset] of walletsOf(entry.transfers))
      keys.set(walletKey(account, asset), [account, asset]);
  }
  return keys;
}

function columnsOf(keys: ReadonlyMap<string, readonly [string, string]>) {
  const pairs = [...keys.values()];
  return { accounts: pairs.map(([account]) => account), assets: pairs.map(([, asset]) => asset) };
}
