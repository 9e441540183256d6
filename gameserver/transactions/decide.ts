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
export const MAX_BALANCE = 2n ** 63n - 1n;

/** One text per wallet. Accounts and assets hold no line breaks (checked when they come in). */
export const walletKey = (account: Account, asset: string): string => `${account}\n${asset}`;

/** The wallets that a transaction touches, as [account, asset]. */
export function* walletsOf(transfers: readonly Transfer[]): Generator<readonly [Account, string]> {
  for (const { from, to, asset } of transfers) {
    if (hasBalance(from)) yield [from, asset];
    if (hasBalance(to)) yield [to, asset];
  }
}

/** What decides, one after the other. */
export interface Decider {
  /** Decides one transaction at Unix `nowMs`; a settled one is applied. */
  decide(entry: Entry, assets: ReadonlyMap<string, Asset>, nowMs: number): Final;
}

/** Balances as they will be after what was decided so far. */
export class Balances implements Decider {
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

  decide(entry: Entry, assets: ReadonlyMap<string, Asset>, nowMs: number): Final {
    const anyway = declinedAnyway(entry, assets, nowMs);
    if (anyway) return declined(anyway);
    const deltas = new Map<string, bigint>();
    for (const { from, to, asset, amount } of entry.transfers) {
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
    return SETTLED;
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
    return delta > 0n && after > ceilingOf(account, asset) ? "limit" : undefined;
  }
}

/** What a wallet must hold so that everything asked of it can be carried out in the order of arrival. */
export interface Demand {
  readonly account: Account;
  readonly asset: string;
  /** All together. */
  delta: number;
  /** What it must hold at least beforehand. */
  least: number;
  /** How much more than beforehand it holds where that is most, after a gain: with it the ceiling must not be passed. */
  gain: number;
  /** A ceiling that was lowered takes nothing away: it counts for those that gain. */
  ceiling: bigint;
}

/**
 * Decides without knowing any balance: settled is what the wallets' contents alone could object to. It holds if every
 * wallet has what is demanded of it, and then says the same as `Balances` would; otherwise it says nothing.
 *
 * Each line is a step here, while `Balances` takes the lines of a transaction together: that demands more, never less.
 */
export class Demands implements Decider {
  readonly #wallets = new Map<string, Demand>();

  decide(entry: Entry, assets: ReadonlyMap<string, Asset>, nowMs: number): Final {
    const anyway = declinedAnyway(entry, assets, nowMs);
    if (anyway) return declined(anyway);
    for (const { from, to, asset, amount } of entry.transfers) {
      if (hasBalance(from)) {
        const wallet = this.#wallet(from, asset);
        wallet.delta -= amount;
        wallet.least = Math.max(wallet.least, -wallet.delta);
      }
      if (hasBalance(to)) {
        const wallet = this.#wallet(to, asset);
        wallet.ceiling = ceilingOf(to, assets.get(asset) as Asset);
        wallet.delta += amount;
        wallet.gain = Math.max(wallet.gain, wallet.delta);
      }
    }
    return SETTLED;
  }

  /** In ascending order of `walletKey`. Undefined when sums are beyond what numbers count exactly. */
  inOrder(): readonly Demand[] | undefined {
    const wallets = [...this.#wallets].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, demand]) => demand);
    // A sum that is not exact is one of the extremes, or lies between two that are not.
    const exact = ({ least, gain }: Demand) => Number.isSafeInteger(least) && Number.isSafeInteger(gain);
    return wallets.every(exact) ? wallets : undefined;
  }

  #wallet(account: Account, asset: string): Demand {
    const key = walletKey(account, asset);
    const there = this.#wallets.get(key);
    if (there) return there;
    const made = { account, asset, delta: 0, least: 0, gain: 0, ceiling: MAX_BALANCE };
    this.#wallets.set(key, made);
    return made;
  }
}

const SETTLED: Final = { status: "settled" };
const declined = (reason: DeclineReason): Final => ({ status: "declined", reason });

/** Why it is declined whatever the wallets hold. */
function declinedAnyway(
  { validUntil, transfers }: Entry,
  assets: ReadonlyMap<string, Asset>,
  nowMs: number,
): DeclineReason | undefined {
  if (validUntil !== undefined && nowMs > validUntil) return "expired";
  return transfers.every(({ asset }) => assets.has(asset)) ? undefined : "unknown-item";
}

const ceilingOf = (account: Account, { ceiling }: Asset): bigint =>
  account.startsWith("player:") ? (ceiling ?? MAX_BALANCE) : MAX_BALANCE;

function add(map: Map<string, bigint>, key: string, delta: bigint): void {
  map.set(key, (map.get(key) ?? 0n) + delta);
}
