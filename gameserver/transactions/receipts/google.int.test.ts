import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { googleStore } from "./google.ts";
import type { StorePort } from "./port.ts";
import { pemOf, rsaKey } from "./testing/certificates.ts";
import { openShops, type Shops } from "./testing/shops.ts";

const signal = new AbortController().signal;
let shops: Shops;
let google: Shops["google"];
let port: StorePort;
const storeWith = (over: object = {}) => {
  const { google: settings, products } = shops.settings({ google: over });
  return googleStore(settings as NonNullable<typeof settings>, products);
};
beforeAll(async () => {
  shops = await openShops();
  google = shops.google;
});
beforeEach(() => {
  shops.mend();
  google.acknowledges = 200;
  google.expiresIn = 3_600;
  port = storeWith();
});
afterAll(() => shops.close());

const verify = (token: string, product?: string, of: StorePort = port) =>
  of.verify({ token, product }, signal);

describe("a purchase of Google Play", () => {
  it("is verified by token and product, and named by its token", async () => {
    const token = google.buy({ quantity: 2, obfuscatedExternalAccountId: "account-1" });
    expect(await verify(token, "gems")).toMatchObject({
      status: "verified",
      receipt: { store: "google", token, product: "gems", quantity: 2 },
      proof: token,
      captured: true,
      account: "account-1",
    });
    expect(await port.nameOf({ token, product: "gems" })).toBe(token);
    expect(await port.capture({ token, proof: token, product: "gems" }, signal)).toBeUndefined();
  });

  it.each<[string, object, string]>([
    ["that is pending", { purchaseState: 2 }, "not-paid"],
    ["that was cancelled", { purchaseState: 1 }, "revoked"],
    ["of a licence tester", { purchaseType: 0 }, "wrong-environment"],
    ["of another product", { productId: "pass" }, "wrong-product"],
  ])("%s is refused", async (_what, over, reason) => {
    expect(await verify(google.buy(over as Record<string, unknown>), "gems")).toMatchObject({
      status: "refused",
      reason,
    });
  });

  it("that Google does not know is refused, and one without its product is a mistake", async () => {
    expect(await verify("no-such-token", "gems")).toMatchObject({ reason: "unknown" });
    await expect(verify("x")).rejects.toMatchObject({
      code: "REQUEST_INVALID",
      fields: { product: /must be set/ },
    });
    expect(await port.nameOf({ token: "x" })).toBeUndefined();
  });

  it("of another app is not known under ours", async () => {
    const other = storeWith({ packageName: "com.other" });
    expect(await verify(google.buy(), "gems", other)).toMatchObject({ reason: "unknown" });
  });

  it("of a licence tester is good in a sandbox, a real one is not", async () => {
    const sandbox = storeWith({ environment: "sandbox" });
    expect(await verify(google.buy({ purchaseType: 0 }), "gems", sandbox)).toMatchObject({
      status: "verified",
    });
    expect(await verify(google.buy(), "gems", sandbox)).toMatchObject({ reason: "wrong-environment" });
  });
});

describe("an access token of Google", () => {
  it("is asked for once, and again when it runs out or is not taken", async () => {
    const before = google.server.count(/^\/token$/);
    const tokens = [1, 2, 3].map(() => google.buy());
    await Promise.all(tokens.map((token) => verify(token, "gems")));
    expect(google.server.count(/^\/token$/)).toBe(before + 1);
    google.withdraw();
    await expect(verify(google.buy(), "gems")).rejects.toThrow(/google\.privateKey/);
    expect(await verify(google.buy(), "gems")).toMatchObject({ status: "verified" });
    expect(google.server.count(/^\/token$/)).toBe(before + 2);
    google.expiresIn = 30;
    const short = storeWith();
    await verify(google.buy(), "gems", short);
    await verify(google.buy(), "gems", short);
    expect(google.server.count(/^\/token$/)).toBe(before + 4);
  });

  it("is refused to the wrong key: the error names the fields, and the next call asks again", async () => {
    const wrong = storeWith({ privateKey: pemOf(rsaKey()) });
    const before = google.server.count(/^\/token$/);
    await expect(verify(google.buy(), "gems", wrong)).rejects.toThrow(/google\.clientEmail/);
    await expect(verify(google.buy(), "gems", wrong)).rejects.toMatchObject({ code: "RECEIPT_UNVERIFIED" });
    expect(google.server.count(/^\/token$/)).toBe(before + 2);
  });
});

