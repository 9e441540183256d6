/**
 * What events of stores do to the books: refunds take the goods back, periods of subscriptions give them, and what
 * only a person can decide is said aloud. Everything settles under derived ids, so that an event may be handled twice.
 */
import { fail } from "../../../platform/errors.ts";
import type { Log } from "../../../platform/log.ts";
import type { Pool } from "../../../platform/postgres.ts";
import type { Answer } from "../answer.ts";
import type { Entry } from "../entry.ts";
import { derivedId } from "../ids.ts";
import { findOriginal } from "../ledger/read.ts";
import { type Original, refundOf } from "../request.ts";
import type { Granting } from "./granting.ts";
import type { ReceiptMetrics } from "./metrics.ts";
import { hurry, isOwed } from "./outbox.ts";
import type { Change, StoreEvent } from "./port.ts";
import { receiptId } from "./receipt.ts";
import { noteSubscription } from "./subscriptions.ts";

export interface ConsequencesOptions {
  readonly pool: Pool;
  readonly submit: (entry: Entry) => Promise<Answer>;
  readonly granting: Granting;
  readonly metrics: ReceiptMetrics;
  readonly log: Log;
}

export class Consequences {
  readonly #options: ConsequencesOptions;

  constructor(options: ConsequencesOptions) {
    this.#options = options;
  }

  /** Answers what became of it, in words; throws when it must be tried again. */
  async of(event: StoreEvent, signal: AbortSignal): Promise<string> {
    const { port, breaker } = this.#options.granting.store(event.store);
    const changes = await breaker.run(() => port.interpret(event, signal));
    if (changes === undefined) return "unknown";
    const outcomes: string[] = [];
    for (const change of changes) outcomes.push(await this.#one(event, change, signal));
    return outcomes.join(", ");
  }

  #one(event: StoreEvent, change: Change, signal: AbortSignal): Promise<string> | string {
    const { pool } = this.#options;
    const { store } = event;
    switch (change.kind) {
      case "refund":
        return this.#refund(event, receiptId(store, change.token));
      case "refund-reversed":
        return this.#reverse(event, receiptId(store, change.token));
      case "paid":
        return hurry(pool, receiptId(store, change.token)).then((found) =>
          found ? "looked at" : "not owed",
        );
      case "subscription":
        return noteSubscription(pool, store, change.news).then(() => change.news.state);
      case "period":
        return this.#period(event, change.verified, signal);
      case "attention":
        return this.#attention(event, change.why);
    }
  }

  async #refund(event: StoreEvent, purchase: string): Promise<string> {
    const { pool } = this.#options;
    const original = await findOriginal(pool, purchase);
    if (original) return this.#undo(event, original, "refunded");
    if (await isOwed(pool, purchase)) throw tooEarly(purchase);
    return "not granted";
  }

  /** The goods come again: the refund itself is undone. */
  async #reverse(event: StoreEvent, purchase: string): Promise<string> {
    const refund = await findOriginal(this.#options.pool, derivedId("refund", purchase));
    return refund ? this.#undo(event, refund, "given again") : "not refunded";
  }

  async #undo(event: StoreEvent, original: Original, done: string): Promise<string> {
    const trace = `${event.store}/${event.event}`;
    const answer = await this.#options.submit(refundOf(original, { nowMs: Date.now(), trace }));
    switch (answer.status) {
      case "settled":
        return done;
      case "declined":
        // Spent already: what is left is for a person to weigh.
        return this.#attention(event, `not ${done}: ${answer.reason}, player ${original.player}`);
      case "quarantined":
      case "conflict":
        return this.#attention(event, `not ${done}: ${answer.status}, transaction ${original.id}`);
      default:
        throw tooEarly(original.id);
    }
  }

  async #period(
    event: StoreEvent,
    verified: Extract<Change, { kind: "period" }>["verified"],
    signal: AbortSignal,
  ): Promise<string> {
    const { pool, granting } = this.#options;
    const { store } = event;
    const owner = verified.subscription && (await noteSubscription(pool, store, verified.subscription));
    // Nobody has shown it yet: whoever does so first is its owner, and gets this period then.
    if (owner === undefined) return "of nobody yet";
    const { answer } = await granting.grant(owner, verified, `${store}/${event.event}`, signal);
    if (answer.status === "refused") throw tooEarly(verified.receipt.token);
    return answer.status;
  }

  #attention(event: StoreEvent, why: string): string {
    const { metrics, log } = this.#options;
    metrics.attention(event.store);
    log.error({ store: event.store, event: event.event, kind: event.kind, why }, "a purchase needs a person");
    return why;
  }
}

const tooEarly = (what: string) => fail("TRANSACTION_REFUSED", `${what} is not settled yet; tried again`);
