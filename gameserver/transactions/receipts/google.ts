/**
 * Google Play. A receipt is a purchase token with its product; what it is worth is asked of the Developer API each time,
 * so a notification is only a hint that something has changed. A one-time purchase is named by its purchase token, a
 * period of a subscription by its order id.
 */
import { SignJWT } from "jose";
import { z } from "zod";
import { fail } from "../../../platform/errors.ts";
import { AccessToken, askForToken } from "./access-token.ts";
import { ask, away, read, type StoreAnswer } from "./ask.ts";
import { type PushNotification, pushReader } from "./google-push.ts";
import {
  type Change,
  type Environment,
  type Proof,
  refused,
  type StorePort,
  type SubscriptionState,
  type Verdict,
} from "./port.ts";
import type { Product, Products } from "./receipt.ts";
import type { GoogleSettings } from "./settings.ts";

const CREDENTIALS = "google.clientEmail and google.privateKey, and the account's rights in the Play Console";
const SCOPE = "https://www.googleapis.com/auth/androidpublisher";
const ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ASSERTION_SECONDS = 600;

/** `purchases.products`: absent numbers are 0 in Google's JSON. */
const Purchase = z.object({
  /** Without it, an answer of something else would read as a purchase that is paid. */
  kind: z.literal("androidpublisher#productPurchase"),
  purchaseState: z.number().default(0),
  consumptionState: z.number().default(0),
  acknowledgementState: z.number().default(0),
  /** 0 for licence testers; absent for real purchases. */
  purchaseType: z.number().optional(),
  quantity: z.number().default(1),
  productId: z.string().optional(),
  obfuscatedExternalAccountId: z.string().optional(),
});
const Subscription = z.object({
  subscriptionState: z.string(),
  acknowledgementState: z.string().optional(),
  latestOrderId: z.string().optional(),
  testPurchase: z.object({}).optional(),
  lineItems: z
    .array(z.object({ productId: z.string(), expiryTime: z.iso.datetime({ offset: true }).optional() }))
    .min(1),
  externalAccountIdentifiers: z.object({ obfuscatedExternalAccountId: z.string().optional() }).optional(),
});
type Subscription = z.output<typeof Subscription>;

const PURCHASED = 0;
const PENDING = 2;
const TEST_PURCHASE = 0;
const DONE = 1;
const STATES: Readonly<Record<string, SubscriptionState>> = {
  SUBSCRIPTION_STATE_ACTIVE: "active",
  // The player has said that it ends: until then it is theirs.
  SUBSCRIPTION_STATE_CANCELED: "active",
  SUBSCRIPTION_STATE_IN_GRACE_PERIOD: "grace",
  SUBSCRIPTION_STATE_ON_HOLD: "on-hold",
  SUBSCRIPTION_STATE_PAUSED: "on-hold",
  SUBSCRIPTION_STATE_EXPIRED: "expired",
};
/** `SubscriptionNotification.notificationType`: revoked. */
const REVOKED = 12;
/** `VoidedPurchaseNotification.refundType`: only a part of the quantity. */
const PARTIAL_REFUND = 2;
const ONE_TIME_PURCHASED = 1;

