/** Every way in which a store can be away, for every store: never an answer, always "ask again". */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { appleStore } from "./apple.ts";
import { ask } from "./ask.ts";
import { googleStore } from "./google.ts";
import { paypalStore } from "./paypal.ts";
import type { StorePort } from "./port.ts";
import { steamStore } from "./steam.ts";
import { FakeServer, type Fault } from "./testing/fake-server.ts";
import { openShops, type Shops } from "./testing/shops.ts";

const signal = new AbortController().signal;
const FAULTS: readonly (readonly [Fault, RegExp])[] = [
  ["silent", /no answer in time/],
  ["cut", /./],
  ["error", /answered 503/],
  ["busy", /answered 429/],
  ["denied", /does not take these credentials; see/],
  ["nonsense", /answered what it should not/],
  ["odd", /answered what it should not/],
  ["huge", /more than/],
  ["redirect", /redirect/],
];

let shops: Shops;
const stores = new Map<
  string,
  { port: StorePort; server: FakeServer; token: () => string; product?: string }
>();
beforeAll(async () => {
  shops = await openShops();
  const { apple, google, steam, paypal, products } = shops.settings();
  if (!apple || !google || !steam || !paypal) throw new Error("four stores are needed");
  stores.set("apple", {
    port: appleStore(apple),
    server: shops.apple.server,
    token: () => shops.apple.buy().transactionId,
  });
  stores.set("google", {
    port: googleStore(google, products),
    server: shops.google.server,
    token: () => shops.google.buy(),
    product: "gems",
  });
  stores.set("steam", {
    port: steamStore(steam),
    server: shops.steam.server,
    token: () => shops.steam.buy(),
  });
  stores.set("paypal", {
    port: paypalStore(paypal, products),
    server: shops.paypal.server,
    token: () => shops.paypal.buy(),
  });
});
beforeEach(() => shops.mend());
afterAll(() => shops.close());
const storeOf = (name: string) => stores.get(name) as NonNullable<ReturnType<(typeof stores)["get"]>>;

describe.each(["apple", "google", "steam", "paypal"])("%s", (name) => {
  it.each(FAULTS)("that is %s is asked again later, and well after that", async (kind, why) => {
    const { port, server, token, product } = storeOf(name);
    server.fault = { kind };
    const shown = { token: token(), product };
    const lost = port.verify(shown, signal);
    await expect(lost).rejects.toMatchObject({ code: "RECEIPT_UNVERIFIED", retryable: true });
    await expect(lost).rejects.toThrow(why);
    await expect(lost).rejects.toThrow(new RegExp(`^${name}: `));
    server.fault = undefined;
    expect(await port.verify(shown, signal)).toMatchObject({ status: "verified" });
  });

  it("says by a probe whether it is there", async () => {
    const { port, server } = storeOf(name);
    await port.probe(signal);
    server.fault = { kind: "error" };
    await expect(port.probe(signal)).rejects.toMatchObject({ code: "RECEIPT_UNVERIFIED" });
  });
});

it("how long to wait is what the store says, within reason", async () => {
  const { server } = shops.steam;
  server.fault = { kind: "busy" };
  const question = { what: "x", url: server.url, signal, timeoutMs: 500, credentials: "x" };
  await expect(ask(question)).rejects.toMatchObject({ retryAfterSeconds: 7 });
});

it("a store that nobody listens at, and a caller who has gone", async () => {
  const closed = await new FakeServer(() => ({})).start();
  const { url } = closed;
  await closed.close();
  const question = { what: "x", url, timeoutMs: 500, credentials: "x" };
  await expect(ask({ ...question, signal })).rejects.toThrow(/ECONNREFUSED/);
  const gone = AbortSignal.abort();
  await expect(ask({ ...question, signal: gone })).rejects.toMatchObject({ code: "RECEIPT_UNVERIFIED" });
});
