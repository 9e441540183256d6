/**
 * A pod that is killed (kill -9) between any two steps of a receipt: what was promised to the player is granted once, what
 * the store waits for is told, by the pod that comes after it and without anybody asking again.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { openShops, type Shops } from "../../../gameserver/transactions/receipts/testing/shops.ts";
import { type Books, openBooks } from "../../../gameserver/transactions/testing/books.ts";
import { query } from "../../../platform/postgres.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { freshRedis, redisUrl } from "../../stores/fixtures.ts";
import { ReceiptPod } from "./processes.ts";

const folder = mkdtempSync(join(tmpdir(), "gamefleet-receipts-"));
const file = join(folder, "receipts.json");
let books: Books;
let shops: Shops;
let pod: ReceiptPod;

beforeAll(async () => {
  (await freshRedis()).disconnect();
  books = await openBooks();
  shops = await openShops();
  // Nobody waits for long, and a call to a store is not over before the pod is dead.
  const slow = { timeoutMs: 20_000 };
  writeFileSync(file, JSON.stringify(shops.file({ google: slow, steam: slow, paypal: slow })));
  pod = new ReceiptPod("receipts", { redisUrl: redisUrl(), databaseUrl: books.url, file });
});
beforeEach(() => pod.start());
afterEach(() => pod.kill());
afterAll(async () => {
  await shops.close();
  const wrong = await books.imbalance();
  await books.close();
  rmSync(folder, { recursive: true });
  if (wrong) throw new Error(wrong);
});

/** Another pod, some minutes later. */
async function laterElsewhere(): Promise<void> {
  await pod.kill();
  shops.mend();
  await query(
    books.pool,
    "UPDATE ledger.store_outbox SET retry_at = now(), since = since - interval '2 minutes' WHERE done_at IS NULL",
  );
  await query(books.pool, "UPDATE ledger.store_event SET retry_at = now() WHERE processed_at IS NULL");
  await pod.start();
}

type Bought = { readonly store: string; readonly token: string; readonly product?: string };
const take = (shown: Bought, player: string) => pod.ask({ shown: { ...shown, player } });
const credits = (player: string) => books.balance(`player:${player}`, "credits");
const closed = async (token: string) => {
  const sql = "SELECT outcome FROM ledger.store_outbox WHERE token = $1";
  return (await query<{ outcome: string | null }>(books.pool, sql, [token]))[0]?.outcome === "acknowledged";
};

it("between the commit and the acknowledgement: the next pod acknowledges", async () => {
  const { google } = shops;
  const token = google.buy();
  google.server.fault = { kind: "silent", path: /:consume/ };
  expect(await take({ store: "google", token, product: "gems" }, "ann")).toBe("settled");
  await eventually(() => google.server.count(/:consume/) > 0, "the acknowledgement is under way");
  await laterElsewhere();
  await eventually(() => closed(token), "it is acknowledged");
  expect(google.told).toEqual([`consume products ${token}`]);
  expect(await credits("ann")).toBe(100n);
});

it("before the money is taken: the next pod takes it and grants", async () => {
  const { steam } = shops;
  const token = steam.buy();
  steam.server.fault = { kind: "silent", path: /Finalize/ };
  const lost = take({ store: "steam", token }, "bob");
  await eventually(() => steam.server.count(/Finalize/) > 0, "the money is being taken");
  expect(await credits("bob")).toBe(0n);
  await laterElsewhere();
  expect(await lost).toBe("lost");
  await eventually(() => closed(token), "it is closed");
  expect(steam.orders.get(token)?.status).toBe("Succeeded");
  expect(await credits("bob")).toBe(100n);
});

it("after the money was taken and before anything was granted: the next pod grants", async () => {
  const { steam } = shops;
  const token = steam.buy();
  steam.server.fault = { kind: "silent", path: /Finalize/ };
  const before = steam.server.count(/Finalize/);
  const lost = take({ store: "steam", token }, "cleo");
  await eventually(() => steam.server.count(/Finalize/) > before, "the money is being taken");
  steam.become(token, "Succeeded");
  await laterElsewhere();
  expect(await lost).toBe("lost");
  await eventually(() => closed(token), "it is closed");
  expect(steam.server.count(/Finalize/)).toBe(before + 1);
  expect(await credits("cleo")).toBe(100n);
});

it("before the obligation is written down: nothing is owed, and the receipt is as good as ever", async () => {
  const { google } = shops;
  const token = google.buy();
  google.server.fault = { kind: "silent", path: /tokens/ };
  const before = google.server.count(/tokens/);
  const lost = take({ store: "google", token, product: "gems" }, "dan");
  await eventually(() => google.server.count(/tokens/) > before, "the store is asked");
  await laterElsewhere();
  expect(await lost).toBe("lost");
  expect(await take({ store: "google", token, product: "gems" }, "dan")).toBe("settled");
  await eventually(() => closed(token), "it is acknowledged");
  expect(await credits("dan")).toBe(100n);
});

it("while an event is processed: the next pod processes it, once", async () => {
  const { paypal } = shops;
  const token = paypal.buy();
  expect(await take({ store: "paypal", token }, "eve")).toBe("settled");
  paypal.become(token, "REFUNDED");
  paypal.server.fault = { kind: "silent", path: /payments\/captures/ };
  const webhook = paypal.event("PAYMENT.CAPTURE.REFUNDED", paypal.takenBack(token));
  expect(await pod.ask({ store: "paypal", webhook })).toBe("kept");
  await eventually(() => paypal.server.count(/payments\/captures/) > 0, "it is being processed");
  expect(await credits("eve")).toBe(100n);
  await laterElsewhere();
  expect(await pod.ask({ store: "paypal", webhook })).toBe("kept");
  await eventually(async () => (await credits("eve")) === 0n, "it is taken back");
  const done = async () =>
    (await query(books.pool, "SELECT FROM ledger.store_event WHERE outcome = 'refunded'")).length === 1;
  await eventually(done, "it is done");
});