describe("an acknowledgement to Google", () => {
  const tell = (token: string, product: string) => port.acknowledge({ token, proof: token, product }, signal);

  it("consumes what may be bought again, acknowledges the rest, and says it once", async () => {
    const [gems, hat, pass] = [google.buy(), google.buy({ productId: "hat" }), google.subscribe()];
    for (const [token, product] of [
      [gems, "gems"],
      [hat, "hat"],
      [pass, "pass"],
    ] as const) {
      await tell(token, product);
      await tell(token, product);
    }
    expect(google.told.slice(-3)).toEqual([
      `consume products ${gems}`,
      `acknowledge products ${hat}`,
      `acknowledge subscriptions ${pass}`,
    ]);
  });

  it("that is not taken is tried again later", async () => {
    google.acknowledges = 409;
    await expect(tell(google.buy(), "gems")).rejects.toMatchObject({ code: "RECEIPT_UNVERIFIED" });
    await expect(tell(google.subscribe(), "pass")).rejects.toMatchObject({ code: "RECEIPT_UNVERIFIED" });
    google.acknowledges = 200;
    for (const kind of ["nonsense", "odd"] as const) {
      google.server.fault = { kind, path: /:(consume|acknowledge)/ };
      await expect(tell(google.buy(), "gems")).rejects.toMatchObject({ code: "RECEIPT_UNVERIFIED" });
      await expect(tell(google.subscribe(), "pass")).rejects.toMatchObject({ code: "RECEIPT_UNVERIFIED" });
    }
    await expect(tell("no-such-token", "pass")).rejects.toMatchObject({ code: "RECEIPT_UNVERIFIED" });
  });
});

describe("a subscription of Google Play", () => {
  it("is named by its period, which only Google knows", async () => {
    const token = google.subscribe({
      latestOrderId: "GPA.1..3",
      externalAccountIdentifiers: { obfuscatedExternalAccountId: "account-1" },
    });
    expect(await port.nameOf({ token, product: "pass" })).toBeUndefined();
    expect(await verify(token, "pass")).toMatchObject({
      receipt: { token: "GPA.1..3", product: "pass", quantity: 1 },
      proof: token,
      account: "account-1",
      subscription: { subscription: token, state: "active" },
    });
  });

  it.each([
    ["SUBSCRIPTION_STATE_CANCELED", "active"],
    ["SUBSCRIPTION_STATE_IN_GRACE_PERIOD", "grace"],
    ["SUBSCRIPTION_STATE_ON_HOLD", "on-hold"],
    ["SUBSCRIPTION_STATE_PAUSED", "on-hold"],
    ["SUBSCRIPTION_STATE_EXPIRED", "expired"],
  ])("in %s is %s", async (subscriptionState, state) => {
    const lineItems = [{ productId: "pass" }];
    const token = google.subscribe({ subscriptionState, lineItems });
    expect(await verify(token, "pass")).toMatchObject({ subscription: { state, expiresAt: undefined } });
  });

  it.each<[string, object, string]>([
    ["that waits for its payment", { subscriptionState: "SUBSCRIPTION_STATE_PENDING" }, "not-paid"],
    ["without an order", { latestOrderId: undefined }, "not-paid"],
    ["of a tester", { testPurchase: {} }, "wrong-environment"],
    ["of another product", { lineItems: [{ productId: "other" }] }, "wrong-product"],
  ])("%s is refused", async (_what, over, reason) => {
    expect(await verify(google.subscribe(over as Record<string, unknown>), "pass")).toMatchObject({ reason });
  });

  it("that Google does not know is refused", async () => {
    expect(await verify("none", "pass")).toMatchObject({ reason: "unknown" });
  });
});

