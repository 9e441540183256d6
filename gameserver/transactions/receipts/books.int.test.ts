/** What stands in PostgreSQL: obligations, events, subscriptions. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLog } from "../../../platform/log.ts";
import { createPool, type Pool, query } from "../../../platform/postgres.ts";
import { booksOfEachTest } from "../testing/books-of-each-test.ts";
import { ASSETS, buy } from "../testing/entries.ts";
import { keepEvent, processDue, waitingEvents } from "./intake.ts";
import { hurry, isOwed, type Obligation, overdue, owe, owesNothing, sendDue } from "./outbox.ts";
import type { SubscriptionNews } from "./port.ts";
import { entryOfReceipt, type Product } from "./receipt.ts";
import { noteSubscription, subscriptionsOf } from "./subscriptions.ts";

const books = booksOfEachTest();
let pool: Pool;
beforeEach(() => {
  // With no more rights than a pod has.
  pool = createPool({ url: books.url, name: "pod", log: silentLog(), session: { role: "gamefleet_ledger" } });
});
afterEach(() => pool.end());

const never = new AbortController().signal;
const gems: Product = { goods: [{ asset: "credits", amount: 100 }], type: "consumable" };
const context = { nowMs: Date.now(), trace: "t", assets: ASSETS, products: new Map([["apple/gems", gems]]) };
const granted = (token: string, player = "ann") =>
  entryOfReceipt({ store: "apple", token, product: "gems", quantity: 1 }, player, context);
const owedFor = (transaction: string, token = "tok", player = "ann"): Obligation => ({
  transaction,
  store: "apple",
  token,
  proof: token,
  product: "gems",
  player,
});

/** What is told to a store, and granted for it; fails while it is `away`. */
function fakeStore() {
  const store = {
    told: [] as string[],
    granted: [] as string[],
    away: false,
    vouches: true,
    stores: ["apple"],
    acknowledge: async ({ token }: Obligation) => {
      if (store.away) throw new Error("store is away");
      store.told.push(token);
    },
    grant: async ({ token }: Obligation) => {
      if (store.away) throw new Error("store is away");
      store.granted.push(token);
      return store.vouches;
    },
  };
  return store;
}
const send = (store: ReturnType<typeof fakeStore>) => sendDue(pool, store, never);
/** Makes the rows due, and older by so much. */
const age = (interval: string) =>
  query(books.pool, "UPDATE ledger.store_outbox SET retry_at = now(), since = since - $1::interval", [
    interval,
  ]);
const rowOf = async (id: string) =>
  (
    await query(
      books.pool,
      "SELECT outcome, attempts, error, player FROM ledger.store_outbox WHERE transaction = $1",
      [id],
    )
  )[0];

describe("an obligation", () => {
  it("is one player's, whoever else shows the receipt", async () => {
    const { id } = granted("tok");
    expect(await owe(pool, owedFor(id))).toBe(true);
    expect(await owe(pool, owedFor(id))).toBe(true);
    expect(await owe(pool, owedFor(id, "tok", "eve"))).toBe(false);
    expect(await books.count("store_outbox")).toBe(1);
  });

  it("that the store does not vouch for any more is closed, and may be owed anew, to another too", async () => {
    const { id } = granted("tok");
    await owe(pool, owedFor(id));
    await owesNothing(pool, id, "not paid");
    expect(await rowOf(id)).toMatchObject({ outcome: "refused", error: "not paid" });
    expect(await isOwed(pool, id)).toBe(false);
    expect(await owe(pool, owedFor(id, "tok", "eve"))).toBe(true);
    expect(await rowOf(id)).toMatchObject({ outcome: null, error: null, player: "eve" });
    expect(await isOwed(pool, id)).toBe(true);
  });

  it("that nobody has settled is granted by whoever looks, after a minute", async () => {
    const store = fakeStore();
    const entry = granted("tok");
    await owe(pool, owedFor(entry.id));
    expect(await send(store)).toMatchObject({ granted: 0 });
    await age("2 minutes");
    expect(await send(store)).toMatchObject({ granted: 1, acknowledged: 0 });
    expect(store.granted).toEqual(["tok"]);
    await books.ledger.settle([entry]);
    expect(await send(store)).toMatchObject({ granted: 0, acknowledged: 1 });
  });

  it("is looked at sooner when the store says that something changed", async () => {
    const store = fakeStore();
    const { id } = granted("tok");
    expect(await hurry(pool, id)).toBe(false);
    await owe(pool, owedFor(id));
    expect(await hurry(pool, id)).toBe(true);
    store.vouches = false;
    expect(await send(store)).toMatchObject({ granted: 0, failed: 0 });
    expect(store.granted).toEqual(["tok"]);
  });

  it("that was given up is taken up again when the money has come, unless it was granted", async () => {
    const store = fakeStore();
    const [late, done] = [granted("late"), granted("done")];
    for (const [entry, token] of [
      [late, "late"],
      [done, "done"],
    ] as const)
      await owe(pool, owedFor(entry.id, token));
    await books.ledger.settle([done]);
    await age("73 hours");
    expect((await send(store)).hopeless).toHaveLength(2);
    expect(await hurry(pool, done.id)).toBe(false);
    expect(await hurry(pool, late.id)).toBe(true);
    expect(await send(store)).toMatchObject({ granted: 1, hopeless: [] });
    expect(store.granted).toEqual(["late"]);
    expect(await owe(pool, owedFor(done.id, "done"))).toBe(true);
  });

  it("is left to a pod that knows the store", async () => {
    const entry = granted("tok");
    await owe(pool, owedFor(entry.id));
    await books.ledger.settle([entry]);
    expect(await send({ ...fakeStore(), stores: ["google"] })).toMatchObject({ acknowledged: 0 });
  });
});

