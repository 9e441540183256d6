/** What stores tell by themselves, over HTTP, to what it does to the books. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../../../platform/testing/eventually.ts";
import { derivedId } from "../ids.ts";
import { entryOf } from "../testing/entries.ts";
import { HOUSE, playerAccount } from "../transfer.ts";
import { receiptId } from "./receipt.ts";
import { makeChain } from "./testing/certificates.ts";
import type { AppleTransaction } from "./testing/fake-apple.ts";
import { openTestPod, type TestPod } from "./testing/pod.ts";

let pod: TestPod;
beforeAll(async () => {
  pod = await openTestPod();
});
beforeEach(() => pod.shops.mend());
afterAll(() => pod.close());

const apple = async (
  type: string,
  transaction: AppleTransaction,
  more: Parameters<TestPod["shops"]["apple"]["notification"]>[2] = {},
) => pod.event("apple", { body: await pod.shops.apple.notification(type, transaction, more) });
const show = async (player: string, transaction: AppleTransaction) =>
  pod.show({ store: "apple", token: transaction.transactionId, player });
const attention = (store: string) => pod.metric(`gamefleet_receipts_attention_total{store="${store}"}`);

describe("a refund", () => {
  it("takes the goods back once, however often it is told, and the receipt stays what it was", async () => {
    const player = pod.player();
    const bought = pod.shops.apple.buy();
    const first = await show(player, bought);
    expect(await pod.credits(player)).toBe(100n);
    expect(await apple("REFUND", bought)).toBe("refunded");
    expect(await apple("REFUND", bought)).toBe("refunded");
    expect(await pod.credits(player)).toBe(0n);
    pod.shops.apple.transactions.set(bought.transactionId, { ...bought, revocationDate: 1 });
    expect((await show(player, bought)).body).toEqual(first.body);
    expect(await pod.credits(player)).toBe(0n);
    expect(await apple("REFUND_REVERSED", bought)).toBe("given again");
    expect(await apple("REFUND_REVERSED", bought)).toBe("given again");
    expect(await pod.credits(player)).toBe(100n);
  });

  it("of every store that tells", async () => {
    const player = pod.player();
    const { google, paypal } = pod.shops;
    const token = google.buy();
    await pod.show({ store: "google", token, product: "gems", player });
    const order = paypal.buy();
    await pod.show({ store: "paypal", token: order, player });
    expect(await pod.credits(player)).toBe(200n);
    const voided = { purchaseToken: token, orderId: "GPA.1", productType: 2 };
    expect(await pod.event("google", await google.push({ voidedPurchaseNotification: voided }))).toBe(
      "refunded",
    );
    paypal.become(order, "REFUNDED");
    const reversed = paypal.event("PAYMENT.CAPTURE.REVERSED", paypal.takenBack(order));
    expect(await pod.event("paypal", reversed)).toBe("refunded");
    expect(await pod.credits(player)).toBe(0n);
  });

  it("of Steam, which tells nothing, is found in its report", async () => {
    const player = pod.player();
    const { steam } = pod.shops;
    const order = steam.buy();
    await pod.show({ store: "steam", token: order, player });
    expect(await pod.credits(player)).toBe(100n);
    steam.become(order, "Chargedback");
    const due = () => pod.rowsOf("UPDATE ledger.store_report SET due_at = now()");
    // Away at first: it is read when it is due again.
    steam.server.fault = { kind: "error", path: /GetReport/ };
    const before = steam.server.count(/GetReport/);
    await due();
    await eventually(() => steam.server.count(/GetReport/) > before, "the report is asked for");
    expect(await pod.credits(player)).toBe(100n);
    pod.shops.mend();
    await due();
    await eventually(async () => (await pod.credits(player)) === 0n, "it is taken back");
  });

  it("of what is spent already needs a person, and takes nothing", async () => {
    const player = pod.player();
    const bought = pod.shops.apple.buy();
    await show(player, bought);
    const spent = [{ from: playerAccount(player), to: HOUSE.sink, asset: "credits", amount: 60 }];
    await pod.books.ledger.settle([entryOf("purchase", spent, { player })]);
    const before = await attention("apple");
    expect(await apple("REFUND", bought)).toContain("insufficient-funds");
    expect(await attention("apple")).toBe(before + 1);
    expect(await pod.credits(player)).toBe(40n);
  });

  it("of a part needs a person", async () => {
    const voided = { purchaseToken: "t", orderId: "GPA.7", productType: 2, refundType: 2 };
    expect(
      await pod.event("google", await pod.shops.google.push({ voidedPurchaseNotification: voided })),
    ).toContain("GPA.7");
  });

  it("of what was never granted does nothing", async () => {
    const bought = pod.shops.apple.buy();
    expect(await apple("REFUND", bought)).toBe("not granted");
    expect(await apple("REFUND_REVERSED", bought)).toBe("not refunded");
  });

  it("of what is about to be granted waits for that", async () => {
    const player = pod.player();
    const { paypal } = pod.shops;
    const order = paypal.buy();
    paypal.capturing = "PENDING";
    expect(await pod.show({ store: "paypal", token: order, player })).toMatchObject({ status: 503 });
    paypal.capturing = "COMPLETED";
    paypal.become(order, "REFUNDED");
    const told = paypal.event("PAYMENT.CAPTURE.REFUNDED", paypal.takenBack(order), { id: "EARLY" });
    expect((await pod.call("POST", "/v1/webhooks/paypal", told.body, told.headers)).status).toBe(200);
    const sql = "SELECT outcome, error FROM ledger.store_event WHERE event = 'EARLY'";
    await eventually(
      async () => (await pod.rowsOf<{ error: string | null }>(sql))[0]?.error !== null,
      "it waits",
    );
    await pod.minutesLater();
    await pod.rowsOf("UPDATE ledger.store_event SET retry_at = now()");
    await eventually(async () => (await pod.owed(order))?.outcome === "refused", "it is not granted");
    await pod.rowsOf("UPDATE ledger.store_event SET retry_at = now() WHERE outcome IS NULL");
    await eventually(
      async () => (await pod.rowsOf<{ outcome: string }>(sql))[0]?.outcome === "not granted",
      "it is done",
    );
    expect(await pod.credits(player)).toBe(0n);
  });

  it("that cannot be carried out is told to a person: set aside, or of another making", async () => {
    const player = pod.player();
    const bought = pod.shops.apple.buy();
    await show(player, bought);
    // Its id was used for something else, by hand.
    const id = derivedId("refund", receiptId("apple", bought.transactionId));
    const other = [{ from: HOUSE.source, to: playerAccount(player), asset: "credits", amount: 1 }];
    await pod.books.ledger.settle([entryOf("correction", other, { player, id })]);
    expect(await apple("REFUND", bought)).toContain("conflict");
  });
});

describe("a subscription", () => {
  const active = { data: { status: 1 } };

  it("gives each period to whoever showed it first, once", async () => {
    const player = pod.player();
    const { apple: store } = pod.shops;
    const first = store.subscribe();
    const originalTransactionId = first.transactionId;
    expect(await apple("SUBSCRIBED", first, active)).toBe("active, of nobody yet");
    expect(await show(player, first)).toMatchObject({ body: { status: "settled" } });
    expect(await apple("SUBSCRIBED", first, active)).toBe("active, settled");
    expect(await pod.credits(player)).toBe(500n);
    const second = store.subscribe({ originalTransactionId });
    expect(await apple("DID_RENEW", second, active)).toBe("active, settled");
    expect(await apple("DID_RENEW", second, active)).toBe("active, settled");
    expect(await pod.credits(player)).toBe(1_000n);
    const third = store.subscribe({ originalTransactionId });
    expect(await show(pod.player(), third)).toMatchObject({ status: 409, body: { code: "RECEIPT_TAKEN" } });
    expect(await pod.subscriptions(player)).toMatchObject([
      { store: "apple", subscription: originalTransactionId, product: "pass", state: "active" },
    ]);
  });

  it("runs through its states", async () => {
    const player = pod.player();
    const bought = pod.shops.apple.subscribe();
    await show(player, bought);
    const states = { 4: "grace", 3: "on-hold", 1: "active", 2: "expired", 5: "revoked" };
    for (const [status, state] of [
      [4, "grace"],
      [3, "on-hold"],
      [1, "active"],
      [2, "expired"],
      [5, "revoked"],
    ] as const) {
      const told = { ...bought, signedDate: Date.now() };
      expect(await apple("DID_CHANGE_RENEWAL_STATUS", told, { data: { status } })).toBe(states[status]);
      expect(await pod.subscriptions(player)).toMatchObject([{ state }]);
    }
  });

  it("of Google is renewed by a hint, acknowledged, and taken back by its order", async () => {
    const player = pod.player();
    const { google } = pod.shops;
    const token = google.subscribe({ latestOrderId: "GPA.5..0" });
    expect(await pod.show({ store: "google", token, product: "pass", player })).toMatchObject({
      body: { status: "settled" },
    });
    await eventually(() => google.told.includes(`acknowledge subscriptions ${token}`), "it is acknowledged");
    google.subscriptions.set(token, { ...google.subscriptions.get(token), latestOrderId: "GPA.5..1" });
    const hint = await google.push({
      subscriptionNotification: { notificationType: 2, purchaseToken: token },
    });
    expect(await pod.event("google", hint)).toBe("active, settled");
    expect(await pod.credits(player)).toBe(1_000n);
    const voided = { purchaseToken: token, orderId: "GPA.5..1", productType: 1 };
    expect(await pod.event("google", await google.push({ voidedPurchaseNotification: voided }))).toBe(
      "refunded",
    );
    expect(await pod.credits(player)).toBe(500n);
    await eventually(async () => (await pod.owed("GPA.5..1"))?.outcome === "acknowledged", "it is closed");
  });

  it("whose period was granted under other goods keeps what it got", async () => {
    const player = pod.player();
    const bought = pod.shops.apple.subscribe();
    await show(player, bought);
    const period = pod.shops.apple.subscribe({ originalTransactionId: bought.transactionId });
    const id = receiptId("apple", period.transactionId);
    const less = [{ from: HOUSE.store, to: playerAccount(player), asset: "credits", amount: 1 }];
    await pod.books.ledger.settle([entryOf("purchase", less, { player, id })]);
    expect(await apple("DID_RENEW", period, active)).toBe("active, settled");
    expect(await pod.credits(player)).toBe(501n);
  });
});

describe("an event", () => {
  it("that is repeated is answered alike and does nothing", async () => {
    const body = await pod.shops.apple.notification("TEST", undefined, { uuid: "twice" });
    const answers = await Promise.all([1, 2, 3].map(() => pod.call("POST", "/v1/webhooks/apple", body)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await pod.rowsOf("SELECT FROM ledger.store_event WHERE event = 'twice'")).toHaveLength(1);
    expect(
      await pod.metric('gamefleet_receipts_events_total{store="apple",result="repeated"}'),
    ).toBeGreaterThanOrEqual(2);
    await eventually(
      async () =>
        (await pod.rowsOf("SELECT FROM ledger.store_event WHERE event = 'twice' AND outcome = 'unknown'"))
          .length === 1,
      "it is done",
    );
  });

  it("whose signature is not the store's is refused and not kept", async () => {
    const body = await pod.shops.apple.notification("REFUND", pod.shops.apple.buy(), {
      chain: makeChain(),
      uuid: "forged",
    });
    expect(await pod.call("POST", "/v1/webhooks/apple", body)).toMatchObject({
      status: 401,
      body: { code: "UNAUTHENTICATED" },
    });
    expect(await pod.rowsOf("SELECT FROM ledger.store_event WHERE event = 'forged'")).toHaveLength(0);
    expect(
      await pod.metric('gamefleet_receipts_events_total{store="apple",result="refused"}'),
    ).toBeGreaterThanOrEqual(1);
  });

  it.each<[string, string, string, number, string]>([
    ["to steam, which sends none", "steam", "{}", 400, "REQUEST_INVALID"],
    ["to a store that nobody knows", "nintendo", "{}", 400, "REQUEST_INVALID"],
    ["that is too large", "apple", "x".repeat(300_000), 413, "BODY_TOO_LARGE"],
    ["of a store that lies about its address", "google", "{}", 401, "UNAUTHENTICATED"],
  ])("%s is refused", async (_what, store, body, status, code) => {
    expect(await pod.call("POST", `/v1/webhooks/${store}`, body)).toMatchObject({ status, body: { code } });
  });

  it("in another form is refused", async () => {
    const form = { "content-type": "application/x-www-form-urlencoded" };
    expect(await pod.call("POST", "/v1/webhooks/apple", "a=b", form)).toMatchObject({ status: 415 });
  });

  it("that cannot be verified just now is to be sent again", async () => {
    pod.shops.paypal.server.fault = { kind: "error", path: /certs/ };
    const { paypal } = pod.shops;
    const url = `${paypal.server.url}/certs/C9`;
    const { body, headers } = paypal.event("X", {}, { headers: { "paypal-cert-url": url } });
    expect(await pod.call("POST", "/v1/webhooks/paypal", body, headers)).toMatchObject({ status: 503 });
  });
});
