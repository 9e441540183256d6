import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Balances, Demands, MAX_BALANCE, walletKey } from "./decide.ts";
import { ASSETS, buy, entryOf, grant, trade } from "./testing/entries.ts";
import { playerAccount, stockAccount } from "./transfer.ts";

const NOW = 1_000_000;
const key = (player: string, asset = "credits") => walletKey(playerAccount(player), asset);
const balances = (start: Record<string, bigint> = {}) => new Balances(new Map(Object.entries(start)));
const settled = { status: "settled" };
const declined = (reason: string) => ({ status: "declined", reason });

describe("a transaction is declined", () => {
  it.each([
    ["without the money", buy(10), "insufficient-funds"],
    ["without the goods", trade("bob", "ann", 1), "insufficient-goods"],
    ["when nothing is in stock", buy(1, { limited: true, player: "bob" }), "sold-out"],
    ["once it has expired", buy(1, { player: "bob", validUntil: NOW - 1 }), "expired"],
    ["for what is not in the catalogue", buy(1, { player: "bob", item: "moon" }), "unknown-item"],
  ])("%s, and changes nothing", (_when, entry, reason) => {
    const books = balances({ [key("bob")]: 50n });
    expect(books.decide(entry, ASSETS, NOW)).toEqual(declined(reason));
    expect(books.deltas()).toEqual([]);
  });

  it("above what one player may hold, but not for what was there before the limit", () => {
    const hat = buy(1, { player: "bob", item: "captains-hat" });
    const books = balances({ [key("bob")]: 50n });
    expect(books.decide(hat, ASSETS, NOW)).toEqual(settled);
    expect(books.decide(hat, ASSETS, NOW)).toEqual(declined("limit"));
    const rich = balances({ [key("bob", "captains-hat")]: 7n });
    expect(rich.decide(trade("ann", "bob", 1, "captains-hat"), ASSETS, NOW)).toEqual(
      declined("insufficient-funds"),
    );
    const gives = entryOf("correction", [
      { from: playerAccount("bob"), to: "house:correction", asset: "captains-hat", amount: 1 },
    ]);
    expect(rich.decide(gives, ASSETS, NOW)).toEqual(settled);
  });

  it("where the largest number would be passed, in players' wallets and in stocks", () => {
    const most = MAX_BALANCE;
    expect(balances({ [key("ann")]: most }).decide(grant(1), ASSETS, NOW)).toEqual(declined("limit"));
    const stock = entryOf("correction", [
      { from: "house:catalogue", to: stockAccount("hull-plate"), asset: "hull-plate", amount: 1 },
    ]);
    const full = balances({ [walletKey(stockAccount("hull-plate"), "hull-plate")]: most });
    expect(full.decide(stock, ASSETS, NOW)).toEqual(declined("limit"));
  });
});

it("is not expired at its last moment", () => {
  expect(balances({ [key("ann")]: 5n }).decide(buy(5, { validUntil: NOW }), ASSETS, NOW)).toEqual(settled);
});

it("lines of one transaction count together: what comes in with it may be spent by it", () => {
  const swap = entryOf("trade", [
    { from: playerAccount("bob"), to: playerAccount("ann"), asset: "credits", amount: 5 },
    { from: playerAccount("ann"), to: "house:sink", asset: "credits", amount: 5 },
  ]);
  const books = balances({ [key("bob")]: 5n });
  expect(books.decide(swap, ASSETS, NOW)).toEqual(settled);
  expect(books.deltas()).toEqual([[key("bob"), -5n]]);
});

