/**
 * PayPal orders. A receipt is an order that the player has approved; the money is taken by capturing it, after the
 * obligation is written down and before anything is granted. Whoever made the order also wrote its price, so the price
 * is checked against the receipts file. Subscriptions of PayPal are not read.
 */
import { z } from "zod";
import { fail, messageOf } from "../../../platform/errors.ts";
import { AccessToken, askForToken } from "./access-token.ts";
import { ask, away, read } from "./ask.ts";
import { signatureCheck } from "./paypal-webhook.ts";
import { type Change, type Refused, refused, type StorePort, type Verdict } from "./port.ts";
import { type Products, receiptId } from "./receipt.ts";
import type { PayPalSettings } from "./settings.ts";

const CREDENTIALS = "paypal.clientId and paypal.clientSecret";
const ORDER_ID = /^[A-Z0-9]{1,36}$/;

const Money = z.object({ currency_code: z.string(), value: z.string().regex(/^\d{1,15}(\.\d{1,3})?$/) });
const Unit = z.object({
  amount: Money,
  custom_id: z.string().optional(),
  payee: z.object({ merchant_id: z.string().optional() }).optional(),
  items: z.array(z.object({ sku: z.string().optional(), quantity: z.coerce.number() })).default([]),
  payments: z.object({ captures: z.array(z.object({ status: z.string() })).default([]) }).optional(),
});
const Order = z.object({ id: z.string(), status: z.string(), purchase_units: z.tuple([Unit]).rest(Unit) });
type Order = z.output<typeof Order>;
const Capture = z.object({
  status: z.string(),
  supplementary_data: z.object({ related_ids: z.object({ order_id: z.string() }) }),
});
const Event = z.object({
  id: z.string().min(1).max(128),
  event_type: z.string(),
  resource: z.looseObject({
    id: z.string().optional(),
    links: z.array(z.object({ rel: z.string(), href: z.string() })).default([]),
  }),
});
type Event = z.output<typeof Event>;

