import { afterEach, beforeEach, expect, it } from "vitest";
import { silentLog } from "../../../platform/log.ts";
import { createPool, type Pool, query, withClient } from "../../../platform/postgres.ts";
import { type Books, openBooks } from "../testing/books.ts";
import { entryOf } from "../testing/entries.ts";
import { readSums } from "./sums.ts";
import { VERIFIER_SESSION, verifyFull } from "./verify.ts";

let books: Books;
let pool: Pool;
beforeEach(async () => {
  books = await openBooks();
  pool = createPool({ url: books.url, name: "sums", log: silentLog(), session: VERIFIER_SESSION });
});
afterEach(async () => {
  await pool.end();
  await books.close();
});

const LARGEST = Number.MAX_SAFE_INTEGER;

const full = () => withClient(pool, (client) => verifyFull(client, true));
async function sums() {
  const rows = await query<{ xact: string }>(pool, "SELECT xact::text FROM ledger.checkpoint");
  return withClient(pool, (client) => readSums(client, BigInt(rows[0]?.xact ?? 0)));
}
const give = (player: string, amount: number) =>
  entryOf("reward", [{ from: "house:source", to: `player:${player}`, asset: "credits", amount }], { player });

it("agree on sound books, whatever is moved and when", async () => {
  await books.ledger.settle([give("ann", LARGEST), give("bob", 4_294_967_296), give("cid", 4_294_967_295)]);
  await full();
  const pay = { from: "player:ann", to: "player:bob", asset: "credits", amount: 5_000_000_000 };
  await books.ledger.settle([
    entryOf("trade", [pay], { player: "ann", counterparty: "bob" }),
    give("dan", 1),
  ]);
  expect(await sums()).toEqual({
    wallets: true,
    kept: true,
    odd: false,
    streams: false,
    ahead: false,
    rows: 5 + 5,
  });
});

it.each([
  ["by one", "balance + 1", "account = 'player:ann'"],
  ["by the bits above the lower 32", "balance + 4294967296", "account = 'player:ann'"],
  [
    "so that all together stay the same",
    "CASE account WHEN 'player:ann' THEN balance + 1 ELSE balance - 1 END",
    "true",
  ],
])("differ when balances were changed %s, or what is kept of them", async (_how, balance, where) => {
  await books.ledger.settle([give("ann", LARGEST), give("bob", 9)]);
  await full();
  await books.pool.query(`UPDATE ledger.wallet SET balance = ${balance} WHERE ${where}`);
  expect(await sums()).toMatchObject({ wallets: false, kept: true });
  await books.pool.query(`UPDATE ledger.wallet_checked SET balance = ${balance} WHERE ${where}`);
  expect(await sums()).toMatchObject({ wallets: false, kept: false });
});
