/**
 * The wallets of a batch: read before the decisions, changed after them.
 *
 * A first run reads them without locks and changes each only if its version is still the one that was read: nobody
 * else touches a player's wallet nearly always, and a lock is a write of its own. When somebody did, the batch is run
 * again with the rows locked in ascending order, so that it gets through however many want the same stock.
 * Rows are found by index once: the change goes to where they were seen (ctid), which nobody can have moved without
 * changing the version.
 */
import type { Client } from "../../../platform/postgres.ts";
import { Balances, walletKey, walletsOf } from "../decide.ts";
import type { Entry } from "../entry.ts";

interface Row {
  readonly account: string;
  readonly asset: string;
  readonly balance: string;
  readonly version: string;
  readonly ctid: string;
}

export interface Wallets {
  readonly balances: Balances;
  /** Where each was seen, and in which version, by `walletKey`. */
  readonly rows: ReadonlyMap<string, Row>;
}

/** Undefined when some are missing: see `makeWallets`. */
export async function readWallets(
  client: Client,
  batch: readonly Entry[],
  lock: boolean,
): Promise<Wallets | undefined> {
  const keys = keysOf(batch);
  const { accounts, assets } = columnsOf(keys);
  const found = await select(client, accounts, assets, lock);
  if (found.length < keys.size) return undefined;
  const rows = new Map(found.map((row) => [walletKey(row.account, row.asset), row]));
  const balances = new Map(found.map((row) => [walletKey(row.account, row.asset), BigInt(row.balance)]));
  return { balances: new Balances(balances), rows };
}

/** What is to be changed, in ascending order of wallets: where, in which version, by how much. */
export function changesOf({ balances, rows }: Wallets): {
  readonly ctids: readonly string[];
  readonly versions: readonly string[];
  readonly deltas: readonly string[];
} {
  const deltas = balances.deltas().sort(([a], [b]) => (a < b ? -1 : 1));
  const seen = deltas.map(([key]) => rows.get(key) as Row);
  return {
    ctids: seen.map((row) => row.ctid),
    versions: seen.map((row) => row.version),
    deltas: deltas.map(([, delta]) => delta.toString()),
  };
}

const SELECT = `SELECT w.account, w.asset, w.balance, w.version, w.ctid::text
  FROM unnest($1::text[], $2::text[]) AS k (account, asset)
  JOIN ledger.wallet w ON w.account = k.account AND w.asset = k.asset`;

async function select(
  client: Client,
  accounts: readonly string[],
  assets: readonly string[],
  lock: boolean,
): Promise<Row[]> {
  const query = lock
    ? { name: "ledger-wallets-lock", text: `${SELECT} ORDER BY w.account, w.asset FOR UPDATE OF w` }
    : { name: "ledger-wallets", text: SELECT };
  return (await client.query<Row>({ ...query, values: [accounts, assets] })).rows;
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
    values: [accounts, assets],
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