describe("an acknowledgement", () => {
  it("is not sent before the books hold the purchase, and then once", async () => {
    const store = fakeStore();
    const entry = granted("tok");
    await owe(pool, owedFor(entry.id));
    expect(await send(store)).toMatchObject({ acknowledged: 0, failed: 0 });
    expect(store.told).toEqual([]);
    await books.ledger.settle([entry]);
    expect(await send(store)).toMatchObject({ acknowledged: 1, failed: 0 });
    expect(await send(store)).toMatchObject({ acknowledged: 0, failed: 0 });
    expect(store.told).toEqual(["tok"]);
    expect(await rowOf(entry.id)).toMatchObject({ outcome: "acknowledged" });
  });

  it("is sent again until the store takes it, later and later, and alarms from the first hour", async () => {
    const store = fakeStore();
    store.away = true;
    const entry = granted("tok");
    await owe(pool, owedFor(entry.id));
    await books.ledger.settle([entry]);
    expect(await send(store)).toMatchObject({ acknowledged: 0, failed: 1 });
    expect(await send(store)).toMatchObject({ acknowledged: 0, failed: 0 });
    expect(await overdue(pool)).toMatchObject({ waiting: 1, rows: 0 });
    await age("2 hours");
    expect(await overdue(pool)).toMatchObject({ waiting: 1, rows: 1 });
    expect(await send(store)).toMatchObject({ acknowledged: 0, failed: 1 });
    expect(await rowOf(entry.id)).toMatchObject({ outcome: null, attempts: 2, error: "store is away" });
    store.away = false;
    await age("0");
    expect(await send(store)).toMatchObject({ acknowledged: 1, failed: 0 });
    expect(await overdue(pool)).toEqual({ waiting: 0, rows: 0, oldestSeconds: 0 });
  });

  it("is given up after three days, when the store has taken the purchase back, and says so", async () => {
    const store = fakeStore();
    const entry = granted("tok");
    await owe(pool, owedFor(entry.id));
    await books.ledger.settle([entry]);
    await age("73 hours");
    const { hopeless } = await send(store);
    expect(hopeless).toEqual([
      { transaction: entry.id, store: "apple", token: "tok", player: "ann", outcome: "expired" },
    ]);
    expect(await rowOf(entry.id)).toMatchObject({ outcome: "expired" });
  });

  it("is not owed for what was declined, which needs a person", async () => {
    const store = fakeStore();
    const late = buy(5);
    await owe(pool, owedFor(late.id));
    await books.ledger.settle([late]);
    expect(await send(store)).toMatchObject({ hopeless: [{ outcome: "declined" }] });
    expect(store.told).toEqual([]);
    expect(await rowOf(late.id)).toMatchObject({ outcome: "declined" });
  });

  it("is sent by one of two pods that look at the same time", async () => {
    const store = fakeStore();
    const entries = Array.from({ length: 20 }, (_, n) => granted(`tok${n}`));
    for (const [n, { id }] of entries.entries()) await owe(pool, owedFor(id, `tok${n}`));
    await books.ledger.settle(entries);
    const sent = await Promise.all([send(store), send(store)]);
    expect(sent.reduce((sum, { acknowledged }) => sum + acknowledged, 0)).toBe(20);
    expect(new Set(store.told).size).toBe(20);
    expect(store.told).toHaveLength(20);
  });
});

