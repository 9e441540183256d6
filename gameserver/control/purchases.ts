/**
 * Purchases and rewards between players and the transaction processor: resolves offers, hands entries over, tells
 * players what became of them. Opens the processor as soon as PostgreSQL can be reached, and plays on without it.
 */
import { sleep } from "../../platform/background.ts";
import { GamefleetError, messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import type { Registry } from "../../platform/metrics.ts";
import type { Buy, Receipt, ReceiptStatus } from "../../protocol/frames-purchase.ts";
import type { GameDeclaration } from "../game.ts";
import type { Session } from "../sessions/sessions.ts";
import type { GivenReward } from "../simulation/messages.ts";
import type { Answer } from "../transactions/answer.ts";
import { PlayerLimits } from "../transactions/player-limits.ts";
import { entryOf, type TransactionRequest } from "../transactions/request.ts";
import {
  openTransactions,
  type Transactions,
  type TransactionsOptions,
} from "../transactions/transactions.ts";

const OPEN_EVERY_MS = 1_000;
/** A player asks again about what is pending after this time. */
const ASK_AGAIN_MS = 1_000;
/** A late purchase is declined rather than a surprise. */
const VALID_SECONDS = 60;
/** A reward that could not be handed over is tried again, so often and so far apart at most. */
const REWARD_TRIES = 40;
const REWARD_AGAIN_MS = 500;
const CLOSE_MS = 3_000;
/** Settled ids whose effect the game has been told of: a repeated question must not repeat it. */
const REMEMBERED = 10_000;

export interface PurchaseHost {
  session(id: string): Session | undefined;
  /** The session in a seat of an open zone, with the zone's name and epoch. */
  seated(
    zone: number,
    slot: number,
  ): { readonly session: Session; readonly zone: string; readonly epoch: number } | undefined;
  receipt(session: Session, receipt: Receipt): void;
  purchased(session: Session, offer: number, quantity: number): void;
}

export class Purchases {
  readonly #options: Omit<TransactionsOptions, "registry">;
  readonly #registry: Registry;
  readonly #game: GameDeclaration;
  readonly #host: PurchaseHost;
  readonly #log: Log;
  readonly #limits = new PlayerLimits();
  readonly #told = new Set<string>();
  #transactions: Transactions | undefined;

  constructor(
    options: Omit<TransactionsOptions, "registry">,
    registry: Registry,
    game: GameDeclaration,
    host: PurchaseHost,
  ) {
    this.#options = options;
    this.#registry = registry;
    this.#game = game;
    this.#host = host;
    this.#log = options.log;
  }

  /** Undefined while PostgreSQL could not be reached yet. */
  get transactions(): Transactions | undefined {
    return this.#transactions;
  }

  async run(signal: AbortSignal): Promise<void> {
    let told = "";
    while (!signal.aborted && !this.#transactions) {
      try {
        const declares = assetsOf(this.#game);
        const options = { ...this.#options, registry: this.#registry, declares };
        this.#transactions = await openTransactions(options);
      } catch (error) {
        // Said once for each reason: it is tried every second.
        if (messageOf(error) !== told)
          this.#log.warn({ err: { message: messageOf(error) } }, "no purchases yet");
        told = messageOf(error);
        await sleep(OPEN_EVERY_MS, signal);
      }
    }
    await this.#transactions?.run(signal);
  }

  async close(): Promise<void> {
    await this.#transactions?.close(CLOSE_MS);
  }

  /** A player buys, or asks again. Never throws: the receipt tells. */
  async buy(sessionId: string, buy: Buy): Promise<void> {
    const session = this.#host.session(sessionId);
    if (!session) return;
    const receipt = await this.#receipt(session, buy);
    const now = this.#host.session(sessionId);
    if (!now) return;
    if (receipt.status === "settled") this.#giveEffect(now, buy);
    this.#host.receipt(now, receipt);
  }

  /** A rule gives a reward. Tried again for a while when the stores are away; then it is only in the log. */
  async reward(zone: number, slot: number, reward: GivenReward): Promise<void> {
    let why = "the player is gone";
    for (let tries = 0; tries < REWARD_TRIES; tries++) {
      // A reward given at the join is told before the session is in the table.
      const seated = this.#host.seated(zone, slot);
      if (seated) {
        const answer = await this.#give(seated.session, seated.zone, seated.epoch, reward);
        if (answer !== undefined && answer.status !== "refused") return;
        why = answer === undefined ? "no ledger yet" : answer.reason;
      }
      await new Promise((resolve) => setTimeout(resolve, REWARD_AGAIN_MS));
    }
    this.#log.error({ zone, slot, reward, why }, "reward not given");
  }

  async #receipt(session: Session, buy: Buy): Promise<Receipt> {
    const say = (status: ReceiptStatus, againAfterMs = 0, detail = ""): Receipt => ({
      id: buy.id,
      status,
      againAfterMs,
      detail,
    });
    const transactions = this.#transactions;
    if (!transactions) return say("refused", ASK_AGAIN_MS, "stores-away");
    try {
      this.#limits.take(session.player, performance.now());
      const entry = this.#entry(transactions, this.#order(session, buy), buy.id);
      return receiptOf(await transactions.processor.submit(entry), say);
    } catch (error) {
      if (!(error instanceof GamefleetError)) throw error;
      if (error.retryable) return say("refused", (error.retryAfterSeconds ?? 1) * 1_000, error.code);
      return say("invalid", 0, error.message);
    }
  }

  #order(session: Session, buy: Buy): Exclude<TransactionRequest, { kind: "refund" }> {
    const offers = this.#game.offers ?? {};
    const offer = Object.hasOwn(offers, buy.offer) ? offers[buy.offer] : undefined;
    if (!offer) {
      const known = Object.keys(offers).join(", ") || "none";
      throw new GamefleetError("REQUEST_INVALID", `offer: "${buy.offer}" is not one of ${known}`);
    }
    return {
      kind: "purchase",
      id: buy.id,
      player: session.player,
      price: [{ asset: offer.currency, amount: offer.price * buy.quantity }],
      goods: Object.entries(offer.gives).map(([asset, n]) => ({ asset, amount: n * buy.quantity })),
      validForSeconds: VALID_SECONDS,
    };
  }

  #entry(transactions: Transactions, order: Exclude<TransactionRequest, { kind: "refund" }>, trace: string) {
    const { assets, limited } = transactions;
    return entryOf(order, { nowMs: Date.now(), trace, assets, limited });
  }

  #giveEffect(session: Session, { id, offer, quantity }: Buy): void {
    if (this.#told.has(id)) return;
    this.#told.add(id);
    if (this.#told.size > REMEMBERED) {
      const [oldest] = this.#told;
      if (oldest !== undefined) this.#told.delete(oldest);
    }
    this.#host.purchased(session, Object.keys(this.#game.offers ?? {}).indexOf(offer), quantity);
  }

  async #give(
    session: Session,
    zone: string,
    epoch: number,
    reward: GivenReward,
  ): Promise<Answer | undefined> {
    const transactions = this.#transactions;
    if (!transactions) return undefined;
    const goods = Object.entries(reward.goods).map(([asset, amount]) => ({ asset, amount }));
    const season = reward.key === undefined ? "" : `${zone}/${epoch}/${reward.key}`;
    const order = { kind: "reward" as const, player: session.player, season, reward: reward.name, goods };
    try {
      return await transactions.processor.submit(this.#entry(transactions, order, session.session));
    } catch (error) {
      this.#log.error({ reward, err: { message: messageOf(error) } }, "reward is not one of the catalogue");
      return { status: "conflict" };
    }
  }
}

function receiptOf(
  answer: Answer,
  say: (status: ReceiptStatus, againAfterMs?: number, detail?: string) => Receipt,
): Receipt {
  switch (answer.status) {
    case "declined":
      return say("declined", 0, answer.reason);
    case "pending":
      return say("pending", ASK_AGAIN_MS);
    case "refused":
      return say("refused", answer.retryAfterMs, answer.reason);
    default:
      return say(answer.status);
  }
}

/** What the offers name: their currencies, and the items that they give. */
function assetsOf({ offers = {} }: GameDeclaration): Map<string, "currency" | "item"> {
  const kinds = new Map<string, "currency" | "item">();
  for (const { currency, gives } of Object.values(offers)) {
    for (const item of Object.keys(gives)) kinds.set(item, "item");
    kinds.set(currency, "currency");
  }
  return kinds;
}
