/**
 * A pod that is killed (kill -9) between any two steps of a receipt: what was promised to the player is granted once, what
 * the store waits for is told, by the pod that comes after it and without anybody asking again.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { openShops, type Shops } from "../../../gameserver/transactions/receipts/testing/shops.ts";
import { type Books, openBooks } from "../../../gameserver/transactions/testing/books.ts";
import { eventually } from "../../../gameserver/transactions/testing/eventually.ts";
import { query } from "../../../platform/postgres.ts";
import { freshRedis, redisUrl } from "../../stores/fixtures.ts";
import type { Order } from "./pod.ts";

const POD = fileURLToPath(new URL("pod.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "gamefleet-receipts-"));
const file = join(folder, "receipts.json");
let books: Books;
let shops: Shops;
let pod: ChildProcess;
let lives = 0;

beforeAll(async () => {
  (await freshRedis()).disconnect();
  books = await openBooks();
  shops = await openShops();
  // Nobody waits for long, and a call to a store is not over before the pod is dead.
  const slow = { timeoutMs: 20_000 };
  writeFileSync(file, JSON.stringify(shops.file({ google: slow, steam: slow, paypal: slow })));
});
beforeEach(() => startPod());
afterEach(() => killPod());
afterAll(async () => {
  await shops.close();
  const wrong = await books.imbalance();
  await books.close();
  rmSync(folder, { recursive: true });
  if (wrong) throw new Error(wrong);
});

async function startPod(): Promise<void> {
  lives += 1;
  const env = {
    ...process.env,
    POD_REDIS: redisUrl(),
    POD_DATABASE: books.url,
    POD_LIFE: `life-${lives}`,
    POD_RECEIPTS: file,
  };
  pod = fork(POD, { env, execArgv: [] });
  await once(pod, "message");
}

async function killPod(): Promise<void> {
  if (pod.exitCode !== null || pod.signalCode !== null) return;
  const gone = once(pod, "exit");
  pod.kill("SIGKILL");
  await gone;
}

/** Another pod, some minutes later. */
async function laterElsewhere(): Promise<void> {
  await killPod();
  shops.mend();
  await query(
    books.pool,
    "UPDATE ledger.store_outbox SET retry_at = now(), since = since - interval '2 minutes' WHERE done_at IS NULL",
  );
  await query(books.pool, "UPDATE ledger.store_event SET retry_at = now() WHERE processed_at IS NULL");
  await startPod();
}

const give = (order: Order) => pod.send(order);
const take = (
  shown: { readonly store: string; readonly token: string; readonly product?: string },
  player: string,
) => give({ n: 1, shown: { ...shown, player } });
const answer = async () => ((await once(pod, "message")) as [[number, string]])[0][1];
const credits = (player: string) => books.balance(`player:${player}`, "credits");
const closed = async (token: string) => {
  const sql = "SELECT outcome FROM ledger.store_outbox WHERE token = $1";
  return (await query<{ outcome: string | null }>(books.pool, sql, [token]))[0]?.outcome === "acknowledged";
};

it("between the commit and the acknowledgement: the next pod acknowledges", async () => {
  const { google } = shops;
  const token = google.buy();
  google.server.fault = { kind: "silent", path: /:consume/ };
  take({ store: "google", token, product: "gems" }, "ann");
  expect(await answer()).toBe("settled");
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
  take({ store: "steam", token }, "bob");
  await eventually(() => steam.server.count(/Finalize/) > 0, "the money is being taken");
  expect(await credits("bob")).toBe(0n);
  await laterElsewhere();
  await eventually(() => closed(token), "it is closed");
  expect(steam.orders.get(token)?.status).toBe("Succeeded");
  expect(await credits("bob")).toBe(100n);
});

it("after the money was taken and before anything was granted: the next pod grants", async () => {
  const { steam } = shops;
  const token = steam.buy();
  steam.server.fault = { kind: "silent", path: /Finalize/ };
  take({ store: "steam", token }, "cleo");
  const before = steam.server.count(/Finalize/);
  await eventually(() => steam.server.count(/Finalize/) > before, "the money is being taken");
  steam.become(token, "Succeeded");
  await laterElsewhere();
  await eventually(() => closed(token), "it is closed");
  expect(steam.server.count(/Finalize/)).toBe(before + 1);
  expect(await credits("cleo")).toBe(100n);
});

it("before the obligation is written down: nothing is owed, and the receipt is as good as ever", async () => {
  const { google } = shops;
  const token = google.buy();
  google.server.fault = { kind: "silent", path: /tokens/ };
  const before = google.server.count(/tokens/);
  take({ store: "google", token, product: "gems" }, "dan");
  await eventually(() => google.server.count(/tokens/) > before, "the store is asked");
  await laterElsewhere();
  take({ store: "google", token, product: "gems" }, "dan");
  expect(await answer()).toBe("settled");
  await eventually(() => closed(token), "it is acknowledged");
  expect(await credits("dan")).toBe(100n);
});

it("while an event is processed: the next pod processes it, once", async () => {
  const { paypal } = shops;
  const token = paypal.buy();
  take({ store: "paypal", token }, "eve");
  expect(await answer()).toBe("settled");
  paypal.become(token, "REFUNDED");
  paypal.server.fault = { kind: "silent", path: /payments\/captures/ };
  const webhook = paypal.event("PAYMENT.CAPTURE.REFUNDED", paypal.takenBack(token));
  give({ n: 2, store: "paypal", webhook });
  expect(await answer()).toBe("kept");
  await eventually(() => paypal.server.count(/payments\/captures/) > 0, "it is being processed");
  expect(await credits("eve")).toBe(100n);
  await laterElsewhere();
  give({ n: 3, store: "paypal", webhook });
  expect(await answer()).toBe("kept");
  await eventually(async () => (await credits("eve")) === 0n, "it is taken back");
  const done = async () =>
    (await query(books.pool, "SELECT FROM ledger.store_event WHERE outcome = 'refunded'")).length === 1;
  await eventually(done, "it is done");
});