describe("an event of a store", () => {
  const event = { store: "apple", event: "e-1", kind: "REFUND", body: '{"a":1}' };
  const handled: string[] = [];
  const handle = async ({ event: id }: { readonly event: string }) => {
    handled.push(id);
    return "refunded";
  };
  beforeEach(() => {
    handled.length = 0;
  });

  it("is kept once and processed once, however often it comes", async () => {
    expect(await keepEvent(pool, event)).toBe(true);
    expect(await keepEvent(pool, { ...event, body: "other" })).toBe(false);
    expect(await processDue(pool, ["google"], handle)).toEqual({ done: 0, failed: 0 });
    expect(await processDue(pool, ["apple"], handle)).toEqual({ done: 1, failed: 0 });
    expect(await keepEvent(pool, event)).toBe(false);
    expect(await processDue(pool, ["apple"], handle)).toEqual({ done: 0, failed: 0 });
    expect(handled).toEqual(["e-1"]);
    const rows = await query(books.pool, "SELECT body, outcome FROM ledger.store_event");
    expect(rows).toEqual([{ body: event.body, outcome: "refunded" }]);
  });

  it("comes after those that came before it", async () => {
    const ids = Array.from({ length: 20 }, (_, n) => `n-${n}`);
    for (const id of ids) await keepEvent(pool, { ...event, event: id });
    await processDue(pool, ["apple"], handle);
    expect(handled).toEqual(ids);
  });

  it("that fails is tried again, and hinders no other", async () => {
    let broken = true;
    const flaky = async ({ kind }: { readonly kind: string }) =>
      broken && kind === "REFUND" ? Promise.reject(new Error("no")) : "done";
    await keepEvent(pool, event);
    await keepEvent(pool, { ...event, event: "e-2", kind: "TEST" });
    expect(await processDue(pool, ["apple"], flaky)).toEqual({ done: 1, failed: 1 });
    expect(await waitingEvents(pool)).toEqual({ waiting: 1, failing: 1 });
    broken = false;
    await query(books.pool, "UPDATE ledger.store_event SET retry_at = now()");
    expect(await processDue(pool, ["apple"], flaky)).toEqual({ done: 1, failed: 0 });
    expect(await waitingEvents(pool)).toEqual({ waiting: 0, failing: 0 });
  });
});

describe("a subscription", () => {
  const news = (over: Partial<SubscriptionNews> = {}): SubscriptionNews => ({
    subscription: "sub",
    product: "pass",
    state: "active",
    expiresAt: Date.now() + 60_000,
    asOf: 1_000,
    ...over,
  });
  const stateOf = async (player = "ann") => (await subscriptionsOf(pool, player)).map(({ state }) => state);

  it("belongs to whoever shows it first, and may be heard of before", async () => {
    expect(await noteSubscription(pool, "apple", news())).toBeUndefined();
    expect(await stateOf()).toEqual([]);
    expect(await noteSubscription(pool, "apple", news(), "ann")).toBe("ann");
    expect(await noteSubscription(pool, "apple", news(), "eve")).toBe("ann");
    expect(await noteSubscription(pool, "apple", news())).toBe("ann");
    expect(await stateOf()).toEqual(["active"]);
    expect(await stateOf("eve")).toEqual([]);
  });

  it("stands as the newest news say, in whatever order they come", async () => {
    await noteSubscription(pool, "apple", news({ asOf: 3_000, state: "grace", product: "gold" }), "ann");
    await noteSubscription(pool, "apple", news({ asOf: 2_000, state: "on-hold" }));
    expect(await subscriptionsOf(pool, "ann")).toMatchObject([{ state: "grace", product: "gold" }]);
    await noteSubscription(pool, "apple", news({ asOf: 4_000, state: "revoked" }));
    expect(await subscriptionsOf(pool, "ann")).toMatchObject([{ state: "revoked", product: "pass" }]);
  });

  it("that has run out is expired, whether the store has said so or not", async () => {
    await noteSubscription(pool, "apple", news({ expiresAt: Date.now() - 1_000 }), "ann");
    expect(await stateOf()).toEqual(["expired"]);
    await noteSubscription(pool, "apple", news({ asOf: 2_000, expiresAt: undefined }), "ann");
    expect(await subscriptionsOf(pool, "ann")).toMatchObject([{ state: "active", expiresAt: undefined }]);
  });
});
