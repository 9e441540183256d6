/**
 * The wallets of a batch: read before the decisions, changed after them.
 *
 * Three ways to read them (`Hold`). `look`, without locks: each is changed only if its version is still the one that was
 * read. Nobody else touches a player's wallet nearly always, and a lock is a write of its own. `take`, when somebody did:
 * locks those that are free and passes over the others; nothing is waited for, no work is thrown away. `wait` locks all
 * in ascending order, so that a batch gets through however many want the same stock.
 * Rows are found by index once: the change goes to where they were seen (ctid), and is made only where the wallet of that
 * number still stands there in that version. Place and version alone would not do: nothing holds the row in between, and
 * where a row stood another one of the page may stand once it was cleaned up, by chance in the same version.
 */
import type { Client } from "../../../platform/postgres.ts";
import { Balances, walletKey, walletsOf } from "../decide.ts";
import type { Entry } from "../entry.ts";
import { textArray } from "./array.ts";

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
  readonly balances: Balances;
  /** Those that another has in hand, by `walletKey`; only where they were not waited for. */
  readonly taken: readonly string[];
  /** Where each was seen, and in which version, by `walletKey`. */
  readonly rows: ReadonlyMap<string, Row>;
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
  const balances = new Map(found.map((row) => [walletKey(row.account, row.asset), BigInt(row.balance)]));
  return { balances: new Balances(balances), rows, taken };
}

/** What is to be changed, in ascending order of wallets: where, which wallet, in which version, by how much. */
export function changesOf({ balances, rows }: Wallets): {
  readonly ctids: readonly string[];
  readonly numbers: readonly string[];
  readonly versions: readonly string[];
  readonly deltas: readonly string[];
} {
  const deltas = balances.deltas().sort(([a], [b]) => (a < b ? -1 : 1));
  const seen = deltas.map(([key]) => rows.get(key) as Row);
  return {
    ctids: seen.map((row) => row.ctid),
    numbers: seen.map((row) => row.number),
    versions: seen.map((row) => row.version),
    deltas: deltas.map(([, delta]) => delta.toString()),
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
