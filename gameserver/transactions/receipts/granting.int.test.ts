/** What the processor may answer, and what becomes of a receipt and an event then. Books are real, stores scripted. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Breaker } from "../../../platform/breaker.ts";
import { type Log, silentLog } from "../../../platform/log.ts";
import { createRegistry } from "../../../platform/metrics.ts";
import { createPool, query } from "../../../platform/postgres.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import type { Answer } from "../answer.ts";
import { type Books, openBooks } from "../testing/books.ts";
import { ASSETS } from "../testing/entries.ts";
import { Consequences } from "./consequences.ts";
import { Granting } from "./granting.ts";
import { receiptMetrics } from "./metrics.ts";
import { isOwed, owe } from "./outbox.ts";
import { type Change, refused, type StorePort, type Verdict } from "./port.ts";
import { entryOfReceipt, type Product, receiptId } from "./receipt.ts";
import { Receipts } from "./receipts.ts";
import { receiptSettings } from "./settings.ts";

const signal = new AbortController().signal;
const gems: Product = { goods: [{ asset: "credits", amount: 100 }], type: "consumable" };
const products = new Map([["steam/100", gems]]);
const straight: Breaker = { run: (work) => work(), open: false, close: () => {} };
const REFUSED: Answer = { status: "refused", reason: "overloaded", retryAfterMs: 100 };
let books: Books;
let answer: Answer;
let vouches: boolean;
let change: Change;
let tokens = 0;
const said: object[] = [];
const log = { ...silentLog(), error: (fields: object) => said.push(fields) } as unknown as Log;

const receipt = (token: string) => ({ store: "steam", token, product: "100", quantity: 1 });
const port: Pick<StorePort, "store" | "nameOf" | "verify" | "capture" | "interpret"> = {
  store: "steam",
  nameOf: async ({ token }) => token,
  verify: async ({ token }): Promise<Verdict> => ({
    status: "verified",
    receipt: receipt(token),
    proof: token,
    captured: false,
  }),
  capture: async () => (vouches ? undefined : refused("not-paid", "no money")),
  interpret: async () => [change],
};
function parts() {
  const submit = async () => answer;
  const metrics = receiptMetrics(createRegistry());
  const stores = new Map([["steam", { port: port as StorePort, breaker: straight }]]);
  const common = { pool: books.pool, submit, metrics };
  const granting = new Granting({ ...common, assets: ASSETS, products, stores });
  return { granting, consequences: new Consequences({ ...common, granting, log }) };
}
/** Receipts as a pod has them, with a Steam that is never there; answers how to end them. */
function run(file: { readonly pollMs: number; readonly products: object }): () => Promise<void> {
  const steam = { appId: 480, key: "k", baseUrl: "http://127.0.0.1:8" };
  const receipts = new Receipts({
    settings: receiptSettings({ ...file, steam }),
    pool: createPool({ url: books.url, name: "pod", log: silentLog() }),
    submit: async () => answer,
    assets: ASSETS,
    registry: createRegistry(),
    log: { ...log, warn: () => {} } as unknown as Log,
  });
  const stop = new AbortController();
  const running = receipts.run(stop.signal);
  return async () => {
    stop.abort();
    await running;
    await receipts.close();
  };
}
beforeAll(async () => {
  books = await openBooks();
});
beforeEach(() => {
  answer = { status: "settled" };
  vouches = true;
  said.length = 0;
});
afterAll(async () => {
  const wrong = await books.imbalance();
  await books.close();
  if (wrong) throw new Error(wrong);
});
const shown = () => ({ store: "steam", token: `t${++tokens}`, player: "ann" });
const owedFor = (token: string) => ({
  ...receipt(token),
  transaction: receiptId("steam", token),
  proof: token,
  player: "ann",
});

