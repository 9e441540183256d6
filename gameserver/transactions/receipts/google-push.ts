/**
 * Real-time developer notifications: Cloud Pub/Sub pushes them, with an OIDC token of Google for the audience and the
 * service account that the subscription was set up with.
 */
import { createRemoteJWKSet, customFetch, jwtVerify } from "jose";
import { z } from "zod";
import { fail, GamefleetError, messageOf } from "../../../platform/errors.ts";
import { ask } from "./ask.ts";
import type { Webhook } from "./port.ts";
import type { GoogleSettings } from "./settings.ts";

const ISSUERS = ["https://accounts.google.com", "accounts.google.com"];

const Push = z.object({ message: z.object({ data: z.base64(), messageId: z.string().min(1).max(128) }) });
const PushNotification = z.object({
  packageName: z.string(),
  subscriptionNotification: z.object({ notificationType: z.number(), purchaseToken: z.string() }).optional(),
  oneTimeProductNotification: z
    .object({ notificationType: z.number(), purchaseToken: z.string() })
    .optional(),
  voidedPurchaseNotification: z
    .object({
      purchaseToken: z.string(),
      orderId: z.string(),
      /** 1 a subscription, 2 a one-time product. */
      productType: z.number(),
      refundType: z.number().optional(),
    })
    .optional(),
  testNotification: z.object({}).optional(),
});
export type PushNotification = z.output<typeof PushNotification>;

const KINDS = [
  "subscriptionNotification",
  "oneTimeProductNotification",
  "voidedPurchaseNotification",
  "testNotification",
] as const;

export interface PushReader {
  /** Id and kind of a push. Throws UNAUTHENTICATED, or REQUEST_INVALID for what is not of our app. */
  (webhook: Webhook, signal: AbortSignal): Promise<{ readonly id: string; readonly kind: string }>;
  /** Of a push that was read before. */
  notificationIn(body: string): PushNotification;
}

export function pushReader(settings: GoogleSettings): PushReader {
  const keys = createRemoteJWKSet(new URL(settings.certsUrl), {
    timeoutDuration: settings.timeoutMs,
    [customFetch]: async (url, { signal }) => {
      const { timeoutMs } = settings;
      const { status, text } = await ask({
        what: "google: its signing keys",
        url,
        signal,
        timeoutMs,
        credentials: "google.certsUrl",
      });
      return new Response(text, { status });
    },
  });

  async function reader({ headers, body }: Webhook): Promise<{ id: string; kind: string }> {
    const token = /^Bearer (\S+)$/.exec(String(headers["authorization"] ?? ""))?.[1] ?? "";
    let claims: Record<string, unknown>;
    try {
      const options = { issuer: ISSUERS, audience: settings.pushAudience, algorithms: ["RS256"] };
      claims = (await jwtVerify(token, keys, options)).payload;
    } catch (error) {
      // Keys that cannot be had say nothing about the token: Pub/Sub sends it again.
      if (error instanceof GamefleetError) throw error;
      throw unauthenticated(messageOf(error));
    }
    if (claims["email"] !== settings.pushEmail || claims["email_verified"] !== true)
      throw unauthenticated("it is not of google.pushEmail");
    const notification = notificationIn(body);
    if (notification.packageName !== settings.packageName)
      throw fail("REQUEST_INVALID", `packageName: ${notification.packageName} is not google.packageName`, {
        fields: { packageName: "must be what google.packageName says" },
      });
    const kind = KINDS.find((name) => notification[name] !== undefined) ?? "unknown";
    return { id: Push.parse(JSON.parse(body)).message.messageId, kind };
  }
  return Object.assign(reader, { notificationIn });
}

function notificationIn(body: string): PushNotification {
  try {
    const { message } = Push.parse(JSON.parse(body));
    return PushNotification.parse(JSON.parse(Buffer.from(message.data, "base64").toString("utf8")));
  } catch (error) {
    throw fail("REQUEST_INVALID", `message: is not a developer notification: ${messageOf(error)}`, {
      fields: { message: "must be a push of Pub/Sub with a developer notification" },
      cause: error,
    });
  }
}

const unauthenticated = (why: string) =>
  fail("UNAUTHENTICATED", `authorization: must be a token of Google for google.pushAudience: ${why}`);
