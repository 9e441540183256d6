import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type SteamStore, steamStore } from "./steam.ts";
import { openShops, type Shops } from "./testing/shops.ts";

const signal = new AbortController().signal;
let shops: Shops;
let steam: Shops["steam"];
let port: SteamStore;
const storeWith = (over: object = {}) => {
  const { steam: settings } = shops.settings({ steam: over });
  return steamStore(settings as NonNullable<typeof settings>);
};
beforeAll(async () => {
  shops = await openShops();
  steam = shops.steam;
});
beforeEach(() => {
  shops.mend();
  steam.finalising = "ok";
  steam.page = 1_000;
  steam.terse = false;
  port = storeWith();
});
afterAll(() => shops.close());

const verify = (token: string, of = port) => of.verify({ token }, signal);
const owed = (token: string) => ({ token, proof: token, product: "100" });

describe("an order of Steam", () => {
  it("is verified by its id; its money has not moved before it is finalised", async () => {
    const order = steam.buy({ items: [{ itemid: 100, qty: 2 }] });
    expect(await verify(order)).toMatchObject({
      receipt: { store: "steam", token: order, product: "100", quantity: 2 },
      captured: false,
      account: "76561197972751825",
    });
    expect(await port.capture(owed(order), signal)).toBeUndefined();
    expect(await verify(order)).toMatchObject({ captured: true });
    expect(await port.nameOf({ token: order })).toBe(order);
    await port.acknowledge(owed(order), signal);
  });

  it("that was finalised before is ours, however the answer got lost", async () => {
    const order = steam.buy();
    steam.finalising = "done-before";
    expect(await port.capture(owed(order), signal)).toBeUndefined();
    expect(await port.capture(owed(order), signal)).toBeUndefined();
    expect(steam.orders.get(order)?.status).toBe("Succeeded");
  });

  it("that cannot be finalised is tried again while it is approved, and refused once it has failed", async () => {
    const order = steam.buy();
    steam.finalising = "fails";
    await expect(port.capture(owed(order), signal)).rejects.toThrow(/not done: Not in approved state/);
    steam.become(order, "Failed");
    expect(await port.capture(owed(order), signal)).toMatchObject({ reason: "not-paid" });
  });

  it.each([
    ["Init", "not-paid"],
    ["Failed", "not-paid"],
    ["Refunded", "revoked"],
    ["Chargedback", "revoked"],
    ["RefundedFriendlyFraud", "revoked"],
  ])("that is %s is refused as %s", async (status, reason) => {
    expect(await verify(steam.buy({ status }))).toMatchObject({ status: "refused", reason });
  });

  it("of several products, or of none, is refused before its money moves", async () => {
    const item = { itemid: 100, qty: 1 };
    expect(await verify(steam.buy({ items: [item, item] }))).toMatchObject({ reason: "wrong-product" });
    expect(await verify(steam.buy({ items: [] }))).toMatchObject({ reason: "wrong-product" });
  });

  it("that Steam does not know is refused: another app's, the sandbox's, no order", async () => {
    const order = steam.buy();
    expect(await verify("999999")).toMatchObject({ reason: "unknown" });
    expect(await verify("not-a-number")).toMatchObject({ reason: "unknown" });
    expect(await verify(order, storeWith({ appId: 481 }))).toMatchObject({ reason: "unknown" });
    expect(await verify(order, storeWith({ environment: "sandbox" }))).toMatchObject({ reason: "unknown" });
    expect(steam.server.asked.at(-1)?.path).toContain("/ISteamMicroTxnSandbox/");
  });

  it("is refused without a word, and tried again without one", async () => {
    const order = steam.buy();
    steam.terse = true;
    expect(await verify("999999")).toMatchObject({
      reason: "unknown",
      detail: "Steam does not know it: Failure",
    });
    steam.finalising = "fails";
    await expect(port.capture(owed(order), signal)).rejects.toThrow(/not done: Failure/);
  });

  it("in a state that nobody knows yet is asked for again", async () => {
    await expect(verify(steam.buy({ status: "Held" }))).rejects.toMatchObject({ code: "RECEIPT_UNVERIFIED" });
  });

  it("cannot be asked for with the wrong key: the error names the fields and not the key", async () => {
    const wrong = verify(steam.buy(), storeWith({ key: "not-the-key" }));
    await expect(wrong).rejects.toThrow(/steam\.key/);
    await expect(wrong).rejects.not.toThrow(/not-the-key/);
  });
});

describe("what Steam tells by itself", () => {
  it("is nothing: there are no webhooks", async () => {
    await expect(port.readEvent({ headers: {}, body: "{}" }, signal)).rejects.toThrow(
      /steam sends no webhooks/,
    );
  });

  it("is read from its report, page by page: what was taken back", async () => {
    const began = Date.now();
    steam.page = 2;
    const orders = [1, 2, 3].map(() =>
      steam.buy({ status: "Succeeded", time: new Date(began).toISOString() }),
    );
    const [kept, refunded, partly] = orders as [string, string, string];
    for (const [n, [order, status]] of [
      [kept, "Succeeded"],
      [refunded, "Refunded"],
      [partly, "PartialRefund"],
    ].entries() as unknown as [number, [string, string]][]) {
      steam.become(order, status);
      (steam.orders.get(order) as { time: string }).time = new Date(began + 1_000 * (n + 1)).toISOString();
    }
    const first = await port.report(began + 500, signal);
    expect(first).toMatchObject({ readTo: began + 2_000, more: false });
    expect(first.events.map(({ event }) => event)).toEqual([`${refunded}:Refunded`]);
    const rest = await port.report(first.readTo as number, signal);
    expect(rest.events.map(({ event }) => event)).toEqual([
      `${refunded}:Refunded`,
      `${partly}:PartialRefund`,
    ]);
    expect(await port.report(began + 60_000, signal)).toEqual({ events: [], readTo: undefined, more: false });
    const changes = await Promise.all(rest.events.map((event) => port.interpret(event, signal)));
    expect(changes).toEqual([
      [{ kind: "refund", token: refunded }],
      [{ kind: "attention", why: expect.stringContaining(partly) }],
    ]);
  });
});
