import { afterEach, beforeEach, expect, it } from "vitest";
import { silentLog } from "../../../platform/log.ts";
import { createPool, query } from "../../../platform/postgres.ts";
import { type Books, openBooks } from "../testing/books.ts";
import { ASSETS, grant } from "../testing/entries.ts";
import { LEDGER_SESSION, PostgresLedger } from "./settle.ts";

let books: Books;
beforeEach(async () => {
  books = await openBooks();
});
afterEach(async () => {
  const wrong = await books.imbalance();
  await books.close();
  if (wrong) throw new Error(wrong);
});
const settled = { status: "settled" };
const credits = (player: string) => books.balance(`player:${player}`, "credits");

it("changes no other wallet that stands where the one it read stood, in the same version", async () => {
  const turns: Record<string, () => Promise<unknown>> = {};
  const pool = createPool({ url: books.url, name: "watched", log: silentLog(), session: LEDGER_SESSION });
  // The test has its turn before the statement of a name.
  pool.on("connect", (client) => {
    const run = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = (async (...args: unknown[]) => {
      await turns[(args[0] as { readonly name?: string }).name ?? ""]?.();
      return run(...args);
    }) as typeof client.query;
  });
  const ledger = new PostgresLedger({ pool, stream: () => books.stream, assets: () => ASSETS });
  const twice = grant(50);
  await ledger.settle([twice, grant(50, { player: "bob" })]);
  // From then on ids are looked up after the wallets: nothing holds a row that only an older statement has seen.
  await ledger.settle([twice]);
  const wallet = (player: string) =>
    `ledger.wallet SET version = version + 1 WHERE account = 'player:${player}'`;
  const change = (player: string) =>
    query(books.pool, `UPDATE ${wallet(player)} RETURNING ctid::text, version`);
  await query(books.pool, "VACUUM FULL ledger.wallet");
  const anns = await change("ann");
  turns["ledger-known"] = () => change("ann");
  turns["ledger-write"] = async () => {
    for (const name in turns) delete turns[name];
    // The place of the row that was read is free now, and taken by whoever changes next.
    await query(books.pool, "VACUUM ledger.wallet");
    expect(await change("bob")).toEqual(anns);
  };
  expect(await ledger.settle([grant(7)])).toEqual([settled]);
  expect(turns).toEqual({});
  expect([await credits("ann"), await credits("bob")]).toEqual([57n, 50n]);
  await pool.end();
});
