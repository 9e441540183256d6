/**
 * Receipts of four stores, shown again and again and by thieves, to two pods of which one is killed (kill -9) every now
 * and then, while the stores fail in every way they can; some buyers give up after the first try. At the end: money that
 * a store has taken has given goods, once and to one player, and none without; what a store waits for was told.
 * GAMEFLEET_RECEIPTS says how many, GAMEFLEET_KILLS how many kills.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { derivedId } from "../../../gameserver/transactions/ids.ts";
import { receiptId } from "../../../gameserver/transactions/receipts/receipt.ts";
import type { Fault } from "../../../gameserver/transactions/receipts/testing/fake-server.ts";
import { openShops, type Shops } from "../../../gameserver/transactions/receipts/testing/shops.ts";
import { type Books, openBooks } from "../../../gameserver/transactions/testing/books.ts";
import { query } from "../../../platform/postgres.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { freshRedis, redisUrl } from "../../stores/fixtures.ts";
import { faultSeed } from "../seed.ts";
import { ReceiptPod } from "./processes.ts";

const RECEIPTS = Number(process.env["GAMEFLEET_RECEIPTS"] ?? 80);
const KILLS = Number(process.env["GAMEFLEET_KILLS"] ?? 2);
const FAULTS: readonly Fault[] = ["silent", "cut", "error", "busy", "nonsense", "odd", "huge"];
const FAULT_MS = 250;
const KILL_MS = 1_200;
/** Time goes faster for what waits. */
const LATER_MS = 300;
const BUYERS = 16;
const folder = mkdtempSync(join(tmpdir(), "gamefleet-receipts-"));
const file = join(folder, "receipts.json");
let books: Books;
let shops: Shops;
let pods: ReceiptPod[];

beforeAll(async () => {
  (await freshRedis()).disconnect();
  books = await openBooks();
  shops = await openShops();
  writeFileSync(file, JSON.stringify(shops.file()));
  const place = { redisUrl: redisUrl(), databaseUrl: books.url, file };
  pods = ["a", "b"].map((name) => new ReceiptPod(name, place));
  await Promise.all(pods.map((pod) => pod.start()));
});
afterAll(async () => {
  await Promise.all(pods.map((pod) => pod.kill()));
  await shops.close();
  await books.close();
  rmSync(folder, { recursive: true });
});

interface Bought {
  readonly store: "apple" | "google" | "steam" | "paypal";
  readonly token: string;
  readonly product?: string;
  readonly players: readonly string[];
  /** Who was told that it is theirs. */
  readonly told: Set<string>;
  refunded: boolean;
}

