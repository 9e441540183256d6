import { beforeEach, describe, expect, it } from "vitest";
import { silentLog } from "../../../platform/log.ts";
import { createPool, query } from "../../../platform/postgres.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { booksOfEachTest } from "../testing/books-of-each-test.ts";
import { ASSETS, buy, entryOf, grant, trade } from "../testing/entries.ts";
import { LEDGER_SESSION, PostgresLedger } from "./settle.ts";

const books = booksOfEachTest();
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
  turns["ledger-known"] = async () => {
    await change("ann");
    // What other tests are still writing in this server would keep the old row from being cleaned up.
    const sql = `SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      > max(xmin::text::bigint) AS past FROM ledger.wallet`;
    await eventually(async () => (await query<{ past: boolean }>(books.pool, sql))[0]?.past === true);
  };
  turns["ledger-write-seen"] = async () => {
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

describe("a batch for which nothing was read", () => {
  /** Has met no doubt yet: it reads nothing until a wallet does not hold what is demanded. */
  const bold = (pool = books.pool) =>
    new PostgresLedger({ pool, stream: () => books.stream, assets: () => ASSETS });
  const plates = (player: string) => books.balance(`player:${player}`, "hull-plate");
  beforeEach(async () => {
    // Wallets that are not there yet are a doubt.
    await books.ledger.settle(
      ["ann", "bob"].flatMap((player) => [grant(100, { player }), buy(10, { player })]),
    );
  });

  it("is settled as it stands, each seeing what was decided before", async () => {
    expect(await bold().settle([buy(90), grant(30), buy(30), trade("bob", "ann", 90)])).toEqual(
      Array.from({ length: 4 }, () => settled),
    );
    expect([await credits("ann"), await plates("ann")]).toEqual([90n, 2n]);
    expect([await credits("bob"), await plates("bob")]).toEqual([0n, 2n]);
  });

  it("is decided again on what the wallets hold when one lacks something, and changes each once", async () => {
    const ledger = bold();
    const poor = { status: "declined", reason: "insufficient-funds" };
    expect(await ledger.settle([buy(60), buy(60), buy(30), buy(5, { player: "bob" })])).toEqual([
      settled,
      poor,
      settled,
      settled,
    ]);
    expect([await credits("ann"), await credits("bob")]).toEqual([0n, 85n]);
    expect(await ledger.settle([buy(1), grant(1)])).toEqual([poor, settled]);
    expect(await credits("ann")).toBe(1n);
  });

  it("passes no ceiling, and counts on beyond what numbers can", async () => {
    const most = Number.MAX_SAFE_INTEGER;
    await books.ledger.settle([buy(1, { item: "captains-hat" })]);
    const limit = { status: "declined", reason: "limit" };
    expect(await bold().settle([grant(1), buy(1, { item: "captains-hat" })])).toEqual([settled, limit]);
    const gifts = Array.from({ length: 3 }, () => grant(most, { player: "bob" }));
    expect(await bold().settle(gifts)).toEqual([settled, settled, settled]);
    expect(await credits("bob")).toBe(90n + 3n * BigInt(most));
  });

  it("declines what no wallet could help, and goes on", async () => {
    const late = buy(1, { validUntil: Date.now() - 60_000 });
    expect(await bold().settle([late, buy(1, { item: "moon" }), buy(90)])).toEqual([
      { status: "declined", reason: "expired" },
      { status: "declined", reason: "unknown-item" },
      settled,
    ]);
    expect(await credits("ann")).toBe(0n);
  });

  it("sells a stock once, whoever asks at the same time", async () => {
    const stock = { from: "house:catalogue", to: "stock:hull-plate", asset: "hull-plate", amount: 5 };
    await query(books.pool, "INSERT INTO ledger.wallet VALUES ('stock:hull-plate', 'hull-plate', 0)");
    await bold().settle([entryOf("correction", [stock])]);
    const sales = Array.from({ length: 8 }, (_, n) =>
      bold().settle([buy(1, { player: n % 2 ? "ann" : "bob", limited: true })]),
    );
    const answers = (await Promise.all(sales)).flat();
    expect(answers.filter(({ status }) => status === "settled")).toHaveLength(5);
    expect(await books.balance("stock:hull-plate", "hull-plate")).toBe(0n);
    expect((await plates("ann")) + (await plates("bob"))).toBe(7n);
  });

  it("does not wait long for one who holds a wallet and stands still", async () => {
    const other = await books.pool.connect();
    await other.query("BEGIN; SELECT FROM ledger.wallet WHERE account = 'player:ann' FOR UPDATE");
    const answers = await bold().settleFree([buy(1), buy(1, { player: "bob" })]);
    expect(answers).toEqual([undefined, settled]);
    await other.query("ROLLBACK");
    other.release();
  });
});
