/** Which entries of a batch are left for another one, because somebody else has a wallet of theirs in hand. */
import { walletKey, walletsOf } from "../decide.ts";
import type { Entry } from "../entry.ts";

/** Asked once for each entry, in the order of arrival: whoever shares something with one who waits, waits behind him. */
export class LeftAlone {
  readonly #wallets: Set<string>;
  readonly #ids = new Set<string>();

  /** `taken`: by `walletKey`. */
  constructor(taken: Iterable<string>) {
    this.#wallets = new Set(taken);
  }

  /** True when it must be left alone; from then on its wallets and its id are taken, too. */
  claims(entry: Entry): boolean {
    // Nearly always nothing is taken.
    if (this.#wallets.size === 0) return false;
    const wallets = [...walletsOf(entry.transfers)].map(([account, asset]) => walletKey(account, asset));
    const waits = this.#ids.has(entry.id) || wallets.some((wallet) => this.#wallets.has(wallet));
    if (!waits) return false;
    this.#ids.add(entry.id);
    for (const wallet of wallets) this.#wallets.add(wallet);
    return true;
  }
}