it("money and goods come together, whatever dies", {
  timeout: 120_000 + RECEIPTS * 200 + KILLS * 5_000,
}, async () => {
  const random = faultSeed("receipts storm");
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const all: Bought[] = [];
  const buy = (n: number): Bought => {
    const players = random() < 0.2 ? [`player-${n}`, `thief-${n}`] : [`player-${n}`];
    const kind = pick(["apple", "google", "steam", "paypal"] as const);
    const made = { players, told: new Set<string>(), refunded: false };
    const { apple, google, steam, paypal } = shops;
    if (kind === "apple") return { ...made, store: kind, token: apple.buy().transactionId };
    if (kind === "google") return { ...made, store: kind, token: google.buy(), product: "gems" };
    return { ...made, store: kind, token: kind === "steam" ? steam.buy() : paypal.buy() };
  };

  /** One player shows one receipt until it is decided, or gives up at once. */
  const show = async (bought: Bought, player: string): Promise<void> => {
    const { store, token, product } = bought;
    const shown = { store, token, player, ...(product ? { product } : {}) };
    const givesUp = random() < 0.2;
    for (;;) {
      const answer = await pick(pods).ask({ shown });
      if (answer === "settled") bought.told.add(player);
      if (answer === "settled" || answer.includes("belongs to another player") || givesUp) return;
      if (!/^(lost|unverified|refused|pending|store-\w+ is away|Connection|timeout)/.test(answer))
        throw new Error(`${store}: ${answer}`);
      await sleep(100 + 200 * random());
    }
  };
  const refund = async (bought: Bought): Promise<void> => {
    const { store, token } = bought;
    const transaction = shops.apple.transactions.get(token);
    const webhook =
      store === "apple" && transaction
        ? { headers: {}, body: await shops.apple.notification("REFUND", transaction) }
        : await shops.google.push({
            voidedPurchaseNotification: { purchaseToken: token, orderId: "x", productType: 2 },
          });
    // As stores do: until it was taken in, and once more for good measure.
    for (let kept = 0; kept < 2; ) {
      if ((await pick(pods).ask({ store, webhook })) === "kept") kept += 1;
      else await sleep(100);
    }
    bought.refunded = true;
  };

  const over = new AbortController();
  const { signal } = over;
  const every = async (ms: number, work: () => Promise<void> | void): Promise<void> => {
    while (!signal.aborted) {
      await sleep(ms, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await work();
    }
  };
  const ended = { pods: 0 };
  const trouble = Promise.all([
    every(FAULT_MS, () => {
      const { server } = pick([shops.apple, shops.google, shops.steam, shops.paypal]);
      server.fault = random() < 0.5 ? undefined : { kind: pick(FAULTS) };
    }),
    every(KILL_MS, async () => {
      if (ended.pods >= KILLS) return;
      ended.pods += 1;
      const pod = pick(pods);
      await pod.kill();
      await sleep(200);
      await pod.start();
    }),
    every(LATER_MS, minutesLater),
  ]);

  let next = 0;
  const buyers = Array.from({ length: BUYERS }, async () => {
    while (next < RECEIPTS || ended.pods < KILLS) {
      const bought = buy(next++);
      all.push(bought);
      await Promise.all(bought.players.map((player) => show(bought, player)));
      const returned = (bought.store === "apple" || bought.store === "google") && random() < 0.3;
      if (returned && bought.told.size > 0) await refund(bought);
      await sleep(50 * random());
    }
  });
  await Promise.all(buyers);
  over.abort();
  await trouble;
  shops.mend();
  await eventually(async () => {
    await minutesLater();
    return (await open()) === 0;
  }, "all is granted, told and processed");

  const outcomes = new Map(
    (
      await query<{ id: string; outcome: string }>(books.pool, "SELECT id, outcome FROM ledger.transaction")
    ).map(({ id, outcome }) => [id, outcome] as const),
  );
  const wrong: string[] = [];
  for (const bought of all) {
    const id = receiptId(bought.store, bought.token);
    const granted = outcomes.get(id) === "settled";
    const say = (what: string) => wrong.push(`${bought.store} ${bought.token}: ${what}`);
    if (bought.told.size > 1) say("two players were told that it is theirs");
    if (bought.told.size > 0 && !granted) say("told and not granted");
    const paid = moneyTaken(bought);
    if (paid !== undefined && paid !== granted) say(paid ? "paid and not granted" : "granted and not paid");
    if (
      bought.store === "google" &&
      granted &&
      !shops.google.told.includes(`consume products ${bought.token}`)
    )
      say("granted and not acknowledged");
    if (bought.refunded !== (outcomes.get(derivedId("refund", id)) === "settled"))
      say("refund lost, or from nowhere");
    const holds = await Promise.all(
      bought.players.map((player) => books.balance(`player:${player}`, "credits")),
    );
    const due = granted && !bought.refunded ? 100n : 0n;
    if (holds.reduce((sum, one) => sum + one, 0n) !== due) say(`players hold ${holds.join("+")}, not ${due}`);
    for (const [n, player] of bought.players.entries())
      if (bought.told.has(player) && holds[n] !== due) say(`${player} was told and has ${holds[n]}`);
  }
  expect(wrong).toEqual([]);
  expect(await books.imbalance()).toBeUndefined();
  const granted = all.filter(
    ({ store, token }) => outcomes.get(receiptId(store, token)) === "settled",
  ).length;
  const refunds = all.filter(({ refunded }) => refunded).length;
  console.log(
    `receipts storm: ${all.length} receipts, ${granted} granted, ${refunds} refunded, ${ended.pods} kills`,
  );
  expect(ended.pods).toBe(KILLS);
  expect(granted).toBeGreaterThan(RECEIPTS / 2);
});

/** Undefined for stores that were paid before we were asked. */
function moneyTaken({ store, token }: Bought): boolean | undefined {
  if (store === "steam") return shops.steam.orders.get(token)?.status === "Succeeded";
  if (store === "paypal") return shops.paypal.orders.get(token)?.status === "COMPLETED";
  return undefined;
}

async function minutesLater(): Promise<void> {
  await query(
    books.pool,
    "UPDATE ledger.store_outbox SET retry_at = now(), since = since - interval '2 minutes' WHERE done_at IS NULL",
  );
  await query(books.pool, "UPDATE ledger.store_event SET retry_at = now() WHERE processed_at IS NULL");
}

async function open(): Promise<number> {
  const [row] = await query<{ n: number }>(
    books.pool,
    `SELECT (SELECT count(*) FROM ledger.store_outbox WHERE done_at IS NULL)::int
       + (SELECT count(*) FROM ledger.store_event WHERE processed_at IS NULL)::int AS n`,
  );
  return row?.n ?? 0;
}
