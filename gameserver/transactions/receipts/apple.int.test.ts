import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { appleStore } from "./apple.ts";
import type { StorePort, Verdict, Webhook } from "./port.ts";
import { ecKey, makeChain, pemOf } from "./testing/certificates.ts";
import { BUNDLE } from "./testing/fake-apple.ts";
import { openShops, type Shops } from "./testing/shops.ts";

const HOUR_MS = 3_600_000;
const signal = new AbortController().signal;
let shops: Shops;
let apple: Shops["apple"];
let port: StorePort;
const storeWith = (over: object = {}) => {
  const { apple: settings } = shops.settings({ apple: over });
  return appleStore(settings as NonNullable<typeof settings>);
};
beforeAll(async () => {
  shops = await openShops();
  apple = shops.apple;
});
beforeEach(() => {
  shops.mend();
  apple.answering = apple.chain;
  port = storeWith();
});
afterAll(() => shops.close());

const verify = (token: string, of: StorePort = port): Promise<Verdict> => of.verify({ token }, signal);
const signedOf = (over: object = {}) => apple.sign(apple.buy(over as Record<string, unknown>));

describe("a transaction of the App Store", () => {
  it("is verified by its signed form or by its id", async () => {
    const transaction = apple.buy({ quantity: 3, appAccountToken: "account-1" });
    const jws = await apple.sign(transaction);
    const verified = {
      status: "verified",
      receipt: { store: "apple", token: transaction.transactionId, product: "gems", quantity: 3 },
      proof: transaction.transactionId,
      captured: true,
      account: "account-1",
    };
    expect(await verify(jws)).toMatchObject(verified);
    expect(await verify(transaction.transactionId)).toMatchObject(verified);
    expect(await port.nameOf({ token: jws })).toBe(transaction.transactionId);
    expect(await port.nameOf({ token: transaction.transactionId })).toBe(transaction.transactionId);
    expect(await port.capture({ token: "", proof: "", product: "" }, signal)).toBeUndefined();
  });

  it("of a subscription tells how it stands", async () => {
    const transaction = apple.subscribe({ originalTransactionId: "1", expiresDate: 5 });
    expect(await verify(transaction.transactionId)).toMatchObject({
      subscription: { subscription: "1", product: "pass", state: "active", expiresAt: 5 },
    });
  });

  it("that was signed while its certificate was good stays good after that", async () => {
    const old = makeChain({ leaf: { fromMs: Date.now() - 3 * HOUR_MS, toMs: Date.now() - HOUR_MS } });
    const store = storeWith({ roots: [apple.chain.root.toString(), old.root.toString()] });
    const transaction = apple.buy();
    const then = await apple.sign({ ...transaction, signedDate: Date.now() - 2 * HOUR_MS }, old);
    expect(await verify(then, store)).toMatchObject({ status: "verified" });
    const since = await apple.sign({ ...transaction, signedDate: Date.now() }, old);
    expect(await verify(since, store)).toMatchObject({ reason: "forged", detail: /not valid then/ });
    // A date that has not come yet is no way around.
    const ahead = makeChain({ leaf: { fromMs: Date.now() + HOUR_MS, toMs: Date.now() + 3 * HOUR_MS } });
    const early = storeWith({ roots: [ahead.root.toString()] });
    const future = await apple.sign({ ...transaction, signedDate: Date.now() + 2 * HOUR_MS }, ahead);
    expect(await verify(future, early)).toMatchObject({ reason: "forged" });
  });

  it.each<[string, () => Promise<string> | string, string]>([
    ["that Apple does not know", () => "1234", "unknown"],
    ["of another app", () => signedOf({ bundleId: "com.other" }), "wrong-app"],
    ["of the sandbox", () => signedOf({ environment: "Sandbox" }), "wrong-environment"],
    ["that was refunded", () => signedOf({ revocationDate: 1 }), "revoked"],
    ["signed by somebody else", () => apple.sign(apple.buy(), makeChain()), "forged"],
    ["signed by nobody", () => "eyJhbGciOiJub25lIn0.e30.", "forged"],
    ["that is no text of this kind", () => "hello", "forged"],
    ["without its chain", () => apple.sign(apple.buy(), apple.chain, { x5c: [] }), "forged"],
    ["that is something else that Apple signed", () => apple.sign({ notificationUUID: "x" }), "forged"],
    [
      "that was changed after it was signed",
      async () => {
        const [head, , signature] = (await signedOf()).split(".");
        const body = Buffer.from(JSON.stringify(apple.buy())).toString("base64url");
        return [head, body, signature].join(".");
      },
      "forged",
    ],
  ])("%s is refused", async (_what, token, reason) => {
    expect(await verify(await token())).toMatchObject({ status: "refused", reason });
  });

  it("that was refunded since it was signed is refused: Apple's word counts, not the player's", async () => {
    const transaction = apple.buy();
    const jws = await apple.sign(transaction);
    apple.transactions.set(transaction.transactionId, { ...transaction, revocationDate: 1 });
    expect(await verify(jws)).toMatchObject({ reason: "revoked" });
    expect(await port.nameOf({ token: "forged" })).toBeUndefined();
  });

  it("is not taken from a server that only claims to be Apple's", async () => {
    apple.answering = makeChain();
    await expect(verify(apple.buy().transactionId)).rejects.toMatchObject({ code: "RECEIPT_UNVERIFIED" });
  });

  it("cannot be asked for with the wrong key: the error names the fields", async () => {
    const store = storeWith({ privateKey: pemOf(ecKey()) });
    await expect(verify(apple.buy().transactionId, store)).rejects.toThrow(/apple\.privateKey/);
  });
});

