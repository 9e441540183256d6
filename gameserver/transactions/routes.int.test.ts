import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Callers } from "../../platform/callers.ts";
import { createHttpServer, type TypedServer } from "../../platform/http.ts";
import { uuidv7 } from "../../platform/ids.ts";
import { silentLog } from "../../platform/log.ts";
import { createRegistry } from "../../platform/metrics.ts";
import { query, withClient } from "../../platform/postgres.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { freshRedis, redisUrl } from "../../test/stores/fixtures.ts";
import { addTransactionRoutes } from "./routes.ts";
import { type Books, openBooks } from "./testing/books.ts";
import { grant } from "./testing/entries.ts";
import { openTransactions, type Transactions } from "./transactions.ts";

const TOKEN = "a-service-token-for-tests";
const folder = mkdtempSync(join(tmpdir(), "gamefleet-tokens-"));
const stop = new AbortController();
let books: Books;
let transactions: Transactions;
let running: Promise<void>;
let server: TypedServer;

beforeAll(async () => {
  (await freshRedis()).disconnect();
  books = await openBooks();
  writeFileSync(join(folder, "test"), TOKEN);
  const log = silentLog();
  const registry = createRegistry();
  const own = { server: "default/a", life: "life-1", registry, log };
  transactions = await openTransactions({ ...own, redisUrl: redisUrl(), databaseUrl: books.url });
  running = transactions.run(stop.signal);
  const callers = new Callers(folder, log);
  await callers.load();
  server = await createHttpServer({ name: "test", version: "1", log, registry });
  addTransactionRoutes(server, () => transactions, callers);
});
afterAll(async () => {
  stop.abort();
  await running;
  await server.close();
  await transactions.close(1_000);
  const wrong = await books.imbalance();
  await books.close();
  rmSync(folder, { recursive: true });
  if (wrong) throw new Error(wrong);
});

async function call(method: "GET" | "POST", url: string, payload?: object, token = TOKEN) {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await server.inject({ method, url, headers, ...(payload ? { payload } : {}) });
  return {
    status: answer.statusCode,
    body: answer.json() as Record<string, unknown>,
    headers: answer.headers,
  };
}
const post = (payload: object) => call("POST", "/v1/transactions", payload);
const lot = (asset: string, amount: number) => ({ asset, amount });
const purchase = (over: object = {}) => ({
  kind: "purchase",
  id: uuidv7(),
  player: "ann",
  price: [lot("credits", 10)],
  goods: [lot("hull-plate", 1)],
  ...over,
});
const rich = (player: string) => books.ledger.settle([grant(1_000, { player })]);
const wallets = async (player: string) =>
  (await call("GET", `/v1/players/${player}/wallets`)).body["wallets"] as {
    asset: string;
    balance: string;
  }[];

it("an answer that takes too long is pending, by id as well, until it is settled", async () => {
  await rich("slow");
  const body = purchase({ player: "slow" });
  // Somebody has the wallet in hand for longer than an answer may take.
  const pending = await withClient(books.pool, async (client) => {
    await client.query("BEGIN");
    await client.query("SELECT FROM ledger.wallet WHERE account = 'player:slow' FOR UPDATE");
    const answers = [await post(body), await call("GET", `/v1/transactions/${body.id}`)];
    await client.query("ROLLBACK");
    return answers;
  });
  const told = { id: body.id, status: "pending" };
  expect(pending.map(({ status, body: said }) => [status, said])).toEqual([
    [202, told],
    [200, told],
  ]);
  await eventually(async () => (await post(body)).body["status"] === "settled", "settled");
  expect(await wallets("slow")).toContainEqual({ asset: "credits", balance: "990" });
});

describe("a purchase", () => {
  it("moves money and goods, once for its id, and is found again", async () => {
    await rich("ann");
    const body = purchase();
    expect(await post(body)).toMatchObject({ status: 200, body: { id: body.id, status: "settled" } });
    expect(await post(body)).toMatchObject({ status: 200, body: { id: body.id, status: "settled" } });
    expect(await wallets("ann")).toEqual([
      { asset: "credits", balance: "990" },
      { asset: "hull-plate", balance: "1" },
    ]);
    expect(await call("GET", `/v1/transactions/${body.id}`)).toMatchObject({
      status: 200,
      body: { status: "settled", kind: "purchase", player: "ann", trace: expect.stringMatching(/./) },
    });
  });

  it("is declined with the reason, and stays so", async () => {
    const body = purchase({ player: "poor" });
    const declined = { status: 200, body: { status: "declined", reason: "insufficient-funds" } };
    expect(await post(body)).toMatchObject(declined);
    await rich("poor");
    expect(await post(body)).toMatchObject(declined);
  });

  it("is a conflict under an id that was used for something else", async () => {
    await rich("con");
    const body = purchase({ player: "con" });
    await post(body);
    expect(await post({ ...body, price: [lot("credits", 11)] })).toMatchObject({
      status: 409,
      body: { code: "IDEMPOTENCY_CONFLICT" },
    });
  });
});

describe("a reward", () => {
  it("is given once for player, season and name, whoever asks how often", async () => {
    const body = {
      kind: "reward",
      player: "bob",
      season: "s1",
      reward: "first-win",
      goods: [lot("credits", 50)],
    };
    const [one, two] = await Promise.all([post(body), post(body)]);
    expect(one.body).toEqual(two.body);
    await post({ ...body, season: "s2" });
    expect(await wallets("bob")).toEqual([{ asset: "credits", balance: "100" }]);
  });
});