it("never makes or loses anything, and never goes below zero", () => {
  const players = ["ann", "bob", "cho"];
  const player = fc.constantFrom(...players);
  const amount = fc.integer({ min: 1, max: 40 });
  const anyEntry = fc.oneof(
    fc.tuple(player, amount).map(([who, many]) => grant(many, { player: who })),
    fc.tuple(player, amount).map(([who, many]) => buy(many, { player: who })),
    fc
      .tuple(player, player, amount)
      .filter(([a, b]) => a !== b)
      .map(([a, b, many]) => trade(a, b, many)),
  );
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 40 }), (entries) => {
      const books = balances();
      const house = new Map<string, bigint>();
      for (const entry of entries) {
        if (books.decide(entry, ASSETS, NOW).status !== "settled") continue;
        for (const { from, to, asset, amount: many } of entry.transfers) {
          if (from.startsWith("house:")) house.set(asset, (house.get(asset) ?? 0n) - BigInt(many));
          if (to.startsWith("house:")) house.set(asset, (house.get(asset) ?? 0n) + BigInt(many));
        }
      }
      const deltas = books.deltas();
      for (const [, delta] of deltas) expect(delta).toBeGreaterThanOrEqual(0n);
      for (const asset of ["credits", "hull-plate"]) {
        const held = deltas
          .filter(([name]) => name.endsWith(`\n${asset}`))
          .reduce((sum, [, delta]) => sum + delta, 0n);
        expect(held + (house.get(asset) ?? 0n)).toBe(0n);
      }
    }),
  );
});

describe("demands", () => {
  const players = ["ann", "bob"];
  const player = fc.constantFrom(...players);
  const amount = fc.integer({ min: 1, max: 4 });
  const item = fc.constantFrom("hull-plate", "captains-hat", "moon");
  const anyEntry = fc.oneof(
    fc.tuple(player, amount).map(([who, many]) => grant(many, { player: who })),
    fc
      .tuple(player, amount, item, fc.boolean(), fc.constantFrom(NOW - 1, NOW))
      .map(([who, many, what, limited, validUntil]) =>
        buy(many, { player: who, item: what, limited, validUntil }),
      ),
    fc
      .tuple(player, player, amount, item)
      .filter(([a, b]) => a !== b)
      .map(([a, b, many, what]) => trade(a, b, many, what)),
  );
  const start = fc.dictionary(
    fc.constantFrom(
      ...players.flatMap((who) => ["credits", "hull-plate", "captains-hat"].map((what) => key(who, what))),
      walletKey(stockAccount("hull-plate"), "hull-plate"),
      walletKey(stockAccount("captains-hat"), "captains-hat"),
    ),
    fc.bigInt({ min: 0n, max: 12n }),
  );

  it("that are met mean the decisions and changes that the balances bring; others that one of them objects", () => {
    fc.assert(
      fc.property(start, fc.array(anyEntry, { maxLength: 12 }), (held, entries) => {
        const books = balances(held);
        const demands = new Demands();
        const answers = entries.map((entry) => books.decide(entry, ASSETS, NOW));
        const assumed = entries.map((entry) => demands.decide(entry, ASSETS, NOW));
        const wallets = demands.inOrder() ?? [];
        const met = wallets.every(({ account, asset, least, gain, ceiling }) => {
          const before = held[walletKey(account, asset)] ?? 0n;
          return before >= BigInt(least) && before <= ceiling - BigInt(gain);
        });
        expect(JSON.stringify(assumed) === JSON.stringify(answers)).toBe(met);
        if (!met) return;
        const deltas = wallets.map((one) => [walletKey(one.account, one.asset), BigInt(one.delta)] as const);
        const sorted = [...deltas].sort(([a], [b]) => (a < b ? -1 : 1));
        expect(deltas).toEqual(sorted);
        expect(new Map(deltas.filter(([, delta]) => delta !== 0n))).toEqual(new Map(books.deltas()));
      }),
      { numRuns: 1_000 },
    );
  });

  it("are not told where sums are beyond what numbers count", () => {
    const most = Number.MAX_SAFE_INTEGER;
    const demandsOf = (...entries: ReturnType<typeof grant>[]) => {
      const demands = new Demands();
      for (const entry of entries) demands.decide(entry, ASSETS, NOW);
      return demands.inOrder();
    };
    expect(demandsOf(grant(most))).toMatchObject([{ delta: most, gain: most, least: 0 }]);
    expect(demandsOf(grant(most), grant(1))).toBeUndefined();
    expect(demandsOf(buy(most), buy(1))).toBeUndefined();
  });
});
