import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLog } from "../../../platform/log.ts";
import { createPool, type Pool, withClient } from "../../../platform/postgres.ts";
import { type Books, openBooks } from "../testing/books.ts";
import { CORRUPTIONS, corrupt, type Victim } from "../testing/corruptions.ts";
import { buy, entryOf, grant, trade } from "../testing/entries.ts";
import { VERIFIER_SESSION, verifyFull, verifyIncremental } from "./verify.ts";

let books: Books;
let pool: Pool;
beforeEach(async () => {
  books = await openBooks();
  pool = createPool({ url: books.url, name: "verifier", log: silentLog(), session: VERIFIER_SESSION });
});
afterEach(async () => {
  await pool.end();
  await books.close();
});

const full = (keep = true) => withClient(pool, (client) => verifyFull(client, keep));
/** Everything where it cannot read on from the last look. */
const incremental = () =>
  withClient(pool, async (client) => (await verifyIncremental(client)) ?? verifyFull(client, true));

/** A purchase of its own player: see `Victim`. */
async function victimOf(player: string): Promise<Victim> {
  const purchase = buy(10, { player });
  await books.ledger.settle([grant(100, { player }), purchase]);
  return { id: purchase.id, player };
}

describe("sound books", () => {
  it("give no finding in either form, whatever was settled, declined and traded", async () => {
    await books.ledger.settle([
      grant(100),
      grant(100, { player: "bob" }),
      buy(10),
      buy(5_000),
      trade("bob", "ann", 7),
    ]);
    const first = await incremental();
    expect(first).toMatchObject({ form: "full", findings: [], rows: 5 + 6 });
    await books.ledger.settle([buy(10), buy(1, { player: "bob", validUntil: 1 })]);
    expect(await incremental()).toMatchObject({ form: "incremental", findings: [], rows: 2 + 2 });
    expect(await incremental()).toMatchObject({ form: "incremental", findings: [], rows: 0 });
    expect(await full(false)).toMatchObject({ form: "full", findings: [], rows: 7 + 8 });
  });

  it("are sound whatever names players and assets have", async () => {
    const name = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
      .filter((text) => /^[^\p{Cc}\n]+$/u.test(text));
    await fc.assert(
      fc.asyncProperty(name, name, async (player, other) => {
        fc.pre(player.isWellFormed() && other.isWellFormed());
        const line = {
          from: "house:source",
          to: `player:${player}`,
          asset: "credits",
          amount: 9_007_199_254_740_991,
        };
        await books.ledger.settle([entryOf("trade", [line], { player, counterparty: other })]);
      }),
      { numRuns: 50 },
    );
    expect((await full()).findings).toEqual([]);
  });

  it("are sound while others settle and while a transaction stays open", async () => {
    await books.ledger.settle([grant(1_000)]);
    await full();
    const open = await books.pool.connect();
    await open.query("BEGIN; SELECT pg_current_xact_id()");
    for (let round = 0; round < 5; round++) {
      const settling = Promise.all(
        [1, 2, 3].map(() => books.ledger.settle([buy(1), grant(1, { player: `p${round}` })])),
      );
      expect((await incremental()).findings).toEqual([]);
      await settling;
    }
    await open.query("COMMIT");
    open.release();
    expect((await incremental()).findings).toEqual([]);
    expect(await incremental()).toMatchObject({ rows: 0, findings: [] });
    expect((await full()).findings).toEqual([]);
  });

  it.each([
    ["the checkpoint was lost in a crash", "TRUNCATE ledger.checkpoint, ledger.wallet_checked"],
    ["the last look was long ago", "UPDATE ledger.checkpoint SET xact = xact - 1000000"],
  ])("are read whole again when %s, and then from there on", async (_when, spoil) => {
    await books.ledger.settle([grant(5)]);
    await incremental();
    await books.pool.query(spoil);
    expect(await incremental()).toMatchObject({ form: "full", findings: [] });
    await books.ledger.settle([grant(5)]);
    expect(await incremental()).toMatchObject({ form: "incremental", findings: [], rows: 2 });
  });

  it("stay sound when what was kept of them between two looks is spoilt: a full look mends it", async () => {
    await books.ledger.settle([grant(5), grant(5, { player: "bob" })]);
    await incremental();
    await books.pool.query(
      `UPDATE ledger.wallet_checked SET balance = balance + 1 WHERE account = 'player:ann';
       DELETE FROM ledger.wallet_checked WHERE account = 'player:bob';
       INSERT INTO ledger.wallet_checked VALUES ('player:eve', 'credits', 7)`,
    );
    expect((await full()).findings).toEqual([]);
    await books.ledger.settle(["ann", "bob", "eve"].map((player) => grant(5, { player })));
    expect(await incremental()).toMatchObject({ form: "incremental", findings: [], rows: 6 });
  });
});

describe.each(CORRUPTIONS)("$name", (corruption) => {
  it(`is found as ${corruption.kind}, by the row's name`, async () => {
    const bystander = await victimOf("bystander");
    await full();
    const victim = await victimOf("victim");
    await withClient(books.pool, (client) => corrupt(client, corruption, victim));
    const wanted = { kind: corruption.kind, subject: corruption.subject(victim) };
    const ofNew = await incremental();
    expect(ofNew.form).toBe("incremental");
    if (corruption.incremental) expect(ofNew.findings).toContainEqual(expect.objectContaining(wanted));
    const onlyRead = await full(false);
    const ofAll = await full();
    expect(ofAll.findings).toContainEqual(expect.objectContaining(wanted));
    expect(onlyRead.findings).toEqual(ofAll.findings);
    for (const { subject } of [...ofNew.findings, ...ofAll.findings]) {
      expect(subject).not.toContain(bystander.id);
      expect(subject).not.toContain(bystander.player);
    }
  });
});