describe("a refund", () => {
  it("undoes a purchase once, and only what is still there", async () => {
    await rich("ref");
    const body = purchase({ player: "ref" });
    await post(body);
    const refund = { kind: "refund", of: body.id };
    const first = await post(refund);
    expect(first.body).toMatchObject({ status: "settled" });
    expect((await post(refund)).body).toEqual(first.body);
    expect(await wallets("ref")).toEqual([{ asset: "credits", balance: "1000" }]);
    expect(await post({ kind: "refund", of: uuidv7() })).toMatchObject({
      status: 404,
      body: { code: "TRANSACTION_NOT_FOUND" },
    });
  });
});

it("a trade and a correction move both ways", async () => {
  await rich("t1");
  const correction = {
    kind: "correction",
    id: uuidv7(),
    player: "t2",
    adds: [lot("hull-plate", 2)],
    note: "test",
  };
  expect((await post(correction)).body).toMatchObject({ status: "settled" });
  const trade = {
    kind: "trade",
    id: uuidv7(),
    player: "t1",
    with: "t2",
    gives: [lot("credits", 5)],
    takes: [lot("hull-plate", 1)],
  };
  expect((await post(trade)).body).toMatchObject({ status: "settled" });
  expect(await wallets("t2")).toEqual([
    { asset: "credits", balance: "5" },
    { asset: "hull-plate", balance: "1" },
  ]);
});

it("history comes in pages, newest first, trades on both sides", async () => {
  const ids: unknown[] = [];
  let page = (await call("GET", "/v1/players/t2/transactions?limit=1")).body;
  for (;;) {
    ids.push(...(page["transactions"] as { id: string }[]).map((one) => one.id));
    if (typeof page["next"] !== "string") break;
    page = (await call("GET", `/v1/players/t2/transactions?limit=1&before=${page["next"]}`)).body;
  }
  expect(ids).toHaveLength(2);
  expect(new Set(ids).size).toBe(2);
});

describe("bad input is refused by name", () => {
  it.each([
    ["a negative amount", purchase({ price: [lot("credits", -1)] }), "price.0.amount"],
    ["a fraction", purchase({ price: [lot("credits", 1.5)] }), "price.0.amount"],
    ["more than can be counted", purchase({ price: [lot("credits", 2 ** 53)] }), "price.0.amount"],
    ["no goods", purchase({ goods: [] }), "goods"],
    ["too many lines", purchase({ goods: Array.from({ length: 17 }, () => lot("hull-plate", 1)) }), "goods"],
    ["an unknown currency", purchase({ price: [lot("gold", 1)] }), "gold"],
    ["an id of another kind", purchase({ id: "b9e1c9f0-6f2d-4c1a-9f42-0123456789ab" }), "UUIDv7"],
    ["a player's name with a line break", purchase({ player: "a\nb" }), "player"],
    ["a field that is not known", purchase({ discount: 1 }), "discount"],
    ["a kind that is not known", { kind: "gift", id: uuidv7() }, "kind"],
    [
      "a trade with oneself",
      { kind: "trade", id: uuidv7(), player: "a", with: "a", gives: [lot("credits", 1)] },
      "with",
    ],
    ["a trade of nothing", { kind: "trade", id: uuidv7(), player: "a", with: "b" }, "gives"],
    ["a correction of nothing", { kind: "correction", id: uuidv7(), player: "a", note: "x" }, "adds"],
  ])("%s", async (_what, body, named) => {
    const answer = await post(body);
    expect(answer).toMatchObject({ status: 400, body: { code: "REQUEST_INVALID" } });
    expect(JSON.stringify(answer.body)).toContain(named);
  });

  it("a wrong token, and an id nobody knows", async () => {
    expect(await call("POST", "/v1/transactions", purchase(), "not-the-token-at-all")).toMatchObject({
      status: 401,
    });
    expect(await call("GET", `/v1/transactions/${uuidv7()}`)).toMatchObject({
      status: 404,
      body: { code: "TRANSACTION_NOT_FOUND" },
    });
  });

  it("a player who asks too often, with the time to wait", async () => {
    // So many that a slow machine does not give them the time in which they would all be allowed (36 s).
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => post(purchase({ player: "greedy" }))),
    );
    const limited = answers.filter((answer) => answer.status === 429);
    expect(limited.length).toBeGreaterThan(0);
    expect(answers.length - limited.length).toBeGreaterThanOrEqual(20);
    expect(Number(limited[0]?.headers["retry-after"])).toBeGreaterThan(0);
  });
});

it("what is set aside is told as such", async () => {
  const odd = grant(5, { player: "odd" });
  await books.ledger.quarantine(odd, "a mistake", 3);
  expect((await call("GET", `/v1/transactions/${odd.id}`)).body).toMatchObject({ status: "quarantined" });
  await query(books.pool, "UPDATE ledger.quarantine SET resolved_at = now(), resolution = 'abandoned'");
});

it("a pod that stops refuses, says when to come again, and promises nothing", async () => {
  await rich("last");
  const body = purchase({ player: "last" });
  const serving = transactions;
  const log = silentLog();
  const own = { server: "default/b", life: "life-1", registry: createRegistry(), log };
  transactions = await openTransactions({ ...own, redisUrl: redisUrl(), databaseUrl: books.url });
  await transactions.processor.stop(0);
  const answer = await post(body);
  await transactions.close(0);
  transactions = serving;
  expect(answer).toMatchObject({ status: 503, body: { code: "TRANSACTION_REFUSED" } });
  expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
  expect(await wallets("last")).toEqual([{ asset: "credits", balance: "1000" }]);
  // The same id, at a pod that serves.
  expect(await post(body)).toMatchObject({ status: 200, body: { status: "settled" } });
});
