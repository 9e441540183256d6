/** The processor on real books, where a store or an entry does what it should not. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { silentLog } from "../../platform/log.ts";
import { createRegistry } from "../../platform/metrics.ts";
import { query } from "../../platform/postgres.ts";
import { connectRedis, type Redis } from "../../platform/redis.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { freshRedis, redisUrl } from "../../test/stores/fixtures.ts";
import { type Clock, realClock } from "./clock.ts";
import { Leases } from "./journal/leases.ts";
import { journalKeys, RedisJournal } from "./journal/redis-journal.ts";
import type { Ledger } from "./ledger/ledger.ts";
import { mayRunAgain } from "./ledger/settle.ts";
import { processorMetrics } from "./metrics.ts";
import { Processor } from "./processor.ts";
import type { Stores } from "./stores.ts";
import { booksOfEachTest } from "./testing/books-of-each-test.ts";
import { buy, grant } from "./testing/entries.ts";

const books = booksOfEachTest();
let eye: Awaited<ReturnType<typeof freshRedis>>;
let redis: Redis;
let journal: RedisJournal;
beforeEach(async () => {
  eye = await freshRedis();
  redis = connectRedis({ url: redisUrl(), name: "test", log: silentLog() });
  await eventually(() => redis.status === "ready", "a connection");
  await new Leases(redis).open(books.stream);
  journal = new RedisJournal(redis, books.stream);
});
afterEach(async () => {
  redis.disconnect();
  eye.disconnect();
});

function processor(over: Partial<Stores> = {}, clock: Clock = realClock) {
  const registry = createRegistry();
  const { observer } = processorMetrics(registry, silentLog());
  const stores: Stores = {
    journal: () => journal,
    ledger: books.ledger,
    journaling: (work) => work(),
    settling: (work) => work(),
    journalAway: false,
    settleAway: false,
    journalShare: undefined,
    mayRunAgain,
    fenced: () => {},
    ...over,
  };
  const metric = async (name: string) =>
    (await registry.getSingleMetric(`gamefleet_transactions_${name}`)?.get())?.values[0]?.value;
  return { processor: new Processor(stores, observer, clock), metric };
}

/** The books refuse an amount of five. */
const poisoned = () =>
  query(books.pool, "ALTER TABLE ledger.transfer ADD CONSTRAINT no_fives CHECK (amount <> 5)");

it("an entry that the books cannot take is set aside, counted, and delays nobody", async () => {
  await poisoned();
  const { processor: own, metric } = processor();
  const bad = grant(5);
  const good = Array.from({ length: 9 }, () => grant(7));
  const told = await Promise.all([...good.slice(0, 4), bad, ...good.slice(4)].map((one) => own.submit(one)));
  expect(told.map(({ status }) => status)).toEqual([
    ...Array.from({ length: 4 }, () => "settled"),
    "quarantined",
    ...Array.from({ length: 5 }, () => "settled"),
  ]);
  expect(await books.balance("player:ann", "credits")).toBe(63n);
  expect(await query(books.pool, "SELECT id, attempts FROM ledger.quarantine")).toEqual([
    { id: bad.id, attempts: 3 },
  ]);
  expect(await metric("quarantined_total")).toBe(1);
  await own.stop(1_000);
  expect(await eye.xlen(journalKeys.stream(books.stream))).toBe(0);
});

it("an entry that fails here and was decided elsewhere meanwhile is told what the books say", async () => {
  const entry = grant(5);
  let failures = 0;
  const ledger: Ledger = {
    settle: async (batch) => {
      // The third failure is the last before it is set aside.
      if (failures++ < 3) throw new Error("out of order");
      return books.ledger.settle(batch);
    },
    settleFree: (batch) => ledger.settle(batch),
    quarantine: async (one, error, attempts) => {
      await books.ledger.settle([one]);
      return books.ledger.quarantine(one, error, attempts);
    },
  };
  const { processor: own } = processor({ ledger });
  expect(await own.submit(entry)).toEqual({ status: "settled" });
  expect(await books.balance("player:ann", "credits")).toBe(5n);
  expect(await books.count("quarantine")).toBe(0);
});

it("who waited for another's answer under the same id has no more time than anybody else", async () => {
  let ahead = 0;
  const clock: Clock = { ...realClock, now: () => realClock.now() + ahead };
  const ledger: Ledger = {
    settle: async (batch) => {
      const answers = await books.ledger.settle(batch);
      ahead += 1_800;
      return answers;
    },
    settleFree: (batch) => ledger.settle(batch),
    quarantine: (...all) => books.ledger.quarantine(...all),
  };
  const { processor: own } = processor({ ledger }, clock);
  const first = grant(5);
  await books.ledger.settle([first]);
  const told = await Promise.all([own.submit(grant(6, { id: first.id })), own.submit(first)]);
  expect(told).toEqual([
    { status: "conflict" },
    { status: "refused", reason: "stores-away", retryAfterMs: 500 },
  ]);
  expect(await own.submit(first)).toEqual({ status: "settled" });
  expect(await books.balance("player:ann", "credits")).toBe(5n);
});

it("a journal that is gone is told of once, and what was meant for it settled without it", async () => {
  await eye.del(journalKeys.stream(books.stream));
  let fenced = 0;
  const { processor: own } = processor({ fenced: () => fenced++ });
  expect(await own.submit(grant(3))).toEqual({ status: "settled" });
  expect(fenced).toBe(1);
  expect(await eye.exists(journalKeys.stream(books.stream))).toBe(0);
});

it("while it stops it settles what it accepted and accepts nothing more", async () => {
  const { processor: own } = processor();
  const accepted = own.submit(grant(3));
  const stopping = own.stop(5_000);
  const late = grant(4);
  expect(await own.submit(late)).toEqual({ status: "refused", reason: "stopping", retryAfterMs: 500 });
  expect(await accepted).toEqual({ status: "settled" });
  await stopping;
  expect(await books.balance("player:ann", "credits")).toBe(3n);
});

it("with both stores away it says so and refuses", async () => {
  const { processor: own } = processor({ journalAway: true, settleAway: true });
  expect(own.mode).toBe("refused");
  expect(await own.submit(buy(1))).toMatchObject({ status: "refused", reason: "stores-away" });
  expect(await books.count("transaction")).toBe(0);
});

it("the sweeper leaves what it cannot read where it is, counts it, and settles the rest", async () => {
  const key = journalKeys.stream(books.stream);
  await eye.xadd(key, "*", "e", "garbage");
  await journal.append([grant(6)]);
  // A minute later, so that both are old.
  const { processor: own, metric } = processor({}, { ...realClock, now: () => realClock.now() + 60_000 });
  await own.sweep();
  expect(await metric("unreadable")).toBe(1);
  // Whoever stops waits for what was swept as well.
  await own.stop(5_000);
  expect(await eye.xlen(key)).toBe(1);
  expect(await books.balance("player:ann", "credits")).toBe(6n);
});
