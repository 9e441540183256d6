import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { paypalStore } from "./paypal.ts";
import type { StorePort } from "./port.ts";
import { makeCertificate, rsaKey } from "./testing/certificates.ts";
import { openShops, type Shops } from "./testing/shops.ts";

const HOUR_MS = 3_600_000;
const signal = new AbortController().signal;
let shops: Shops;
let paypal: Shops["paypal"];
let port: StorePort;
const storeWith = (over: object = {}) => {
  const { paypal: settings, products } = shops.settings({ paypal: over });
  return paypalStore(settings as NonNullable<typeof settings>, products);
};
beforeAll(async () => {
  shops = await openShops();
  paypal = shops.paypal;
});
beforeEach(() => {
  shops.mend();
  paypal.capturing = "COMPLETED";
  paypal.certificate = makeCertificate({ subject: "PayPal", key: paypal.key });
  port = storeWith();
});
afterAll(() => shops.close());

const verify = (token: string, of: StorePort = port) => of.verify({ token }, signal);
const owed = (token: string) => ({ token, proof: token, product: "gems" });
const capture = (token: string) => port.capture(owed(token), signal);
const usd = (value: string) => ({ currency_code: "USD", value });
const items = (quantity: string, sku: string | undefined = "gems") => [{ name: "Gems", sku, quantity }];

describe("an order of PayPal", () => {
  it("is verified by its id; its money has not moved before it is captured", async () => {
    const order = paypal.buy({ amount: usd("14.97"), items: items("3") });
    expect(await verify(order)).toMatchObject({
      receipt: { store: "paypal", token: order, product: "gems", quantity: 3 },
      captured: false,
      account: "ann",
    });
    expect(await capture(order)).toBeUndefined();
    expect(await verify(order)).toMatchObject({ captured: true });
    expect(await port.nameOf({ token: order })).toBe(order);
    await port.acknowledge(owed(order), signal);
  });

  it("is captured under one key, and is ours however often that is asked for", async () => {
    const order = paypal.buy();
    expect(await capture(order)).toBeUndefined();
    expect(await capture(order)).toBeUndefined();
    const keys = paypal.server.asked
      .filter(({ path }) => path.endsWith(`${order}/capture`))
      .map(({ headers }) => headers["paypal-request-id"]);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });

  it("whose payment is declined is refused, in review tried again, refunded meanwhile refused", async () => {
    paypal.capturing = "declined";
    expect(await capture(paypal.buy())).toMatchObject({ reason: "not-paid" });
    paypal.capturing = "PENDING";
    const order = paypal.buy();
    await expect(capture(order)).rejects.toThrow(/in review/);
    expect(await verify(order)).toMatchObject({ captured: false });
    paypal.become(order, "REFUNDED");
    expect(await capture(order)).toMatchObject({ reason: "revoked" });
    expect(await capture("NOSUCHORDER")).toMatchObject({ reason: "unknown" });
  });

  it.each<[string, object, string]>([
    ["of too low a price", { amount: usd("0.01") }, "wrong-price"],
    ["of one at the price of two", { items: items("2") }, "wrong-price"],
    ["in another currency", { amount: { currency_code: "JPY", value: "499" } }, "wrong-price"],
    ["paid to somebody else", { payee: { merchant_id: "OTHER" } }, "wrong-app"],
    ["paid to nobody", { payee: undefined }, "wrong-app"],
    ["without a product", { items: undefined }, "wrong-product"],
    ["of a product without its name", { items: [{ name: "Gems", quantity: "1" }] }, "wrong-product"],
    ["of two products", { items: [...items("1"), ...items("1")] }, "wrong-product"],
  ])("%s is refused", async (_what, over, reason) => {
    expect(await verify(paypal.buy(over as Record<string, unknown>))).toMatchObject({ reason });
  });

  it("may cost more (taxes); of a product that is not known here it is for the receipts file to say", async () => {
    expect(await verify(paypal.buy({ amount: usd("5.94") }))).toMatchObject({ status: "verified" });
    expect(await verify(paypal.buy({ items: items("1", "new") }))).toMatchObject({
      receipt: { product: "new" },
    });
  });

  it.each([
    ["CREATED", "not-paid"],
    ["PAYER_ACTION_REQUIRED", "not-paid"],
    ["VOIDED", "not-paid"],
  ])("that is %s is refused as %s", async (status, reason) => {
    expect(await verify(paypal.buy({}, status))).toMatchObject({ reason });
  });

  it.each([
    ["REFUNDED", "revoked"],
    ["PARTIALLY_REFUNDED", "revoked"],
    ["DECLINED", "not-paid"],
  ])("whose payment is %s is refused as %s", async (status, reason) => {
    const order = paypal.buy();
    paypal.become(order, status);
    expect(await verify(order)).toMatchObject({ reason });
  });

  it("that PayPal does not know is refused", async () => {
    expect(await verify("NOSUCHORDER")).toMatchObject({ reason: "unknown" });
    expect(await verify("../../v1/secrets")).toMatchObject({ reason: "unknown" });
  });

  it("cannot be asked for with the wrong secret: the error names the fields", async () => {
    await expect(verify(paypal.buy(), storeWith({ clientSecret: "x" }))).rejects.toThrow(
      /paypal\.clientSecret/,
    );
  });
});

