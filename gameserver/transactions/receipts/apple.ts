/**
 * The App Store. A receipt is a signed transaction (StoreKit 2) or a transaction's id; either is confirmed by the App
 * Store Server API, which knows what was refunded since. Notifications are of version 2.
 */
import { SignJWT } from "jose";
import { z } from "zod";
import { fail, messageOf } from "../../../platform/errors.ts";
import { Transaction, verifiedPayload } from "./apple-jws.ts";
import { ask, away, read, type StoreAnswer } from "./ask.ts";
import {
  type Change,
  refused,
  type StorePort,
  type SubscriptionNews,
  type SubscriptionState,
  type Verdict,
} from "./port.ts";
import type { AppleSettings } from "./settings.ts";

const ENVIRONMENTS = { production: "Production", sandbox: "Sandbox" } as const;
const CREDENTIALS = "apple.issuerId, apple.keyId and apple.privateKey";
const TOKEN_SECONDS = 300;
const SUBSCRIPTION = "Auto-Renewable Subscription";
const TRANSACTION_ID = /^\d{1,32}$/;

const TransactionInfo = z.object({ signedTransactionInfo: z.string() });
const Notification = z.object({
  notificationType: z.string(),
  subtype: z.string().optional(),
  notificationUUID: z.string().min(1).max(128),
  data: z
    .object({
      bundleId: z.string(),
      environment: z.string(),
      status: z.number().optional(),
      signedTransactionInfo: z.string().optional(),
      signedRenewalInfo: z.string().optional(),
    })
    .optional(),
});
const Push = z.object({ signedPayload: z.string() });
const Renewal = z.object({ gracePeriodExpiresDate: z.number().optional() });

/** `data.status` of a notification. 3 is "billing retry": the player has nothing until it succeeds. */
const STATES: Readonly<Record<number, SubscriptionState>> = {
  1: "active",
  2: "expired",
  3: "on-hold",
  4: "grace",
  5: "revoked",
};

