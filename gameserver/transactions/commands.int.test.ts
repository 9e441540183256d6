import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLog } from "../../platform/log.ts";
import { query, withClient } from "../../platform/postgres.ts";
import { runCommand } from "./commands.ts";
import { findTransaction } from "./ledger/read.ts";
import { type Books, openBooks } from "./testing/books.ts";
import { CORRUPTIONS, corrupt } from "./testing/corruptions.ts";
import { buy, grant } from "./testing/entries.ts";

let books: Books;
let lines: string[];
beforeEach(async () => {
  books = await openBooks();
  lines = [];
});
afterEach(() => books.close());
const run = (...argv: string[]) =>
  runCommand({ databaseUrl: books.url, log: silentLog(), print: (line) => lines.push(line) }, argv);

describe("verify-ledger", () => {
  it("is content with sound books", async () => {
    await books.ledger.settle([grant(100), buy(10)]);
    expect(await run("verify-ledger")).toBe(0);
    expect(lines).toEqual([expect.stringMatching(/^5 rows in .* the books are sound$/)]);
  });

  it("names what is wrong and ends with 1", async () => {
    const purchase = buy(10);
    await books.ledger.settle([grant(100), purchase]);
    const lost = CORRUPTIONS.find(({ name }) => name === "a lost line") as (typeof CORRUPTIONS)[number];
    await withClient(books.pool, (client) => corrupt(client, lost, { id: purchase.id, player: "ann" }));
    expect(await run("verify-ledger")).toBe(1);
    expect(lines).toContainEqual(expect.stringContaining(`transaction-changed  ${purchase.id}`));
    // What a kind means is told once, however many rows there are of it.
    const meanings = lines.filter((line) => line.startsWith("transaction-changed: "));
    expect(meanings).toEqual([expect.stringContaining("are not what was accepted")]);
  });
});

describe("quarantine", () => {
  it("retry carries out what is well by now, and tells the same answer again", async () => {
    const entry = grant(5);
    await books.ledger.quarantine(entry, "asset went missing", 3);
    expect(await run("quarantine", "list")).toBe(0);
    expect(lines[0]).toContain(entry.id);
    expect(await run("quarantine", "show", entry.id)).toBe(0);
    expect(lines.at(-1)).toContain("asset went missing");
    expect(await run("quarantine", "retry", entry.id)).toBe(0);
    expect(await run("quarantine", "retry", entry.id)).toBe(0);
    expect(await books.balance("player:ann", "credits")).toBe(5n);
    expect(await run("quarantine", "list")).toBe(0);
    expect(lines.at(-1)).toBe("0 in quarantine");
    expect(await run("verify-ledger")).toBe(0);
  });

  it("retry sets aside again what fails again", async () => {
    const entry = grant(5);
    await books.ledger.quarantine(entry, "first", 3);
    await query(books.pool, "ALTER TABLE ledger.transfer ADD CONSTRAINT never CHECK (amount <> 5)");
    await expect(run("quarantine", "retry", entry.id)).rejects.toThrow("never");
    expect(await findTransaction(books.pool, entry.id)).toMatchObject({ answer: { status: "quarantined" } });
    await query(books.pool, "ALTER TABLE ledger.transfer DROP CONSTRAINT never");
    expect(await run("quarantine", "retry", entry.id)).toBe(0);
  });

  it("abandon declines for good: nothing is moved, and it is not retried any more", async () => {
    const entry = grant(5);
    await books.ledger.quarantine(entry, "x", 3);
    expect(await run("quarantine", "abandon", entry.id)).toBe(0);
    const abandoned = { status: "declined", reason: "abandoned" };
    expect(await books.ledger.settle([entry])).toEqual([abandoned]);
    expect(await findTransaction(books.pool, entry.id)).toMatchObject({ answer: abandoned });
    await expect(run("quarantine", "retry", entry.id)).rejects.toMatchObject({
      code: "IDEMPOTENCY_CONFLICT",
    });
    expect(await run("quarantine", "abandon", entry.id)).toBe(1);
    expect(await run("verify-ledger")).toBe(0);
  });

  it("retry of what the books decline by now says so and ends with 1", async () => {
    const entry = buy(10);
    await books.ledger.quarantine(entry, "x", 3);
    expect(await run("quarantine", "retry", entry.id)).toBe(1);
    expect(lines.at(-1)).toContain("insufficient-funds");
    expect(await run("verify-ledger")).toBe(0);
  });

  it("what this version cannot read is neither retried nor abandoned", async () => {
    const entry = grant(5);
    await books.ledger.quarantine(entry, "x", 3);
    await query(books.pool, "UPDATE ledger.quarantine SET entry = 'written by a later version'");
    for (const what of ["retry", "abandon"])
      await expect(run("quarantine", what, entry.id)).rejects.toMatchObject({ code: "TERMINAL" });
    expect(await findTransaction(books.pool, entry.id)).toMatchObject({ answer: { status: "quarantined" } });
    expect(await books.count("transaction")).toBe(0);
  });

  it("list ends after so many, and says that there are more", async () => {
    for (let n = 0; n < 201; n++) await books.ledger.quarantine(grant(1), "x", 3);
    expect(await run("quarantine", "list")).toBe(0);
    expect(lines).toHaveLength(201);
    expect(lines.at(-1)).toBe("the first 200");
  });

  it("knows nothing of other ids, and says so", async () => {
    const id = grant(1).id;
    await expect(run("quarantine", "show", id)).rejects.toMatchObject({ code: "TRANSACTION_NOT_FOUND" });
    await expect(run("quarantine", "show", "x")).rejects.toMatchObject({ code: "REQUEST_INVALID" });
  });
});

describe("stock and assets", () => {
  it("a stock is brought to a number of pieces by corrections, up and down", async () => {
    const stock = () => books.balance("stock:captains-hat", "captains-hat");
    for (const pieces of [0, 10, 4, 4]) {
      expect(await run("stock", "set", "captains-hat", `${pieces}`)).toBe(0);
      expect(await stock()).toBe(BigInt(pieces));
    }
    expect(await books.count("transaction")).toBe(2);
    expect(await run("verify-ledger")).toBe(0);
  });

  it("an asset is added, its ceiling changed, its kind never", async () => {
    expect(await run("asset", "set", "banner", "item", "--ceiling", "3")).toBe(0);
    expect(await run("asset", "set", "banner", "item")).toBe(0);
    await expect(run("asset", "set", "banner", "currency")).rejects.toMatchObject({
      code: "REQUEST_INVALID",
    });
    const rows = await query(books.pool, "SELECT kind, ceiling FROM ledger.asset WHERE asset = 'banner'");
    expect(rows).toEqual([{ kind: "item", ceiling: null }]);
  });

  it.each([
    [["stock", "set", "credits", "1"], "item:"],
    [["stock", "set", "captains-hat", "-1"], "command:"],
    [["stock", "set", "captains-hat", "1.5"], "pieces:"],
    [["asset", "set", "banner", "ship"], "kind:"],
    [["asset", "set", "", "item"], "asset:"],
    [["asset", "set", "banner", "item", "--ceiling", "0"], "--ceiling:"],
    [["nonsense"], "command:"],
    [["verify-ledger", "now"], "command:"],
  ])("%j is refused, naming %s", async (argv, field) => {
    await expect(run(...argv)).rejects.toThrow(field);
  });
});