describe("a receipt", () => {
  it("that is in hand under other goods is pending, until the books say what it got", async () => {
    const one = shown();
    answer = { status: "conflict" };
    const { granting } = parts();
    expect(await granting.take(one, "t", signal)).toMatchObject({ answer: { status: "pending" } });
    const context = { nowMs: Date.now(), trace: "t", assets: ASSETS, products };
    await books.ledger.settle([entryOfReceipt(receipt(one.token), "ann", context)]);
    expect(await granting.take(one, "t", signal)).toMatchObject({ answer: { status: "settled" } });
  });

  it("that was set aside is told as such, to whoever asks", async () => {
    const one = shown();
    const context = { nowMs: Date.now(), trace: "t", assets: ASSETS, products };
    await books.ledger.quarantine(entryOfReceipt(receipt(one.token), "ann", context), "a mistake", 3);
    const { granting } = parts();
    for (const player of ["ann", "eve"])
      expect(await granting.take({ ...one, player }, "t", signal)).toMatchObject({
        answer: { status: "quarantined" },
      });
    await query(books.pool, "UPDATE ledger.quarantine SET resolved_at = now(), resolution = 'abandoned'");
  });

  it("that nobody could promise anything for stays owed", async () => {
    const one = shown();
    answer = REFUSED;
    const { granting } = parts();
    expect(await granting.take(one, "t", signal)).toMatchObject({ answer: REFUSED });
    const owed = owedFor(one.token);
    expect(await isOwed(books.pool, owed.transaction)).toBe(true);
    await expect(granting.regrant(owed, signal)).rejects.toMatchObject({ code: "TRANSACTION_REFUSED" });
    answer = { status: "settled" };
    expect(await granting.regrant(owed, signal)).toBe(true);
  });

  it("whose money is not there when it is granted again is owed no more", async () => {
    const owed = owedFor(shown().token);
    await owe(books.pool, owed);
    vouches = false;
    expect(await parts().granting.regrant(owed, signal)).toBe(false);
    expect(await isOwed(books.pool, owed.transaction)).toBe(false);
  });

  it("of any store is refused where there is none", async () => {
    const metrics = receiptMetrics(createRegistry());
    const submit = async () => answer;
    const bare = new Granting({
      pool: books.pool,
      submit,
      metrics,
      assets: ASSETS,
      products,
      stores: new Map(),
    });
    await expect(bare.take(shown(), "t", signal)).rejects.toThrow(/there is none/);
  });
});

describe("an event", () => {
  const event = { store: "steam", event: "e", kind: "Refunded", body: "{}" };
  const context = { nowMs: Date.now(), trace: "t", assets: ASSETS, products };

  it("of a refund that cannot be promised now is tried again", async () => {
    const { token } = shown();
    await books.ledger.settle([entryOfReceipt(receipt(token), "ann", context)]);
    change = { kind: "refund", token };
    for (const later of [REFUSED, { status: "pending" } as const]) {
      answer = later;
      await expect(parts().consequences.of(event, signal)).rejects.toMatchObject({
        code: "TRANSACTION_REFUSED",
      });
    }
    answer = { status: "settled" };
    expect(await parts().consequences.of(event, signal)).toBe("refunded");
  });

  it("of a refund that was set aside is told to a person", async () => {
    const { token } = shown();
    await books.ledger.settle([entryOfReceipt(receipt(token), "ann", context)]);
    change = { kind: "refund", token };
    answer = { status: "quarantined" };
    expect(await parts().consequences.of(event, signal)).toContain("quarantined");
    expect(said).toMatchObject([{ store: "steam", event: "e", why: expect.stringContaining("quarantined") }]);
  });

  it("of a period that cannot be promised now is tried again", async () => {
    const news = {
      subscription: "s",
      product: "100",
      state: "active",
      expiresAt: undefined,
      asOf: 1,
    } as const;
    const verified = {
      status: "verified",
      receipt: receipt(shown().token),
      proof: "p",
      captured: true,
      subscription: news,
    } as const;
    change = { kind: "period", verified };
    const { granting, consequences } = parts();
    await granting.grant("ann", verified, "t", signal);
    answer = REFUSED;
    await expect(consequences.of(event, signal)).rejects.toMatchObject({ code: "TRANSACTION_REFUSED" });
  });
});

it("more than one batch that is owed is dealt with at once", async () => {
  const context = { nowMs: Date.now(), trace: "t", assets: ASSETS, products };
  const owed = Array.from({ length: 40 }, () => owedFor(shown().token));
  await books.ledger.settle(owed.map(({ token }) => entryOfReceipt(receipt(token), "ann", context)));
  for (const one of owed) await owe(books.pool, one);
  const waiting = async () =>
    (
      await query(
        books.pool,
        "SELECT FROM ledger.store_outbox o JOIN ledger.transaction t ON t.id = o.transaction WHERE done_at IS NULL",
      )
    ).length;
  expect(await waiting()).toBeGreaterThanOrEqual(40);
  // Looked for once within the test: there is no second round to wait for.
  const end = run({ pollMs: 60_000, products: {} });
  await eventually(async () => (await waiting()) === 0, "all is acknowledged");
  await end();
});

it("a product that gives what nobody knows is said at the start, and nothing stops for it", async () => {
  const known = { goods: { credits: 1 } };
  const end = run({ pollMs: 20, products: { steam: { "1": { goods: { dust: 1 } }, "2": known } } });
  expect(said).toEqual([{ product: "steam/1", asset: "dust" }]);
  const sql = "SELECT FROM ledger.store_report";
  await eventually(async () => (await query(books.pool, sql)).length === 1, "the loops run");
  await end();
});