describe("a notification of Google", () => {
  const read = async (push: Awaited<ReturnType<Shops["google"]["push"]>>) => port.readEvent(push, signal);
  const changes = async (notification: Record<string, unknown>) =>
    port.interpret(await read(await google.push(notification)), signal);

  it("is known by the id of its message", async () => {
    const push = await google.push({ testNotification: { version: "1.0" } }, { id: "m-1" });
    expect(await read(push)).toEqual({
      store: "google",
      event: "m-1",
      kind: "testNotification",
      body: push.body,
    });
    expect((await read(await google.push({ newKind: {} }))).kind).toBe("unknown");
    expect(await changes({ testNotification: {} })).toBeUndefined();
  });

  it("of a voided purchase takes it back, a period by its order", async () => {
    const voided = { purchaseToken: "tok", orderId: "GPA.1", productType: 2 };
    expect(await changes({ voidedPurchaseNotification: voided })).toEqual([{ kind: "refund", token: "tok" }]);
    expect(await changes({ voidedPurchaseNotification: { ...voided, productType: 1 } })).toEqual([
      { kind: "refund", token: "GPA.1" },
    ]);
    expect(await changes({ voidedPurchaseNotification: { ...voided, refundType: 2 } })).toMatchObject([
      { kind: "attention" },
    ]);
  });

  it("of a one-time product says when it is paid", async () => {
    const once = { purchaseToken: "tok", notificationType: 1 };
    expect(await changes({ oneTimeProductNotification: once })).toEqual([{ kind: "paid", token: "tok" }]);
    expect(await changes({ oneTimeProductNotification: { ...once, notificationType: 2 } })).toBeUndefined();
  });

  it("of a subscription is a reason to ask how it stands", async () => {
    const changed = (purchaseToken: string, notificationType = 2) =>
      changes({ subscriptionNotification: { purchaseToken, notificationType } });
    const token = google.subscribe({ latestOrderId: "GPA.9..1" });
    expect(await changed(token)).toMatchObject([
      { kind: "subscription", news: { state: "active" } },
      { kind: "period", verified: { receipt: { token: "GPA.9..1" } } },
    ]);
    expect(await changed(token, 12)).toMatchObject([{ kind: "subscription", news: { state: "revoked" } }]);
    const held = google.subscribe({ subscriptionState: "SUBSCRIPTION_STATE_ON_HOLD" });
    expect(await changed(held)).toMatchObject([{ kind: "subscription", news: { state: "on-hold" } }]);
    expect(await changed("none")).toBeUndefined();
  });

  it.each<[string, object]>([
    ["for another audience", { claims: { aud: "https://other" } }],
    ["of another issuer", { claims: { iss: "https://evil" } }],
    ["of another account", { claims: { email: "other@x" } }],
    ["of an account that is not verified", { claims: { email_verified: false } }],
    ["signed by somebody else", { key: rsaKey() }],
    ["that has expired", { claims: { exp: 1 } }],
  ])("with a token %s is refused", async (_what, over) => {
    const push = await google.push({ testNotification: {} }, over);
    await expect(read(push)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("without a token is refused, and of another app", async () => {
    const push = await google.push({ testNotification: {} });
    await expect(port.readEvent({ ...push, headers: {} }, signal)).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
    const other = await google.push({ packageName: "com.other", testNotification: {} });
    await expect(read(other)).rejects.toMatchObject({
      code: "REQUEST_INVALID",
      fields: { packageName: /must be/ },
    });
    await expect(port.readEvent({ ...push, body: "{}" }, signal)).rejects.toMatchObject({
      code: "REQUEST_INVALID",
    });
  });

  it("is to be sent again while Google's keys cannot be had", async () => {
    const push = await google.push({ testNotification: {} });
    google.server.fault = { kind: "error", path: /certs/ };
    await expect(read(push)).rejects.toMatchObject({ code: "RECEIPT_UNVERIFIED" });
    shops.mend();
    expect(await read(push)).toMatchObject({ kind: "testNotification" });
  });
});
