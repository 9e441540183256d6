import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLog } from "../../../platform/log.ts";
import { createPool, type Pool, query } from "../../../platform/postgres.ts";
import { type Books, openBooks } from "../testing/books.ts";
import { ASSETS, buy } from "../testing/entries.ts";
import { type Handler, keepEvent, processDue, waitingEvents } from "./intake.ts";
import { overdue, owe, sendDue } from "./outbox.ts";
import { entryOfReceipt, type StorePort } from "./receipt.ts";

let books: Books;
let pool: Pool;
beforeEach(async () => {
  books = await openBooks();
  // With no more rights than a pod has.
  pool = createPool({ url: books.url, name: "pod", log: silentLog(), session: { role: "gamefleet_ledger" } });
});
afterEach(async () => {
  await pool.end();
  const wrong = await books.imbalance();
  await books.close();
  if (wrong) throw new Error(wrong);
});

const never = new AbortController().signal;
const context = {
  nowMs: Date.now(),
  trace: "t",
  assets: ASSETS,
  products: new Map([["apple/gems", [{ asset: "credits", amount: 100 }]]]),
};
const granted = (token: string, player = "ann") =>
  entryOfReceipt({ store: "apple", token, product: "gems", quantity: 1 }, player, context);

/** A store that is a third party: notes what it was told, and fails while it is `away`. */
function fakeStore(): StorePort & { readonly told: string[]; away: boolean } {
  const told: string[] = [];
  const store = {
    store: "apple",
    told,
    away: false,
    verify: async (proof: string) => ({ store: "apple", token: proof, product: "gems", quantity: 1 }),
    acknowledge: async (token: string) => {
      if (store.away) throw new Error("store is away");
      told.push(token);
    },
  };
  return store;
}
const send = (store: StorePort) => sendDue(pool, new Map([[store.store, store]]), never);
/** Makes the rows due, and older by so much. */
const age = (interval: string) =>
  query(books.pool, "UPDATE ledger.store_outbox SET retry_at = now(), since = since - $1::interval", [
    interval,
  ]);
const rowOf = async (id: string) =>
  (
    await query(
      books.pool,
      "SELECT outcome, attempts, error FROM ledger.store_outbox WHERE transaction = $1",
      [id],
    )
  )[0];

describe("a receipt", () => {
  it("is granted once, whoever shows it again", async () => {
    const [first, second] = await books.ledger.settle([granted("tok"), granted("tok")]);
    expect([first, second]).toEqual([{ status: "settled" }, { status: "settled" }]);
    expect(await books.ledger.settle([granted("tok", "eve")])).toEqual([{ status: "conflict" }]);
    expect(await books.balance("player:ann", "credits")).toBe(100n);
    expect(await books.balance("player:eve", "credits")).toBe(0n);
  });
});