describe("an acknowledgement to the App Store", () => {
  const owed = (token: string) => ({ token, proof: token, product: "gems" });

  it("is not sent unless wanted", async () => {
    const { transactionId } = apple.buy();
    await port.acknowledge(owed(transactionId), signal);
    expect(apple.finished).not.toContain(transactionId);
    const finishing = storeWith({ finish: true });
    await finishing.acknowledge(owed(transactionId), signal);
    expect(apple.finished).toContain(transactionId);
    // Gone, or finished by the app before: nothing to repeat.
    await finishing.acknowledge(owed("999"), signal);
  });
});

describe("a notification of the App Store", () => {
  const hook = (body: string): Webhook => ({ headers: {}, body });
  const changes = async (body: string) => port.interpret(await port.readEvent(hook(body), signal), signal);

  it("is known by its id and kind", async () => {
    const body = await apple.notification("DID_FAIL_TO_RENEW", apple.buy(), {
      uuid: "u-1",
      subtype: "GRACE_PERIOD",
    });
    expect(await port.readEvent(hook(body), signal)).toEqual({
      store: "apple",
      event: "u-1",
      kind: "DID_FAIL_TO_RENEW.GRACE_PERIOD",
      body,
    });
  });

  it("means what it says", async () => {
    const bought = apple.buy();
    const token = bought.transactionId;
    const of = async (type: string, data?: object) =>
      changes(await apple.notification(type, bought, data ? { data } : {}));
    expect(await of("REFUND")).toEqual([{ kind: "refund", token }]);
    expect(await of("REVOKE")).toEqual([{ kind: "refund", token }]);
    expect(await of("REFUND_REVERSED")).toEqual([{ kind: "refund-reversed", token }]);
    expect(await of("CONSUMPTION_REQUEST")).toBeUndefined();
    expect(await changes(await apple.notification("TEST", undefined))).toBeUndefined();
  });

  it.each([
    [1, "active"],
    [2, "expired"],
    [3, "on-hold"],
    [4, "grace"],
    [5, "revoked"],
  ])("of status %i tells of a subscription that is %s", async (status, state) => {
    const bought = apple.subscribe({ originalTransactionId: "orig", expiresDate: 1_000 });
    const body = await apple.notification("DID_CHANGE_RENEWAL_STATUS", bought, { data: { status } });
    const news = { subscription: "orig", product: "pass", state, expiresAt: 1_000 };
    expect(await changes(body)).toMatchObject([{ kind: "subscription", news }]);
  });

  it("of a grace period tells its end", async () => {
    const signedRenewalInfo = await apple.sign({ signedDate: Date.now(), gracePeriodExpiresDate: 2_000 });
    const data = { status: 4, signedRenewalInfo };
    const body = await apple.notification("DID_FAIL_TO_RENEW", apple.subscribe(), { data });
    expect(await changes(body)).toMatchObject([{ news: { state: "grace", expiresAt: 2_000 } }]);
    const without = { status: 1, signedRenewalInfo: await apple.sign({ signedDate: Date.now() }) };
    const renewed = await apple.notification("X", apple.subscribe({ expiresDate: 3_000 }), { data: without });
    expect(await changes(renewed)).toMatchObject([{ news: { state: "active", expiresAt: 3_000 } }]);
  });

  it("of a renewal gives a period, unless it is taken back already", async () => {
    const data = { status: 1 };
    const bought = apple.subscribe();
    expect(await changes(await apple.notification("DID_RENEW", bought, { data }))).toMatchObject([
      { kind: "subscription" },
      { kind: "period", verified: { receipt: { token: bought.transactionId, product: "pass" } } },
    ]);
    const gone = apple.subscribe({ revocationDate: 1 });
    expect(await changes(await apple.notification("SUBSCRIBED", gone, { data }))).toMatchObject([
      { kind: "subscription" },
    ]);
  });

  it.each<[string, () => Promise<string> | string, string]>([
    [
      "that somebody else signed",
      () => apple.notification("REFUND", apple.buy(), { chain: makeChain() }),
      "UNAUTHENTICATED",
    ],
    ["that is no JSON", () => "hello", "UNAUTHENTICATED"],
    [
      "that is something else that Apple signed",
      async () => JSON.stringify({ signedPayload: await signedOf() }),
      "UNAUTHENTICATED",
    ],
    [
      "with a certificate that has expired",
      () => {
        const chain = makeChain({ leaf: { toMs: Date.now() - HOUR_MS } });
        port = storeWith({ roots: [chain.root.toString()] });
        return apple.notification("REFUND", apple.buy(), { chain });
      },
      "UNAUTHENTICATED",
    ],
    [
      "of another app",
      () => apple.notification("REFUND", apple.buy(), { data: { bundleId: "com.other" } }),
      "REQUEST_INVALID",
    ],
    [
      "of the sandbox",
      () => apple.notification("REFUND", apple.buy(), { data: { environment: "Sandbox" } }),
      "REQUEST_INVALID",
    ],
  ])("%s is refused", async (_what, body, code) => {
    await expect(port.readEvent(hook(await body()), signal)).rejects.toMatchObject({ code });
  });
});

it("the sandbox is another server, where sandbox receipts are good", async () => {
  const sandbox = storeWith({ environment: "sandbox" });
  expect(await verify(apple.buy({ environment: "Sandbox" }).transactionId, sandbox)).toMatchObject({
    status: "verified",
  });
  expect(await verify(apple.buy({ bundleId: BUNDLE }).transactionId, sandbox)).toMatchObject({
    reason: "wrong-environment",
  });
});
