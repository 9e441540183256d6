import { describe, expect, it } from "vitest";
import { query } from "../../../platform/postgres.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { booksOfEachTest } from "../testing/books-of-each-test.ts";
import { ASSETS, buy, grant, trade } from "../testing/entries.ts";
import { isFenced, mayRunAgain, PostgresLedger } from "./settle.ts";
import { openStream, STREAM_LOCK } from "./streams.ts";

const books = booksOfEachTest();
const settled = { status: "settled" };
const credits = (player: string) => books.balance(`player:${player}`, "credits");

describe("a batch", () => {
  it("is carried out in the order of arrival, each seeing what was decided before", async () => {
    const answers = await books.ledger.settle([buy(10), grant(100), buy(60), buy(60), buy(40)]);
    expect(answers).toEqual([
      { status: "declined", reason: "insufficient-funds" },
      settled,
      settled,
      { status: "declined", reason: "insufficient-funds" },
      settled,
    ]);
    expect(await credits("ann")).toBe(0n);
    expect(await books.balance("player:ann", "hull-plate")).toBe(2n);
    expect(await books.count("transaction")).toBe(5);
    expect(await books.count("transfer")).toBe(5);
  });

  it("gives an entry that was decided before the same answer, settled or declined", async () => {
    const good = grant(5);
    const bad = buy(50);
    const first = await books.ledger.settle([good, bad]);
    expect(await books.ledger.settle([grant(1_000), bad, good])).toEqual([settled, first[1], first[0]]);
    expect(await credits("ann")).toBe(1_005n);
  });

  it("does nothing twice for an id that comes twice in it, and calls other parameters a conflict", async () => {
    const once = grant(5);
    const other = { ...grant(7, { id: once.id }) };
    expect(await books.ledger.settle([once, once, other])).toEqual([
      settled,
      settled,
      { status: "conflict" },
    ]);
    expect(await books.ledger.settle([other])).toEqual([{ status: "conflict" }]);
    expect(await credits("ann")).toBe(5n);
  });

  it("moves goods and money of a trade both ways or not at all", async () => {
    await books.ledger.settle([grant(100, { player: "bob" }), grant(10), buy(10)]);
    expect(await books.ledger.settle([trade("bob", "ann", 70), trade("bob", "ann", 30)])).toEqual([
      settled,
      { status: "declined", reason: "insufficient-goods" },
    ]);
    expect([await credits("bob"), await credits("ann")]).toEqual([30n, 70n]);
    expect(await books.balance("player:bob", "hull-plate")).toBe(1n);
  });

  it("declines what has expired by the database's clock", async () => {
    const late = buy(1, { validUntil: Date.now() - 60_000 });
    expect(await books.ledger.settle([grant(5), late])).toEqual([
      settled,
      { status: "declined", reason: "expired" },
    ]);
  });
});

it("a line without its transaction is never built upon", async () => {
  const entry = grant(5);
  await query(
    books.pool,
    "INSERT INTO ledger.transfer VALUES ($1, 0, 'house:source', 'house:sink', 'credits', 1)",
    [entry.id],
  );
  await expect(books.ledger.settle([entry])).rejects.toMatchObject({ code: "23505" });
  expect(await credits("ann")).toBe(0n);
  expect(await books.imbalance()).toContain("transfer without a settled transaction");
  await query(books.pool, "DROP TRIGGER append_only ON ledger.transfer");
  await query(books.pool, "DELETE FROM ledger.transfer");
});

describe("the fence", () => {
  it("stops whoever lost the journal, and lets through who has it", async () => {
    await query(books.pool, "UPDATE ledger.stream SET closed_at = now() WHERE id = $1", [books.stream]);
    const late = books.ledger.settle([grant(5)]);
    await expect(late).rejects.toSatisfy(isFenced);
    await expect(late).rejects.not.toSatisfy(mayRunAgain);
    const next = await openStream(books.pool, "default/a", "life-2");
    const successor = new PostgresLedger({ pool: books.pool, stream: () => next, assets: () => ASSETS });
    expect(await successor.settle([grant(5)])).toEqual([settled]);
    expect(await credits("ann")).toBe(5n);
  });
});

it("the fence is looked at after whoever closes the journal has finished", async () => {
  const other = await books.pool.connect();
  await other.query("BEGIN");
  await other.query("SELECT pg_advisory_xact_lock($1, $2)", [STREAM_LOCK, books.stream]);
  await other.query("UPDATE ledger.stream SET closed_at = now()");
  const late = books.ledger.settle([grant(5)]).then(
    () => "settled",
    (error: unknown) => (isFenced(error) ? "fenced" : error),
  );
  await eventually(async () => {
    const waiting =
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
    return (await query(books.pool, waiting)).length === 1;
  });
  await other.query("COMMIT");
  other.release();
  expect(await late).toBe("fenced");
  expect(await books.count("transaction")).toBe(0);
});

describe("quarantine", () => {
  it("answers for the id until it is resolved", async () => {
    const odd = grant(5);
    await books.ledger.quarantine(odd, "a mistake", 3);
    await books.ledger.quarantine(odd, "the same mistake", 1);
    expect(await books.ledger.settle([odd])).toEqual([{ status: "quarantined" }]);
    expect(await books.ledger.settle([grant(7, { id: odd.id })])).toEqual([{ status: "conflict" }]);
    const [row] = await query<{ attempts: number; error: string }>(
      books.pool,
      "SELECT * FROM ledger.quarantine",
    );
    expect(row).toMatchObject({ attempts: 4, error: "the same mistake" });
    await query(books.pool, "UPDATE ledger.quarantine SET resolved_at = now(), resolution = 'retried'");
    expect(await books.ledger.settle([odd])).toEqual([settled]);
  });
});

describe("what is written", () => {
  it.each([
    "UPDATE ledger.transfer SET amount = 9",
    "DELETE FROM ledger.transaction",
    "TRUNCATE ledger.transfer",
  ])("stays written: %s", async (sql) => {
    await books.ledger.settle([grant(5)]);
    await expect(query(books.pool, sql)).rejects.toThrow("append-only");
  });

  it("stays written for the role of pods, which may do no more than add", async () => {
    await books.ledger.settle([grant(5)]);
    const as = (sql: string) => query(books.pool, `SET ROLE gamefleet_ledger; ${sql}`);
    await expect(as("UPDATE ledger.transfer SET amount = 9")).rejects.toThrow("permission denied");
    await expect(as("DELETE FROM ledger.wallet")).rejects.toThrow("permission denied");
  });

  it("is filed by the month of its id, natural keys and clocks far off apart", async () => {
    const january = "019b76da-a800-7000-8000-000000000001";
    const far = "0fffffff-ffff-7000-8000-000000000001";
    const derived = "ff000000-0000-8000-8000-000000000001";
    await books.ledger.settle([
      grant(1),
      grant(1, { id: january }),
      grant(1, { id: far }),
      grant(1, { id: derived }),
    ]);
    await query(books.pool, "RESET ROLE");
    const rows = await query<{ part: string; n: number }>(
      books.pool,
      "SELECT tableoid::regclass::text AS part, count(*)::int AS n FROM ledger.transaction GROUP BY 1",
    );
    const parts = rows.map((row) => row.part);
    expect(parts).toContain("ledger.transaction_derived");
    expect(parts).toContain("ledger.transaction_stray");
    expect(parts.some((part) => /^ledger\.transaction_\d{4}_\d{2}$/.test(part))).toBe(true);
  });
});