export function appleStore(settings: AppleSettings): StorePort {
  const { roots, bundleId, timeoutMs, environment, baseUrl } = settings;

  const authorization = async (): Promise<string> => {
    const token = await new SignJWT({ bid: bundleId })
      .setProtectedHeader({ alg: "ES256", kid: settings.keyId, typ: "JWT" })
      .setIssuer(settings.issuerId)
      .setAudience("appstoreconnect-v1")
      .setIssuedAt()
      .setExpirationTime(`${TOKEN_SECONDS}s`)
      .sign(settings.privateKey);
    return `Bearer ${token}`;
  };
  const call = async (what: string, path: string, signal: AbortSignal, method: "GET" | "POST" = "GET") => {
    const headers = { authorization: await authorization() };
    const url = `${baseUrl}/inApps/v1/transactions/${path}`;
    return ask({ what, url, method, headers, signal, timeoutMs, credentials: CREDENTIALS });
  };

  /** A text that Apple signed just now, inside an answer. */
  const confirmed = async (what: string, answer: StoreAnswer): Promise<Transaction> => {
    const { signedTransactionInfo } = read(TransactionInfo, what, answer);
    try {
      return Transaction.parse(await verifiedPayload(signedTransactionInfo, roots));
    } catch (error) {
      throw away(what, `the answer is not signed by Apple: ${messageOf(error)}`, error);
    }
  };

  const judge = (transaction: Transaction): Verdict => {
    const { transactionId: token, productId: product, quantity, revocationDate } = transaction;
    if (transaction.bundleId !== bundleId)
      return refused("wrong-app", `it is of ${transaction.bundleId}, not of ${bundleId}`);
    if (transaction.environment !== ENVIRONMENTS[environment])
      return refused(
        "wrong-environment",
        `it is of ${transaction.environment}, apple.environment says ${environment}`,
      );
    if (revocationDate !== undefined) return refused("revoked", "the App Store has taken it back");
    const subscription = newsOf(transaction, "active", transaction.expiresDate);
    return {
      status: "verified",
      receipt: { store: "apple", token, product, quantity },
      proof: token,
      captured: true,
      account: transaction.appAccountToken,
      subscription,
    };
  };

  return {
    store: "apple",
    async nameOf({ token }) {
      if (TRANSACTION_ID.test(token)) return token;
      try {
        return Transaction.parse(await verifiedPayload(token, roots)).transactionId;
      } catch {
        // What is wrong with it is for `verify` to tell.
        return undefined;
      }
    },
    async verify({ token }, signal) {
      let id = token;
      if (!TRANSACTION_ID.test(token)) {
        try {
          id = Transaction.parse(await verifiedPayload(token, roots)).transactionId;
        } catch (error) {
          return refused("forged", `it is not a transaction that Apple signed: ${messageOf(error)}`);
        }
      }
      const what = "apple: the transaction";
      const answer = await call(what, id, signal);
      if (answer.status !== 200) return refused("unknown", `the App Store answered ${answer.status}`);
      return judge(await confirmed(what, answer));
    },
    // Whoever has a transaction of the App Store has paid.
    capture: async () => undefined,
    async acknowledge({ token }, signal) {
      if (!settings.finish) return;
      // Whatever it answers: 4xx is finished by the app before, or gone. Nothing that asking again would change.
      await call("apple: finish", `${token}/finish`, signal, "POST");
    },
    async readEvent({ body }) {
      const notification = await signedNotification(body, settings);
      const { notificationUUID: event, notificationType, subtype } = notification;
      return { store: "apple", event, kind: [notificationType, subtype].filter(Boolean).join("."), body };
    },
    async interpret(event) {
      const { notificationType, data } = await signedNotification(event.body, settings);
      if (!data?.signedTransactionInfo) return undefined;
      const transaction = Transaction.parse(await verifiedPayload(data.signedTransactionInfo, roots));
      const changes: Change[] = [];
      if (notificationType === "REFUND" || notificationType === "REVOKE")
        changes.push({ kind: "refund", token: transaction.transactionId });
      if (notificationType === "REFUND_REVERSED")
        changes.push({ kind: "refund-reversed", token: transaction.transactionId });
      const state = STATES[data.status ?? 0];
      const news = state && newsOf(transaction, state, await expiryOf(transaction, data.signedRenewalInfo));
      if (news) changes.push({ kind: "subscription", news });
      if (notificationType === "DID_RENEW" || notificationType === "SUBSCRIBED") {
        const verdict = judge(transaction);
        if (verdict.status === "verified") changes.push({ kind: "period", verified: verdict });
      }
      return changes.length === 0 ? undefined : changes;
    },
    async probe(signal) {
      await ask({
        what: "apple: probe",
        url: `${baseUrl}/inApps/v1/transactions/0`,
        headers: { authorization: await authorization() },
        signal,
        timeoutMs,
        credentials: CREDENTIALS,
      });
    },
  };

  async function expiryOf(
    transaction: Transaction,
    renewal: string | undefined,
  ): Promise<number | undefined> {
    if (renewal === undefined) return transaction.expiresDate;
    const { gracePeriodExpiresDate } = Renewal.parse(await verifiedPayload(renewal, roots));
    return gracePeriodExpiresDate ?? transaction.expiresDate;
  }
}

/** A notification of this app and environment. Throws UNAUTHENTICATED for what Apple did not sign. */
async function signedNotification(
  body: string,
  { roots, bundleId, environment }: AppleSettings,
): Promise<z.output<typeof Notification>> {
  let notification: z.output<typeof Notification>;
  try {
    const { signedPayload } = Push.parse(JSON.parse(body));
    notification = Notification.parse(await verifiedPayload(signedPayload, roots));
  } catch (error) {
    throw fail(
      "UNAUTHENTICATED",
      `signedPayload: is not a notification that Apple signed: ${messageOf(error)}`,
    );
  }
  const { data } = notification;
  if (data && data.bundleId !== bundleId) throw foreign("bundleId", data.bundleId, "apple.bundleId");
  if (data && data.environment !== ENVIRONMENTS[environment])
    throw foreign("environment", data.environment, "apple.environment");
  return notification;
}

const foreign = (field: string, given: string, setting: string) =>
  fail("REQUEST_INVALID", `${field}: ${given} is not what ${setting} says`, {
    fields: { [field]: `must be what ${setting} says` },
  });

function newsOf(
  transaction: Transaction,
  state: SubscriptionState,
  expiresAt: number | undefined,
): SubscriptionNews | undefined {
  if (transaction.type !== SUBSCRIPTION) return undefined;
  const { originalTransactionId: subscription, productId: product, signedDate: asOf } = transaction;
  return { subscription, product, state, expiresAt, asOf };
}
