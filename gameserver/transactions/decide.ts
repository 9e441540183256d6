/**
 * Whether the books allow a transaction: pure, one after the other in the order of arrival, over balances that the
 * caller holds locks on. What is decided for one is seen by the next.
 */
import type { DeclineReason, Final } from "./answer.ts";
import type { Entry } from "./entry.ts";
import { type Account, hasBalance, type Transfer } from "./transfer.ts";

/** What the catalogue says of an asset. */
export interface Asset {
  readonly kind: "currency" | "item";
  /** Most of it that one player may hold; undefined for no limit. */
  readonly ceiling?: bigint | undefined;
}

/** Largest balance: PostgreSQL's bigint. */
const MAX_BALANCE = 2n ** 63n - 1n;

/** One text per wallet. Accounts and assets hold no line breaks (checked when they come in). */
export const walletKey = (account: Account, asset: string): string => `${account}\n${asset}`;

/** The wallets that a transaction touches, as [account, asset]. */
export function* walletsOf(transfers: readonly Transfer[]): Generator<readonly [Account, string]> {
  for (const { from, to, asset } of transfers) {
    if (hasBalance(from)) yield [from, asset];
    if (hasBalance(to)) yield [to, asset];
  }
}

/** Balances as they will be after what was decided so far. */
export class Balances {
  readonly #now: Map<string, bigint>;
  readonly #changed = new Map<string, bigint>();

  /** Balance by `walletKey`; a wallet that is not there is empty. */
  constructor(balances: ReadonlyMap<string, bigint>) {
    this.#now = new Map(balances);
  }

  /** What each changed wallet gains or loses, all decisions together; wallets that end where they began are left out. */
  deltas(): [key: string, delta: bigint][] {
    return [...this.#changed].filter(([, delta]) => delta !== 0n);
  }

  /** Decides one transaction at Unix `nowMs`; a settled one is applied. */
  decide(entry: Entry, assets: ReadonlyMap<string, Asset>, nowMs: number): Final {
    if (entry.validUntil !== undefined && nowMs > entry.validUntil) return declined("expired");
    const deltas = new Map<string, bigint>();
    for (const { from, to, asset, amount } of entry.transfers) {
      if (!assets.has(asset)) return declined("unknown-item");
      const moved = BigInt(amount);
      if (hasBalance(from)) add(deltas, walletKey(from, asset), -moved);
      if (hasBalance(to)) add(deltas, walletKey(to, asset), moved);
    }
    for (const [key, delta] of deltas) {
      const reason = this.#objection(key, delta, assets);
      if (reason) return declined(reason);
    }
    for (const [key, delta] of deltas) {
      add(this.#now, key, delta);
      add(this.#changed, key, delta);
    }
    return { status: "settled" };
  }

  #objection(key: string, delta: bigint, assets: ReadonlyMap<string, Asset>): DeclineReason | undefined {
    const [account = "", name = ""] = key.split("\n");
    const asset = assets.get(name) as Asset;
    const after = (this.#now.get(key) ?? 0n) + delta;
    if (after < 0n) {
      if (account.startsWith("stock:")) return "sold-out";
      return asset.kind === "item" ? "insufficient-goods" : "insufficient-funds";
    }
    // A ceiling that was lowered takes nothing away: only what grows is measured against it.
    const ceiling = account.startsWith("player:") ? (asset.ceiling ?? MAX_BALANCE) : MAX_BALANCE;
    return delta > 0n && after > ceiling ? "limit" : undefined;
  }
}

const declined = (reason: DeclineReason): Final => ({ status: "declined", reason });

function add(map: Map<string, bigint>, key: string, delta: bigint): void {
  map.set(key, (map.get(key) ?? 0n) + delta);
}
