/**
 * What every app store is to us: one that vouches for receipts, takes money, wants to be told, and tells us things.
 * One adapter a store (apple.ts, google.ts, steam.ts, paypal.ts); nothing else knows how a store speaks.
 *
 * Three ends of every question: an answer, `Refused` (the store does not vouch for it: asking again changes nothing), or
 * RECEIPT_UNVERIFIED thrown (the store is away, slow, or speaks nonsense: ask again).
 */
import type { Receipt } from "./receipt.ts";

export type Store = "apple" | "google" | "steam" | "paypal";
export type Environment = "production" | "sandbox";

/** Why a store does not vouch for a receipt. Stable: callers and metrics read it. */
export type RefusedReason =
  /** The store does not know it. */
  | "unknown"
  /** Its signature is not the store's. */
  | "forged"
  /** Refunded, cancelled or charged back. */
  | "revoked"
  /** Pending, failed or never approved. */
  | "not-paid"
  | "wrong-app"
  | "wrong-environment"
  | "wrong-product"
  | "wrong-price"
  | "wrong-account";

export interface Refused {
  readonly status: "refused";
  readonly reason: RefusedReason;
  readonly detail: string;
}

export interface Verified {
  readonly status: "verified";
  readonly receipt: Receipt;
  /** What the store is asked by later; the receipt's own token, or the purchase token that a period belongs to. */
  readonly proof: string;
  /** False while the money has not moved: `capture` comes before anything is granted. */
  readonly captured: boolean;
  /** Whom the store says it was bought for, where the app told it. */
  readonly account?: string | undefined;
  /** Where the receipt is a period of a subscription. */
  readonly subscription?: SubscriptionNews | undefined;
}

export type Verdict = Verified | Refused;

/** What a player shows. */
export interface Proof {
  readonly token: string;
  /** Needed where the store asks for both (Google). */
  readonly product?: string | undefined;
}

export type SubscriptionState = "active" | "grace" | "on-hold" | "expired" | "revoked";

export interface SubscriptionNews {
  /** The store's name for it, the same for all its periods. */
  readonly subscription: string;
  readonly product: string;
  readonly state: SubscriptionState;
  /** Unix ms until which it may be used; undefined when the store did not say. */
  readonly expiresAt: number | undefined;
  /** Unix ms of the news: older ones never undo newer ones. */
  readonly asOf: number;
}

/** An acknowledgement that a store waits for. */
export interface Owed {
  readonly token: string;
  readonly proof: string;
  readonly product: string;
}

/** A store's event as it was kept. */
export interface StoreEvent {
  readonly store: string;
  /** The store's id of it. */
  readonly event: string;
  readonly kind: string;
  /** As it came. */
  readonly body: string;
}

export interface Webhook {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** What an event means for the books. */
export type Change =
  /** Money went back: the goods do too. */
  | { readonly kind: "refund"; readonly token: string }
  /** A refund was taken back: the goods come again. */
  | { readonly kind: "refund-reversed"; readonly token: string }
  /** Money that was awaited has come: what waits for it may be tried again now. */
  | { readonly kind: "paid"; readonly token: string }
  /** A period was paid: its goods go to whoever has the subscription. */
  | { readonly kind: "period"; readonly verified: Verified }
  | { readonly kind: "subscription"; readonly news: SubscriptionNews }
  /** Something that a person must decide. */
  | { readonly kind: "attention"; readonly why: string };

export interface StorePort {
  readonly store: Store;
  /** Name of the receipt, found without asking the store; undefined when that cannot be. */
  nameOf(proof: Proof): Promise<string | undefined>;
  verify(proof: Proof, signal: AbortSignal): Promise<Verdict>;
  /** Takes the money. Safe to repeat; undefined when it is ours. */
  capture(owed: Owed, signal: AbortSignal): Promise<Refused | undefined>;
  /** Tells the store that it was delivered. Safe to repeat. */
  acknowledge(owed: Owed, signal: AbortSignal): Promise<void>;
  /** Checks a webhook's signature. Throws UNAUTHENTICATED, or REQUEST_INVALID for what is not ours. */
  readEvent(webhook: Webhook, signal: AbortSignal): Promise<StoreEvent>;
  /** Undefined for kinds that mean nothing to us. */
  interpret(event: StoreEvent, signal: AbortSignal): Promise<readonly Change[] | undefined>;
  /** Asks whether it is there. */
  probe(signal: AbortSignal): Promise<void>;
}

export const refused = (reason: RefusedReason, detail: string): Refused => ({
  status: "refused",
  reason,
  detail,
});