export function googleStore(settings: GoogleSettings, products: Products): StorePort {
  const { packageName, timeoutMs, environment } = settings;
  const access = new AccessToken((signal) => fetchToken(settings, signal));
  const root = `${settings.baseUrl}/androidpublisher/v3/applications/${encodeURIComponent(packageName)}/purchases`;
  const readPush = pushReader(settings);

  const call = async (what: string, path: string, signal: AbortSignal, method: "GET" | "POST" = "GET") => {
    const token = await access.get(signal);
    const post = { "content-type": "application/json" };
    return ask({
      what,
      url: `${root}/${path}`,
      method,
      headers: { authorization: `Bearer ${token}`, ...(method === "POST" ? post : {}) },
      ...(method === "POST" ? { body: "{}" } : {}),
      signal,
      timeoutMs,
      credentials: CREDENTIALS,
      denied: () => access.forget(token),
    });
  };
  const productOf = (name: string): Product | undefined => products.get(`google/${name}`);
  const isSubscription = (name: string) => productOf(name)?.type === "subscription";
  const purchasePath = (product: string, token: string) =>
    `products/${encodeURIComponent(product)}/tokens/${encodeURIComponent(token)}`;
  const subscriptionPath = (token: string) => `subscriptionsv2/tokens/${encodeURIComponent(token)}`;

  const wrongEnvironment = (test: boolean) => {
    const given: Environment = test ? "sandbox" : "production";
    if (given === environment) return undefined;
    return refused("wrong-environment", `it is of ${given}, google.environment says ${environment}`);
  };

  const verifyPurchase = async (product: string, token: string, signal: AbortSignal): Promise<Verdict> => {
    const what = "google: the purchase";
    const answer = await call(what, purchasePath(product, token), signal);
    if (answer.status !== 200) return unknownToGoogle(answer);
    const purchase = read(Purchase, what, answer);
    const wrong = wrongEnvironment(purchase.purchaseType === TEST_PURCHASE);
    if (wrong) return wrong;
    if (purchase.productId !== undefined && purchase.productId !== product)
      return refused("wrong-product", `the token is of ${purchase.productId}, not of ${product}`);
    if (purchase.purchaseState === PENDING)
      return refused("not-paid", "the payment is pending; show it again once it is paid");
    if (purchase.purchaseState !== PURCHASED) return refused("revoked", "the purchase was cancelled");
    return {
      status: "verified",
      receipt: { store: "google", token, product, quantity: purchase.quantity },
      proof: token,
      captured: true,
      account: purchase.obfuscatedExternalAccountId,
    };
  };

  const subscriptionOf = async (token: string, signal: AbortSignal): Promise<Subscription | Verdict> => {
    const what = "google: the subscription";
    const answer = await call(what, subscriptionPath(token), signal);
    if (answer.status !== 200) return unknownToGoogle(answer);
    return read(Subscription, what, answer);
  };

  const judge = (subscription: Subscription, token: string, product?: string): Verdict => {
    const { lineItems, latestOrderId, testPurchase, externalAccountIdentifiers } = subscription;
    const line = lineItems.find((item) => item.productId === product) ?? lineItems[0];
    const state = STATES[subscription.subscriptionState];
    const wrong = wrongEnvironment(testPurchase !== undefined);
    if (wrong) return wrong;
    if (!line || (product !== undefined && line.productId !== product))
      return refused("wrong-product", `the token is not of ${product}`);
    if (state === undefined || latestOrderId === undefined)
      return refused("not-paid", `the subscription is ${subscription.subscriptionState}`);
    return {
      status: "verified",
      receipt: { store: "google", token: latestOrderId, product: line.productId, quantity: 1 },
      proof: token,
      captured: true,
      account: externalAccountIdentifiers?.obfuscatedExternalAccountId,
      subscription: {
        subscription: token,
        product: line.productId,
        state,
        expiresAt: line.expiryTime === undefined ? undefined : Date.parse(line.expiryTime),
        asOf: Date.now(),
      },
    };
  };

  const verifySubscription = async (token: string, signal: AbortSignal, product?: string) => {
    const found = await subscriptionOf(token, signal);
    return "status" in found ? found : judge(found, token, product);
  };

  return {
    store: "google",
    // Which period a subscription is in only Google knows.
    nameOf: async ({ token, product }) => (product && !isSubscription(product) ? token : undefined),
    async verify({ token, product }: Proof, signal) {
      if (product === undefined)
        throw fail("REQUEST_INVALID", "product: must be set for google: its API asks by both", {
          fields: { product: "must be set for google" },
        });
      return isSubscription(product)
        ? verifySubscription(token, signal, product)
        : verifyPurchase(product, token, signal);
    },
    // A purchase that is not pending is paid.
    capture: async () => undefined,
    async acknowledge({ proof, product }, signal) {
      const type = productOf(product)?.type;
      if (type === "subscription") {
        const found = await subscriptionOf(proof, signal);
        if (!("status" in found) && found.acknowledgementState === "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED")
          return;
        const path = `subscriptions/${encodeURIComponent(product)}/tokens/${encodeURIComponent(proof)}:acknowledge`;
        return accepted("google: acknowledge", await call("google: acknowledge", path, signal, "POST"));
      }
      const path = purchasePath(product, proof);
      const what = "google: the purchase";
      const purchase = read(Purchase, what, await call(what, path, signal));
      // Consuming acknowledges too.
      const consume = type === "consumable";
      if (purchase.consumptionState === DONE || (!consume && purchase.acknowledgementState === DONE)) return;
      const verb = consume ? "consume" : "acknowledge";
      accepted(`google: ${verb}`, await call(`google: ${verb}`, `${path}:${verb}`, signal, "POST"));
    },
    async readEvent(webhook, signal) {
      const { id, kind } = await readPush(webhook, signal);
      return { store: "google", event: id, kind, body: webhook.body };
    },
    async interpret({ body }, signal) {
      const changes = await changesOf(readPush.notificationIn(body), signal);
      return changes.length === 0 ? undefined : changes;
    },
    async probe(signal) {
      await call("google: probe", purchasePath("probe", "probe"), signal);
    },
  };

  async function changesOf(push: PushNotification, signal: AbortSignal): Promise<readonly Change[]> {
    const { voidedPurchaseNotification: voided, subscriptionNotification: changed } = push;
    if (voided) {
      if (voided.refundType === PARTIAL_REFUND)
        return [{ kind: "attention", why: `part of order ${voided.orderId} was refunded` }];
      const token = voided.productType === 1 ? voided.orderId : voided.purchaseToken;
      return [{ kind: "refund", token }];
    }
    const once = push.oneTimeProductNotification;
    if (once) {
      return once.notificationType === ONE_TIME_PURCHASED
        ? [{ kind: "paid", token: once.purchaseToken }]
        : [];
    }
    if (!changed) return [];
    const verdict = await verifySubscription(changed.purchaseToken, signal);
    if (verdict.status === "refused" || !verdict.subscription) return [];
    const revoked = changed.notificationType === REVOKED;
    const news = revoked ? { ...verdict.subscription, state: "revoked" as const } : verdict.subscription;
    const usable = news.state === "active" || news.state === "grace";
    return [
      { kind: "subscription", news },
      ...(usable ? [{ kind: "period" as const, verified: verdict }] : []),
    ];
  }
}

