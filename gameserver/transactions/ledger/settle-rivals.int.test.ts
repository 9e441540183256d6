/** Batches that settle at the same time, of one pod or of two. */
import { expect, it } from "vitest";
import { silentLog } from "../../../platform/log.ts";
import { createPool, query } from "../../../platform/postgres.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import type { Entry } from "../entry.ts";
import { booksOfEachTest } from "../testing/books-of-each-test.ts";
import { ASSETS, buy, grant, trade } from "../testing/entries.ts";
import { LEDGER_SESSION, mayRunAgain, PostgresLedger } from "./settle.ts";

const books = booksOfEachTest();
const settled = { status: "settled" };
const credits = (player: string) => books.balance(`player:${player}`, "credits");

it("stock is sold once, whoever asks at the same time", async () => {
  await query(books.pool, "INSERT INTO ledger.wallet VALUES ('stock:captains-hat', 'captains-hat', 0)");
  const fill = { from: "house:catalogue", to: "stock:captains-hat", asset: "captains-hat", amount: 3 };
  const players = Array.from({ length: 12 }, (_, n) => `p${n}`);
  const { entryOf } = await import("../testing/entries.ts");
  await books.ledger.settle([
    entryOf("correction", [fill]),
    ...players.map((player) => grant(10, { player })),
  ]);
  const hats = players.map((player) => buy(10, { player, item: "captains-hat", limited: true }));
  const answers = await Promise.all(hats.map((hat) => books.ledger.settle([hat])));
  const sold = answers.flat().filter((answer) => answer.status === "settled");
  expect(sold).toHaveLength(3);
  expect(answers.flat().filter((answer) => "reason" in answer && answer.reason === "sold-out")).toHaveLength(
    9,
  );
});

it("two who settle the same entries at once settle each once", async () => {
  const two = new PostgresLedger({ pool: books.pool, stream: () => books.stream, assets: () => ASSETS });
  for (let round = 0; round < 20; round++) {
    const entries = Array.from({ length: 8 }, (_, n) => grant(1, { player: `p${n % 4}` }));
    const turned = [...entries].reverse();
    const [a, b] = await Promise.all([books.ledger.settle(entries), two.settle(turned)]);
    expect([...a, ...b].every((answer) => answer.status === "settled")).toBe(true);
  }
  for (let n = 0; n < 4; n++) expect(await credits(`p${n}`)).toBe(40n);
});

it("the same id with other wallets, at once, is settled for one and a conflict for the other", async () => {
  for (let round = 0; round < 10; round++) {
    const mine = grant(1, { player: `a${round}` });
    const yours = grant(1, { player: `b${round}`, id: mine.id });
    const answers = await Promise.all([books.ledger.settle([mine]), books.ledger.settle([yours])]);
    expect(
      answers
        .flat()
        .map((answer) => answer.status)
        .sort(),
    ).toEqual(["conflict", "settled"]);
  }
});

it("an id that another decides between the look and the insert gets the other's answer", async () => {
  const first = grant(1);
  const late = grant(5);
  const patient = createPool({
    url: books.url,
    name: "patient",
    log: silentLog(),
    session: LEDGER_SESSION,
    statementTimeoutMs: 60_000,
  });
  const ledger = new PostgresLedger({ pool: patient, stream: () => books.stream, assets: () => ASSETS });
  // One that came again: from then on it looks first.
  expect(await ledger.settle([first])).toEqual([settled]);
  expect(await ledger.settle([first])).toEqual([settled]);
  const other = await books.pool.connect();
  await other.query("BEGIN");
  await other.query(
    `INSERT INTO ledger.transaction (id, kind, player, hash, outcome, reason, accepted_at, stream, trace)
     VALUES ($1, 'reward', 'ann', $2, 'declined', 'limit', now(), $3, 'other')`,
    [late.id, late.hash, books.stream],
  );
  const answers = ledger.settle([late]);
  await eventually(async () => {
    const waiting =
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    return (await query(books.pool, waiting)).length === 1;
  });
  await other.query("COMMIT");
  other.release();
  expect(await answers).toEqual([{ status: "declined", reason: "limit" }]);
  expect(await credits("ann")).toBe(1n);
  await patient.end();
});