describe("an event of PayPal", () => {
  const changes = async (type: string, resource: Record<string, unknown>) =>
    port.interpret(await port.readEvent(paypal.event(type, resource), signal), signal);

  it("is known by its id", async () => {
    const event = paypal.event("PAYMENT.CAPTURE.DENIED", {}, { id: "WH-7" });
    const kept = { store: "paypal", event: "WH-7", kind: "PAYMENT.CAPTURE.DENIED", body: event.body };
    expect(await port.readEvent(event, signal)).toEqual(kept);
    const before = paypal.server.count(/certs/);
    await port.readEvent(event, signal);
    expect(paypal.server.count(/certs/)).toBe(before);
    expect(await changes("PAYMENT.CAPTURE.DENIED", {})).toBeUndefined();
  });

  it("of a refund or a charge back takes the order back, of a part of it asks for a person", async () => {
    const order = paypal.buy();
    paypal.become(order, "REFUNDED");
    for (const type of ["PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED"])
      expect(await changes(type, paypal.takenBack(order))).toEqual([{ kind: "refund", token: order }]);
    paypal.become(order, "PARTIALLY_REFUNDED");
    expect(await changes("PAYMENT.CAPTURE.REFUNDED", paypal.takenBack(order))).toMatchObject([
      { kind: "attention" },
    ]);
    expect(await changes("PAYMENT.CAPTURE.REFUNDED", { id: "R" })).toMatchObject([{ kind: "attention" }]);
    await expect(changes("PAYMENT.CAPTURE.REFUNDED", paypal.takenBack("NONE"))).rejects.toMatchObject({
      code: "RECEIPT_UNVERIFIED",
    });
  });

  it("of a payment that has come says so", async () => {
    const order = paypal.buy();
    paypal.become(order, "COMPLETED");
    expect(await changes("PAYMENT.CAPTURE.COMPLETED", { id: `CAP${order}` })).toEqual([
      { kind: "paid", token: order },
    ]);
    expect(await changes("PAYMENT.CAPTURE.COMPLETED", {})).toBeUndefined();
  });

  const event = (over: Parameters<Shops["paypal"]["event"]>[2] = {}) =>
    paypal.event("PAYMENT.CAPTURE.REFUNDED", {}, over);

  it.each<[string, () => ReturnType<typeof event>]>([
    ["signed by somebody else", () => event({ key: rsaKey() })],
    ["of another transmission", () => event({ headers: { "paypal-transmission-id": "other" } })],
    [
      "with a certificate from elsewhere",
      () => event({ headers: { "paypal-cert-url": "https://evil.example/certs/C1" } }),
    ],
    [
      "with a certificate from beside PayPal's",
      () => event({ headers: { "paypal-cert-url": `${paypal.server.url}/certs/../C1` } }),
    ],
    [
      "with a certificate asked for anew by a query",
      () => event({ headers: { "paypal-cert-url": `${paypal.server.url}/certs/C1?again` } }),
    ],
    [
      "with a certificate asked for anew by a fragment",
      () => event({ headers: { "paypal-cert-url": `${paypal.server.url}/certs/C1#again` } }),
    ],
    ["with a certificate that is no address", () => event({ headers: { "paypal-cert-url": "C1" } })],
    [
      "with a certificate that is not there",
      () => event({ headers: { "paypal-cert-url": `${paypal.server.url}/certs/none` } }),
    ],
    ["by another algorithm", () => event({ headers: { "paypal-auth-algo": "MD5withRSA" } })],
    ["without any signature", () => ({ ...event(), headers: {} })],
    [
      "with another body",
      () => ({
        ...event(),
        body: JSON.stringify({ id: "x", event_type: "PAYMENT.CAPTURE.REFUNDED", resource: {} }),
      }),
    ],
  ])("%s is refused", async (_what, made) => {
    await expect(port.readEvent(made(), signal)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it.each([
    ["has expired", { toMs: Date.now() - HOUR_MS }],
    ["is not valid yet", { fromMs: Date.now() + HOUR_MS }],
  ])("with a certificate that %s is refused", async (_what, over) => {
    paypal.certificate = makeCertificate({ subject: "PayPal", key: paypal.key, ...over });
    await expect(port.readEvent(event(), signal)).rejects.toThrow(/not valid now/);
  });

  it("is to be sent again while its certificate cannot be had", async () => {
    for (const kind of ["error", "nonsense"] as const) {
      paypal.server.fault = { kind, path: /certs/ };
      await expect(port.readEvent(event(), signal)).rejects.toMatchObject({ code: "RECEIPT_UNVERIFIED" });
    }
  });

  it("that is none, though PayPal signed it, is a mistake", async () => {
    const odd = paypal.event("X", {}, { id: "" });
    await expect(port.readEvent(odd, signal)).rejects.toMatchObject({ code: "REQUEST_INVALID" });
  });

  it("is checked with certificates of which only a few are kept", async () => {
    const many = Array.from({ length: 10 }, (_, n) =>
      event({ headers: { "paypal-cert-url": `${paypal.server.url}/certs/C${n + 2}` } }),
    );
    paypal.server.asked.length = 0;
    for (const one of [...many, event(), many[0] as (typeof many)[number]]) await port.readEvent(one, signal);
    expect(paypal.server.count(/certs/)).toBe(12);
  });
});