/** 400, 404, 410: a token that is not Google's, of another app, or gone. */
const unknownToGoogle = ({ status }: StoreAnswer) => refused("unknown", `Google Play answered ${status}`);

/** Google answers nothing. A page that somebody between us answers with is no acknowledgement (found by the storm). */
function accepted(what: string, { status, text }: StoreAnswer): void {
  if (status >= 300 || !/^\s*(\{\s*\})?\s*$/.test(text))
    throw away(what, `answered ${status}, or not to that`);
}

async function fetchToken(settings: GoogleSettings, signal: AbortSignal) {
  const { clientEmail, tokenUrl, privateKey, timeoutMs } = settings;
  const assertion = await new SignJWT({ scope: SCOPE })
    .setProtectedHeader({ alg: "RS256", typ: "JWT" })
    .setIssuer(clientEmail)
    .setAudience(tokenUrl)
    .setIssuedAt()
    .setExpirationTime(`${ASSERTION_SECONDS}s`)
    .sign(privateKey);
  // 400 "invalid_grant": a key that was deleted, a clock that is wrong.
  return askForToken({
    what: "google: an access token",
    url: tokenUrl,
    body: new URLSearchParams({ grant_type: ASSERTION, assertion }).toString(),
    signal,
    timeoutMs,
    credentials: CREDENTIALS,
  });
}
