/**
 * The network between the processor and each store: slow, silent, reset, half closed, cut in the midst of a command.
 * Everybody is answered meanwhile, traffic comes back by itself once it is healed, and the books agree with what was
 * told.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Proxy, proxyFor } from "../../../gameserver/testing/proxy.ts";
import type { Answer } from "../../../gameserver/transactions/answer.ts";
import type { Entry } from "../../../gameserver/transactions/entry.ts";
import { type Books, openBooks } from "../../../gameserver/transactions/testing/books.ts";
import { buy, grant } from "../../../gameserver/transactions/testing/entries.ts";
import { openTransactions, type Transactions } from "../../../gameserver/transactions/transactions.ts";
import { silentLog } from "../../../platform/log.ts";
import { createRegistry } from "../../../platform/metrics.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { freshRedis, redisUrl } from "../../stores/fixtures.ts";

const PLAYERS = 10;
const stop = new AbortController();
let eye: Awaited<ReturnType<typeof freshRedis>>;
let books: Books;
let proxies: Readonly<Record<"redis" | "postgres", Proxy>>;
let pod: Transactions;
let running: Promise<void>;
const spent = new Map<string, bigint>();

beforeAll(async () => {
  eye = await freshRedis();
  books = await openBooks();
  for (let n = 0; n < PLAYERS; n++) await books.ledger.settle([grant(100_000, { player: `p${n}` })]);
  proxies = { redis: await proxyFor(redisUrl()), postgres: await proxyFor(books.url) };
  const own = { server: "default/a", life: "1", registry: createRegistry(), log: silentLog() };
  const urls = { redisUrl: proxies.redis.url, databaseUrl: proxies.postgres.url };
  pod = await openTransactions({ ...own, ...urls });
  running = pod.run(stop.signal);
});
afterAll(async () => {
  stop.abort();
  await running;
  await pod.close(1_000);
  for (const proxy of Object.values(proxies)) proxy.close();
  eye.disconnect();
  const wrong = await books.imbalance();
  await books.close();
  if (wrong) throw new Error(wrong);
});

/** Purchases whose prices are counted: each must be paid once in the end. */
function purchases(count: number): readonly Entry[] {
  return Array.from({ length: count }, (_, n) => {
    const player = `p${n % PLAYERS}`;
    spent.set(player, (spent.get(player) ?? 0n) + BigInt(n + 1));
    return buy(n + 1, { player });
  });
}
const submit = (entries: readonly Entry[]): Promise<Answer[]> =>
  Promise.all(entries.map((entry) => pod.processor.submit(entry)));
const all = (answers: readonly Answer[], status: string) =>
  answers.every((answer) => answer.status === status);

async function journaled(): Promise<number> {
  const keys = await eye.keys("gf:{journal}:s:*");
  const sizes = await Promise.all(keys.map((key) => eye.xlen(key)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const FAULTS: Readonly<Record<string, (proxy: Proxy) => void>> = {
  "is slow by 150 ms each way": (proxy) => proxy.delay(150),
  "says nothing": (proxy) => proxy.blackHole(),
  "ends connections": (proxy) => proxy.cut(),
  "resets connections": (proxy) => proxy.reset(),
  "closes its half": (proxy) => proxy.halfClose(),
  "is cut off in the midst of a command": (proxy) => proxy.cutAfter(700),
};

describe.each(["redis", "postgres"] as const)("when %s", (store) => {
  it.each(Object.keys(FAULTS))("%s, all are answered, and nothing is lost or done twice", async (fault) => {
    const proxy = proxies[store];
    const first = purchases(3);
    await eventually(async () => all(await submit(first), "settled"), "a healthy start");
    const early = purchases(30);
    const asking = submit(early);
    FAULTS[fault]?.(proxy);
    const late = purchases(30);
    const told = [...(await asking), ...(await submit(late))];
    for (const { status } of told) expect(["settled", "pending", "refused"]).toContain(status);
    proxy.heal();
    // The same ids again, as clients do: in the end each is settled, once.
    const entries = [...early, ...late];
    await eventually(async () => all(await submit(entries), "settled"), "all settled");
    // No connection was left that spoils what comes after it.
    for (let round = 0; round < 20; round++) {
      const after = await submit(purchases(5));
      expect(after).toEqual(after.map(() => ({ status: "settled" })));
    }
    await eventually(async () => (await journaled()) === 0, "an empty journal");
    for (const [player, sum] of spent)
      expect(await books.balance(`player:${player}`, "credits")).toBe(100_000n - sum);
  });
});