it("leaves alone what touches a wallet that another has in hand, and whoever comes behind that", async () => {
  await books.ledger.settle(["ann", "bob", "cid", "dan"].map((player) => grant(100, { player })));
  const other = await books.pool.connect();
  const hold = "BEGIN; SELECT * FROM ledger.wallet WHERE account = 'player:ann' FOR UPDATE";
  // A collision: from then on others are expected, and wallets taken at once.
  await other.query(hold);
  const collides = books.ledger.settleFree([grant(1)]);
  await other.query("UPDATE ledger.wallet SET version = version + 1 WHERE account = 'player:ann'; COMMIT");
  expect(await collides).toEqual([settled]);

  await other.query(hold);
  const plate = buy(10);
  const swap = trade("ann", "cid", 5);
  const behind = buy(10, { player: "cid" });
  // The last is new to the books: that its wallet is not there does not make it another's.
  const free = [buy(10, { player: "dan" }), grant(7, { player: "eve" })];
  const answers = await books.ledger.settleFree([plate, swap, behind, ...free]);
  expect(answers).toEqual([undefined, undefined, undefined, settled, settled]);
  expect(await books.count("transaction")).toBe(7);
  // The same id with other wallets may not overtake the first.
  const copy = grant(3, { player: "bob", id: plate.id });
  expect(await books.ledger.settleFree([plate, copy])).toEqual([undefined, undefined]);
  await other.query("ROLLBACK");
  other.release();

  expect(await books.ledger.settleFree([plate, swap, behind])).toEqual([
    settled,
    { status: "declined", reason: "insufficient-goods" },
    settled,
  ]);
  expect(await credits("ann")).toBe(91n);
});

it("batches that overlap crosswise do not deadlock", async () => {
  const players = Array.from({ length: 30 }, (_, n) => `p${n}`);
  await books.ledger.settle(players.map((player) => grant(1_000, { player })));
  const batch = () =>
    Array.from({ length: 40 }, () => buy(1, { player: players[Math.floor(Math.random() * 30)] ?? "p0" }));
  const answers = await Promise.all(Array.from({ length: 12 }, () => books.ledger.settle(batch())));
  expect(answers.flat().every((answer) => answer.status === "settled")).toBe(true);
});

it("two pods that settle the same ids at once, in one hot market, never wait for each other in a circle", async () => {
  const players = Array.from({ length: 20 }, (_, n) => `p${n}`);
  const any = () => players[Math.floor(Math.random() * players.length)] ?? "p0";
  await books.ledger.settle(players.map((player) => grant(10_000, { player })));
  // The order of an update is that of its plan: the sessions' settings are part of the protocol.
  const log = silentLog();
  const pool = createPool({ url: books.url, name: "pods", log, maxConnections: 4, session: LEDGER_SESSION });
  const pods = [1, 2].map(
    () => new PostgresLedger({ pool, stream: () => books.stream, assets: () => ASSETS }),
  );
  const settle = async (ledger: PostgresLedger, batch: readonly Entry[]): Promise<void> => {
    for (;;)
      if (
        await ledger.settle(batch).then(
          () => true,
          (error) => !mayRunAgain(error),
        )
      )
        return;
  };
  for (let round = 0; round < 15; round++) {
    const shared = Array.from({ length: 60 }, () => buy(1, { player: any() }));
    const batches = pods.flatMap((ledger) =>
      [0, 1].map(() => {
        const own = Array.from({ length: 20 }, () => buy(1, { player: any() }));
        return settle(
          ledger,
          [...shared, ...own].sort(() => Math.random() - 0.5),
        );
      }),
    );
    await Promise.all(batches);
  }
  // A session tells the statistics of its deadlocks when it ends.
  await pool.end();
  const sql = "SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()";
  expect(await query(books.pool, sql)).toEqual([{ n: 0 }]);
});