export function paypalStore(settings: PayPalSettings, products: Products): StorePort {
  const { timeoutMs, merchantId, baseUrl } = settings;
  const access = new AccessToken((signal) => fetchToken(settings, signal));
  const checkSignature = signatureCheck(settings);

  const call = async (what: string, path: string, signal: AbortSignal, requestId?: string) => {
    const token = await access.get(signal);
    const post = { "content-type": "application/json", "paypal-request-id": requestId ?? "" };
    return ask({
      what,
      url: `${baseUrl}${path}`,
      method: requestId ? "POST" : "GET",
      headers: {
        authorization: `Bearer ${token}`,
        prefer: "return=representation",
        ...(requestId ? post : {}),
      },
      ...(requestId ? { body: "{}" } : {}),
      signal,
      timeoutMs,
      credentials: CREDENTIALS,
      denied: () => access.forget(token),
    });
  };

  const judge = (order: Order): Verdict => {
    const [unit, ...others] = order.purchase_units;
    const [item, ...more] = unit.items;
    if (!item?.sku || others.length + more.length > 0)
      return refused(
        "wrong-product",
        "it must have one item, named by its sku; make an order for each product",
      );
    if (unit.payee?.merchant_id !== merchantId)
      return refused("wrong-app", "it is paid to somebody else than paypal.merchantId");
    const price = products.get(`paypal/${item.sku}`)?.price;
    if (price) {
      const due = thousandths(price.value) * BigInt(Math.max(1, Math.trunc(item.quantity)));
      if (unit.amount.currency_code !== price.currency || thousandths(unit.amount.value) < due)
        return refused("wrong-price", `${item.quantity} of it cost more than the order says`);
    }
    const capture = captureIn(order);
    const verified: Verdict = {
      status: "verified",
      receipt: { store: "paypal", token: order.id, product: item.sku, quantity: item.quantity },
      proof: order.id,
      captured: capture === "COMPLETED",
      account: unit.custom_id,
    };
    if (order.status === "APPROVED" || capture === "COMPLETED" || capture === "PENDING") return verified;
    if (capture === "REFUNDED" || capture === "PARTIALLY_REFUNDED")
      return refused("revoked", `the payment is ${capture}`);
    return refused("not-paid", `the order is ${order.status}, the payment ${capture ?? "not made"}`);
  };

  const orderOf = async (token: string, signal: AbortSignal): Promise<Order | Refused> => {
    if (!ORDER_ID.test(token)) return refused("unknown", "an order id of PayPal is of capitals and digits");
    const what = "paypal: the order";
    const answer = await call(what, `/v2/checkout/orders/${token}`, signal);
    if (answer.status !== 200) return refused("unknown", `PayPal answered ${answer.status}`);
    return read(Order, what, answer);
  };

  return {
    store: "paypal",
    nameOf: async ({ token }) => token,
    async verify({ token }, signal) {
      const order = await orderOf(token, signal);
      return "reason" in order ? order : judge(order);
    },
    async capture({ token }, signal) {
      // The same key each time: PayPal answers a repeat as it did at first.
      const path = `/v2/checkout/orders/${token}/capture`;
      const { status } = await call("paypal: capture", path, signal, receiptId("paypal", token));
      // Whatever it said (captured before, declined, in review), the order itself tells what holds now.
      const order = await orderOf(token, signal);
      if ("reason" in order) return order;
      const verdict = judge(order);
      if (verdict.status === "refused") return verdict;
      if (verdict.captured) return undefined;
      if (captureIn(order) === "PENDING") throw away("paypal: capture", "the payment is in review");
      return refused("not-paid", `PayPal does not take the payment (${status})`);
    },
    // It was captured before it was granted: nothing is left to tell.
    acknowledge: async () => {},
    async readEvent(webhook, signal) {
      await checkSignature(webhook, signal);
      const { id, event_type } = eventIn(webhook.body);
      return { store: "paypal", event: id, kind: event_type, body: webhook.body };
    },
    async interpret({ body }, signal) {
      const { event_type, resource } = eventIn(body);
      if (event_type === "PAYMENT.CAPTURE.COMPLETED" && resource.id !== undefined) {
        const { order } = await captureOf(resource.id, signal);
        return [{ kind: "paid", token: order }];
      }
      if (event_type !== "PAYMENT.CAPTURE.REFUNDED" && event_type !== "PAYMENT.CAPTURE.REVERSED")
        return undefined;
      return [await takenBack(event_type, resource, signal)];
    },
    async probe(signal) {
      await call("paypal: probe", "/v2/checkout/orders/PROBE", signal);
    },
  };

  /** The resource is the refund; its capture is what it points up to. */
  async function takenBack(type: string, { links }: Event["resource"], signal: AbortSignal): Promise<Change> {
    const up = links.find(({ rel }) => rel === "up")?.href;
    const id = /\/captures\/([A-Z0-9]+)$/.exec(up ?? "")?.[1];
    if (id === undefined) return { kind: "attention", why: `${type} without its capture` };
    const { status, order } = await captureOf(id, signal);
    if (status === "PARTIALLY_REFUNDED")
      return { kind: "attention", why: `part of paypal order ${order} was refunded` };
    return { kind: "refund", token: order };
  }

  async function captureOf(id: string, signal: AbortSignal) {
    const what = "paypal: the capture";
    const answer = await call(what, `/v2/payments/captures/${encodeURIComponent(id)}`, signal);
    if (answer.status !== 200) throw away(what, `answered ${answer.status}`);
    const { status, supplementary_data } = read(Capture, what, answer);
    return { status, order: supplementary_data.related_ids.order_id };
  }
}

const captureIn = (order: Order): string | undefined => order.purchase_units[0].payments?.captures[0]?.status;

/** Amounts have up to three decimals: compared as whole numbers. */
function thousandths(value: string): bigint {
  const [whole = "0", part = ""] = value.split(".");
  return BigInt(whole + part.padEnd(3, "0"));
}

function eventIn(body: string): Event {
  try {
    return Event.parse(JSON.parse(body));
  } catch (error) {
    throw fail("REQUEST_INVALID", `body: is not an event of PayPal: ${messageOf(error)}`, {
      fields: { body: "must be an event of PayPal" },
      cause: error,
    });
  }
}

async function fetchToken(settings: PayPalSettings, signal: AbortSignal) {
  const { clientId, clientSecret, timeoutMs } = settings;
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString("base64");
  return askForToken({
    what: "paypal: an access token",
    url: `${settings.baseUrl}/v1/oauth2/token`,
    headers: { authorization: `Basic ${basic}` },
    body: "grant_type=client_credentials",
    signal,
    timeoutMs,
    credentials: CREDENTIALS,
  });
}
