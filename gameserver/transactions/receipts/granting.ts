/**
 * From a shown receipt to goods: ask the store, write the obligation down, take the money where it has not moved yet,
 * settle. Every step may be repeated; whoever dies between two of them leaves the rest to the outbox of any pod.
 */
import { fail, hasCode } from "../../../platform/errors.ts";
import type { Pool } from "../../../platform/postgres.ts";
import type { Answer } from "../answer.ts";
import type { Asset } from "../decide.ts";
import type { Entry } from "../entry.ts";
import { findTransaction } from "../ledger/read.ts";
import type { GuardedStore } from "./guard.ts";
import type { ReceiptMetrics } from "./metrics.ts";
import { type Obligation, owe, owesNothing } from "./outbox.ts";
import type { Proof, Refused, Verdict, Verified } from "./port.ts";
import { refused } from "./port.ts";
import { entryOfReceipt, type Products, receiptId } from "./receipt.ts";
import { noteSubscription } from "./subscriptions.ts";

export interface GrantingOptions {
  readonly pool: Pool;
  readonly submit: (entry: Entry) => Promise<Answer>;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly products: Products;
  readonly stores: ReadonlyMap<string, GuardedStore>;
  readonly metrics: ReceiptMetrics;
}

/** A receipt as a player shows it. */
export interface Shown extends Proof {
  readonly store: string;
  readonly player: string;
  /** Whom the store must say it was bought for. */
  readonly account?: string | undefined;
}

export interface Granted {
  readonly id: string;
  readonly answer: Answer;
}

export class Granting {
  readonly #options: GrantingOptions;

  constructor(options: GrantingOptions) {
    this.#options = options;
  }

  /** Throws REQUEST_INVALID for a store that is not in the receipts file. */
  store(name: string): GuardedStore {
    const found = this.#options.stores.get(name);
    if (found) return found;
    const known = [...this.#options.stores.keys()].join(", ") || "none";
    throw fail("REQUEST_INVALID", `store: ${name} is not in the receipts file; there is ${known}`, {
      fields: { store: `must be one of ${known}` },
    });
  }

  /** Throws RECEIPT_REFUSED, RECEIPT_TAKEN, RECEIPT_UNVERIFIED, CIRCUIT_OPEN or REQUEST_INVALID. */
  async take(shown: Shown, trace: string, signal: AbortSignal): Promise<Granted> {
    const { store, player, token, product, account } = shown;
    const guarded = this.store(store);
    const proof = { token, product };
    const name = await guarded.port.nameOf(proof);
    // What was decided stays so, whatever the store says of it by now, and whether it is there or not.
    const before = name === undefined ? undefined : await this.#decided(store, name, player);
    if (before) return before;
    const verdict = await this.#verify(guarded, proof, signal);
    if (verdict.status === "refused") throw refusal(verdict);
    if (account !== undefined && verdict.account !== account)
      throw refusal(refused("wrong-account", "the store says that it was bought for another account"));
    return this.grant(player, verdict, trace, signal);
  }

  /** Grants what a store vouches for. Throws as `take` does. */
  async grant(player: string, verified: Verified, trace: string, signal: AbortSignal): Promise<Granted> {
    const { receipt, proof, subscription } = verified;
    const { store, token, product } = receipt;
    const { pool } = this.#options;
    const entry = this.#entry(player, verified, trace);
    if (subscription && (await noteSubscription(pool, store, subscription, player)) !== player) throw taken();
    const owed = { transaction: entry.id, store, token, player, product, proof };
    if (!(await owe(pool, owed))) throw taken();
    if (!verified.captured) {
      const denial = await this.#capture(owed, signal);
      if (denial) throw refusal(denial);
    }
    return this.#submit(entry);
  }

  /** Grants what was left without an answer; false when the store does not vouch for it any more. */
  async regrant(owed: Obligation, signal: AbortSignal): Promise<boolean> {
    const guarded = this.store(owed.store);
    const verdict = await this.#verify(guarded, { token: owed.proof, product: owed.product }, signal);
    if (verdict.status === "refused") {
      await owesNothing(this.#options.pool, owed.transaction, verdict.detail);
      return false;
    }
    // A subscription may be in a later period by now: this one was vouched for before it was written down.
    const verified = { ...verdict, receipt: { ...verdict.receipt, token: owed.token } };
    const entry = this.#entry(owed.player, verified, owed.transaction);
    if (!verified.captured && (await this.#capture(owed, signal))) return false;
    const { answer } = await this.#submit(entry);
    if (answer.status === "refused") throw fail("TRANSACTION_REFUSED", `${answer.reason}: tried again`);
    return true;
  }

  #entry(player: string, { receipt }: Verified, trace: string): Entry {
    const { assets, products } = this.#options;
    return entryOfReceipt(receipt, player, { nowMs: Date.now(), trace, assets, products });
  }

  async #verify({ port, breaker }: GuardedStore, proof: Proof, signal: AbortSignal): Promise<Verdict> {
    const { metrics } = this.#options;
    const began = performance.now();
    const say = (outcome: string) =>
      metrics.verified(port.store, outcome, (performance.now() - began) / 1_000);
    try {
      const verdict = await breaker.run(() => port.verify(proof, signal));
      say(verdict.status === "refused" ? verdict.reason : "verified");
      return verdict;
    } catch (error) {
      if (!hasCode(error, "REQUEST_INVALID")) say("away");
      throw error;
    }
  }

  /** Undefined when the money is ours. */
  async #capture(owed: Obligation, signal: AbortSignal): Promise<Refused | undefined> {
    const { port, breaker } = this.store(owed.store);
    const denial = await breaker.run(() => port.capture(owed, signal));
    if (denial) await owesNothing(this.#options.pool, owed.transaction, denial.detail);
    return denial;
  }

  async #submit(entry: Entry): Promise<Granted> {
    const answer = await this.#options.submit(entry);
    // The same receipt under other goods: the receipts file was changed meanwhile. What was decided stands.
    if (answer.status === "conflict")
      return (await this.#found(entry.id, entry.player)) ?? { id: entry.id, answer: { status: "pending" } };
    return { id: entry.id, answer };
  }

  #decided(store: string, token: string, player: string): Promise<Granted | undefined> {
    return this.#found(receiptId(store, token), player);
  }

  async #found(id: string, player: string): Promise<Granted | undefined> {
    const found = await findTransaction(this.#options.pool, id);
    if (!found) return undefined;
    // One that is set aside is told to whoever asks: it says nothing of its player.
    if (found.answer.status !== "quarantined" && found.player !== player) throw taken();
    return { id, answer: found.answer };
  }
}

const refusal = ({ reason, detail }: Refused) =>
  fail("RECEIPT_REFUSED", `token: ${reason}: ${detail}`, { fields: { token: reason } });

const taken = () =>
  fail("RECEIPT_TAKEN", "token: this receipt belongs to another player", {
    fields: { token: "must be of this player's own purchase" },
  });