describe("an acknowledgement", () => {
  it("is not sent before the books hold the purchase, and then once", async () => {
    const store = fakeStore();
    const entry = granted("tok");
    await owe(pool, entry.id, "apple", "tok");
    await owe(pool, entry.id, "apple", "tok");
    expect(await send(store)).toEqual({ acknowledged: 0, failed: 0 });
    expect(store.told).toEqual([]);
    await books.ledger.settle([entry]);
    expect(await send(store)).toEqual({ acknowledged: 1, failed: 0 });
    expect(await send(store)).toEqual({ acknowledged: 0, failed: 0 });
    expect(store.told).toEqual(["tok"]);
    expect(await rowOf(entry.id)).toMatchObject({ outcome: "acknowledged" });
  });

  it("is sent again until the store takes it, later and later, and alarms from the first hour", async () => {
    const store = fakeStore();
    store.away = true;
    const entry = granted("tok");
    await owe(pool, entry.id, "apple", "tok");
    await books.ledger.settle([entry]);
    expect(await send(store)).toEqual({ acknowledged: 0, failed: 1 });
    expect(await send(store)).toEqual({ acknowledged: 0, failed: 0 });
    expect(await overdue(pool)).toMatchObject({ rows: 0 });
    await age("2 hours");
    expect(await overdue(pool)).toMatchObject({ rows: 1 });
    expect(await send(store)).toEqual({ acknowledged: 0, failed: 1 });
    expect(await rowOf(entry.id)).toMatchObject({ outcome: null, attempts: 2, error: "store is away" });
    store.away = false;
    await age("0");
    expect(await send(store)).toEqual({ acknowledged: 1, failed: 0 });
    expect(await overdue(pool)).toMatchObject({ rows: 0, oldestSeconds: 0 });
  });

  it("is given up after three days, when the store has taken the purchase back", async () => {
    const store = fakeStore();
    const entry = granted("tok");
    await owe(pool, entry.id, "apple", "tok");
    await books.ledger.settle([entry]);
    await age("73 hours");
    expect(await send(store)).toEqual({ acknowledged: 0, failed: 0 });
    expect(await rowOf(entry.id)).toMatchObject({ outcome: "expired" });
  });

  it("is not owed for what was declined", async () => {
    const store = fakeStore();
    const late = buy(5);
    await owe(pool, late.id, "apple", "tok");
    await books.ledger.settle([late]);
    await send(store);
    expect(store.told).toEqual([]);
    expect(await rowOf(late.id)).toMatchObject({ outcome: "declined" });
  });

  it("is sent by one of two pods that look at the same time", async () => {
    const store = fakeStore();
    const entries = Array.from({ length: 20 }, (_, n) => granted(`tok${n}`));
    for (const [n, { id }] of entries.entries()) await owe(pool, id, "apple", `tok${n}`);
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
  const handler: Handler = async ({ event: id }) => {
    handled.push(id);
    return "refunded";
  };
  beforeEach(() => {
    handled.length = 0;
  });

  it("is kept once and processed once, however often it comes", async () => {
    const handlers = new Map([["apple/REFUND", handler]]);
    expect(await keepEvent(pool, event)).toBe(true);
    expect(await keepEvent(pool, { ...event, body: "other" })).toBe(false);
    expect(await processDue(pool, handlers)).toEqual({ done: 1, failed: 0 });
    expect(await keepEvent(pool, event)).toBe(false);
    expect(await processDue(pool, handlers)).toEqual({ done: 0, failed: 0 });
    expect(handled).toEqual(["e-1"]);
    const rows = await query(books.pool, "SELECT body, outcome FROM ledger.store_event");
    expect(rows).toEqual([{ body: event.body, outcome: "refunded" }]);
  });

  it("of an unknown kind is kept, and done", async () => {
    await keepEvent(pool, { ...event, kind: "NEW_KIND" });
    expect(await processDue(pool, new Map())).toEqual({ done: 1, failed: 0 });
    expect(await query(books.pool, "SELECT kind, outcome FROM ledger.store_event")).toEqual([
      { kind: "NEW_KIND", outcome: "unknown" },
    ]);
  });

  it("that fails is tried again, and hinders no other", async () => {
    let broken = true;
    const handlers = new Map<string, Handler>([
      ["apple/REFUND", async () => (broken ? Promise.reject(new Error("no")) : "refunded")],
      ["apple/TEST", async () => "seen"],
    ]);
    await keepEvent(pool, event);
    await keepEvent(pool, { ...event, event: "e-2", kind: "TEST" });
    expect(await processDue(pool, handlers)).toEqual({ done: 1, failed: 1 });
    expect(await waitingEvents(pool)).toEqual({ waiting: 1, failing: 1 });
    broken = false;
    await query(books.pool, "UPDATE ledger.store_event SET retry_at = now()");
    expect(await processDue(pool, handlers)).toEqual({ done: 1, failed: 0 });
    expect(await waitingEvents(pool)).toEqual({ waiting: 0, failing: 0 });
  });

  it("that is too large is refused", async () => {
    const body = "x".repeat(300_000);
    await expect(keepEvent(pool, { ...event, body })).rejects.toMatchObject({ code: "BODY_TOO_LARGE" });
  });
});
