/** The whole way: a receipt over HTTP, goods in the books, the store told; and every way in which it may not be so. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../../../platform/testing/eventually.ts";
import { receiptId } from "./receipt.ts";
import { openTestPod, type TestPod } from "./testing/pod.ts";

let pod: TestPod;
beforeAll(async () => {
  pod = await openTestPod();
});
beforeEach(() => {
  pod.shops.mend();
  pod.shops.steam.finalising = "ok";
  pod.shops.paypal.capturing = "COMPLETED";
});
afterAll(() => pod.close());

type Buy = (pod: TestPod) => { readonly store: string; readonly token: string; readonly product?: string };
const BUYS: readonly (readonly [string, Buy])[] = [
  ["apple", ({ shops }) => ({ store: "apple", token: shops.apple.buy().transactionId })],
  ["google", ({ shops }) => ({ store: "google", token: shops.google.buy(), product: "gems" })],
  ["steam", ({ shops }) => ({ store: "steam", token: shops.steam.buy() })],
  ["paypal", ({ shops }) => ({ store: "paypal", token: shops.paypal.buy() })],
];

describe.each(BUYS)("a receipt of %s", (_store, buy) => {
  it("gives its goods once, and is acknowledged when the books hold it", async () => {
    const player = pod.player();
    const shown = { ...buy(pod), player };
    const first = await pod.show(shown);
    expect(first).toMatchObject({
      status: 200,
      body: { status: "settled", id: receiptId(shown.store, shown.token) },
    });
    expect((await pod.show(shown)).body).toEqual(first.body);
    expect(await pod.credits(player)).toBe(100n);
    await eventually(
      async () => (await pod.owed(shown.token))?.outcome === "acknowledged",
      "it is acknowledged",
    );
  });

  it("is told the same, when the store is away by then", async () => {
    const player = pod.player();
    const shown = { ...buy(pod), player };
    const first = await pod.show(shown);
    for (const { server } of [pod.shops.apple, pod.shops.google, pod.shops.steam, pod.shops.paypal])
      server.fault = { kind: "error" };
    expect((await pod.show(shown)).body).toEqual(first.body);
  });

  it("is granted to one of two players who show it, at the same time too", async () => {
    const [ann, eve] = [pod.player(), pod.player()];
    const shown = buy(pod);
    const answers = await Promise.all([
      pod.show({ ...shown, player: ann }),
      pod.show({ ...shown, player: eve }),
    ]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
      code: "RECEIPT_TAKEN",
      fields: { token: expect.stringMatching(/./) },
    });
    expect((await pod.credits(ann)) + (await pod.credits(eve))).toBe(100n);
    const late = await pod.show({ ...shown, player: pod.player() });
    expect(late).toMatchObject({ status: 409, body: { code: "RECEIPT_TAKEN" } });
  });

  it("that the store cannot be asked about is for later", async () => {
    const player = pod.player();
    const shown = { ...buy(pod), player };
    for (const { server } of [pod.shops.apple, pod.shops.google, pod.shops.steam, pod.shops.paypal])
      server.fault = { kind: "busy" };
    const answer = await pod.show(shown);
    expect(answer).toMatchObject({
      status: 503,
      body: { code: "RECEIPT_UNVERIFIED" },
      headers: { "retry-after": "7" },
    });
    expect(await pod.owed(shown.token)).toBeUndefined();
    pod.shops.mend();
    expect(await pod.show(shown)).toMatchObject({ status: 200, body: { status: "settled" } });
  });
});

describe("a receipt is refused", () => {
  it("with the reason, and gives nothing", async () => {
    const player = pod.player();
    const { transactionId: token } = pod.shops.apple.buy({ revocationDate: 1 });
    expect(await pod.show({ store: "apple", token, player })).toMatchObject({
      status: 422,
      headers: { "content-type": expect.stringContaining("application/problem+json") },
      body: {
        code: "RECEIPT_REFUSED",
        fields: { token: "revoked" },
        detail: expect.stringMatching(/^token: revoked: /),
      },
    });
    expect(await pod.owed(token)).toBeUndefined();
    expect(await pod.metric('gamefleet_receipts_verifications_total{store="apple",outcome="revoked"}')).toBe(
      1,
    );
  });

  it("when the store says that it is for another account", async () => {
    const { transactionId: token } = pod.shops.apple.buy({ appAccountToken: "hers" });
    const shown = { store: "apple", token, player: pod.player() };
    expect(await pod.show({ ...shown, account: "mine" })).toMatchObject({
      status: 422,
      body: { fields: { token: "wrong-account" } },
    });
    expect(await pod.show({ ...shown, account: "hers" })).toMatchObject({ status: 200 });
  });

  it.each<[string, object, number, string]>([
    ["of a store that nobody knows", { store: "nintendo", token: "1" }, 400, "store"],
    ["without a token", { store: "apple" }, 400, "token"],
    ["of a token that is too long", { store: "apple", token: "x".repeat(20_000) }, 400, "token"],
    ["without a player", { store: "apple", token: "1", player: undefined }, 400, "player"],
    ["for a player with a line break", { store: "apple", token: "1", player: "a\nb" }, 400, "player"],
    ["with a field that is not known", { store: "apple", token: "1", price: 0 }, 400, "price"],
    ["of google without its product", { store: "google", token: "1" }, 400, "product"],
  ])("%s", async (_what, shown, status, named) => {
    const answer = await pod.show({ player: pod.player(), ...shown });
    expect(answer).toMatchObject({ status, body: { code: "REQUEST_INVALID" } });
    expect(JSON.stringify(answer.body)).toContain(named);
  });

  it("of a product that is not in the receipts file, before its money is taken", async () => {
    const order = pod.shops.steam.buy({ items: [{ itemid: 7, qty: 1 }] });
    const answer = await pod.show({ store: "steam", token: order, player: pod.player() });
    expect(answer).toMatchObject({
      status: 400,
      body: { fields: { product: expect.stringContaining("products.steam") } },
    });
    expect(pod.shops.steam.orders.get(order)?.status).toBe("Approved");
  });

  it("from who has no service token, and from who asks too often", async () => {
    const shown = { store: "apple", token: "1", player: pod.player() };
    expect(await pod.show(shown, {})).toMatchObject({ status: 401, body: { code: "UNAUTHENTICATED" } });
    const answers = await Promise.all(Array.from({ length: 40 }, () => pod.show(shown)));
    const limited = answers.filter(({ status }) => status === 429);
    expect(limited.length).toBeGreaterThanOrEqual(15);
    expect(limited[0]?.body).toMatchObject({ code: "RATE_LIMITED" });
  });
});

describe("money that has not moved", () => {
  it("is refused by the payer's bank: nothing is owed, and it may be shown again", async () => {
    const player = pod.player();
    const shown = { store: "paypal", token: pod.shops.paypal.buy(), player };
    pod.shops.paypal.capturing = "declined";
    expect(await pod.show(shown)).toMatchObject({ status: 422, body: { fields: { token: "not-paid" } } });
    expect(await pod.owed(shown.token)).toMatchObject({ outcome: "refused" });
    expect(await pod.credits(player)).toBe(0n);
    pod.shops.paypal.capturing = "COMPLETED";
    expect(await pod.show(shown)).toMatchObject({ status: 200, body: { status: "settled" } });
  });

  it("is taken and granted by the outbox when whoever asked has gone", async () => {
    const player = pod.player();
    const shown = { store: "steam", token: pod.shops.steam.buy(), player };
    pod.shops.steam.server.fault = { kind: "silent", path: /Finalize/ };
    expect(await pod.show(shown)).toMatchObject({ status: 503, body: { code: "RECEIPT_UNVERIFIED" } });
    pod.shops.mend();
    await pod.minutesLater();
    await eventually(async () => (await pod.credits(player)) === 100n, "it is granted");
    expect(pod.shops.steam.orders.get(shown.token)?.status).toBe("Succeeded");
    await eventually(async () => (await pod.owed(shown.token))?.outcome === "acknowledged", "it is closed");
  });

  it("is not granted by the outbox when the store does not vouch for it any more", async () => {
    const player = pod.player();
    for (const status of ["Failed", "Approved"]) {
      const shown = { store: "steam", token: pod.shops.steam.buy(), player };
      pod.shops.steam.finalising = "fails";
      expect(await pod.show(shown)).toMatchObject({ status: 503 });
      pod.shops.steam.become(shown.token, status);
      if (status === "Approved") {
        // It fails between the two questions.
        const { server } = pod.shops.steam;
        const before = server.count(/Finalize/);
        await pod.minutesLater();
        await eventually(() => server.count(/Finalize/) > before, "it is finalised");
        pod.shops.steam.become(shown.token, "Failed");
        expect(await pod.credits(player)).toBe(0n);
      }
      await pod.minutesLater();
      await eventually(async () => (await pod.owed(shown.token))?.outcome === "refused", "it is closed");
    }
    expect(await pod.credits(player)).toBe(0n);
  });

  it("in review is granted when the store says that it has come", async () => {
    const player = pod.player();
    const { paypal } = pod.shops;
    const shown = { store: "paypal", token: paypal.buy(), player };
    paypal.capturing = "PENDING";
    expect(await pod.show(shown)).toMatchObject({ status: 503, body: { code: "RECEIPT_UNVERIFIED" } });
    paypal.become(shown.token, "COMPLETED");
    const came = paypal.event("PAYMENT.CAPTURE.COMPLETED", { id: `CAP${shown.token}` });
    expect(await pod.event("paypal", came)).toBe("looked at");
    await eventually(async () => (await pod.credits(player)) === 100n, "it is granted");
    const again = paypal.event("PAYMENT.CAPTURE.COMPLETED", { id: `CAP${shown.token}` });
    await eventually(async () => (await pod.owed(shown.token))?.outcome === "acknowledged", "it is closed");
    expect(await pod.event("paypal", again)).toBe("not owed");
  });

  it("that the books decline needs a person", async () => {
    const player = pod.player();
    const { google } = pod.shops;
    const hats = [google.buy({ productId: "hat" }), google.buy({ productId: "hat" })];
    const before = await pod.metric('gamefleet_receipts_attention_total{store="google"}');
    const answers = [];
    for (const token of hats)
      answers.push((await pod.show({ store: "google", token, product: "hat", player })).body);
    expect(answers).toMatchObject([{ status: "settled" }, { status: "declined", reason: "limit" }]);
    await eventually(
      async () => (await pod.metric('gamefleet_receipts_attention_total{store="google"}')) === before + 1,
      "it is said",
    );
    expect(await pod.owed(hats[1] as string)).toMatchObject({ outcome: "declined" });
    expect(google.told).not.toContain(`acknowledge products ${hats[1]}`);
  });
});

it("a store that is away is not asked for a while, and used again when it is back", async () => {
  const { google } = pod.shops;
  google.server.fault = { kind: "error" };
  const ask = () => pod.show({ store: "google", token: google.buy(), product: "gems", player: pod.player() });
  await Promise.all(Array.from({ length: 25 }, ask));
  expect(await pod.metric('gamefleet_breaker_state{breaker="store-google"}')).toBeGreaterThan(0);
  expect(await ask()).toMatchObject({ status: 503, body: { code: "CIRCUIT_OPEN" } });
  // The others are not touched.
  const apple = { store: "apple", token: pod.shops.apple.buy().transactionId, player: pod.player() };
  expect(await pod.show(apple)).toMatchObject({ status: 200 });
  pod.shops.mend();
  await eventually(
    async () => (await pod.metric('gamefleet_breaker_state{breaker="store-google"}')) === 0,
    "it closes",
  );
  expect(await ask()).toMatchObject({ status: 200 });
});

it("what is owed is shown", async () => {
  await eventually(async () => (await pod.metric("gamefleet_receipts_owed")) === 0, "nothing is owed");
  expect(await pod.metric('gamefleet_receipts_owed_total{result="acknowledged"}')).toBeGreaterThan(0);
  expect(await pod.metric("gamefleet_receipts_owed_overdue")).toBe(0);
});
