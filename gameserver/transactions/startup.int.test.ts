import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLog, silentLog } from "../../platform/log.ts";
import { createRegistry } from "../../platform/metrics.ts";
import { createPool, query } from "../../platform/postgres.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { freshDatabase } from "../../test/stores/fixtures.ts";
import { type Store, startRedis } from "../../test/stores/stores.ts";
import { encodeEntry } from "./entry.ts";
import { journalKeys } from "./journal/redis-journal.ts";
import { setStock } from "./ledger/catalogue.ts";
import { closeStream, openStream } from "./ledger/streams.ts";
import { memoryShare, postgresProblems, redisProblems } from "./startup.ts";
import { booksOfEachTest } from "./testing/books-of-each-test.ts";
import { buy, grant } from "./testing/entries.ts";
import { openTransactions } from "./transactions.ts";

/** A Redis of our own: its settings are what is tested. */
let store: Store;
let redis: Redis;
beforeAll(async () => {
  store = await startRedis();
  redis = new Redis(store.url);
});
afterAll(async () => {
  redis.disconnect();
  await store.stop();
});
const books = booksOfEachTest();

/** Runs `work` with a setting of Redis changed. */
async function having<T>(name: string, value: string, work: () => Promise<T>): Promise<T> {
  const [, before = ""] = (await redis.config("GET", name)) as string[];
  await redis.config("SET", name, value);
  try {
    return await work();
  } finally {
    await redis.config("SET", name, before);
  }
}

/** URL of an empty database that belongs to a user who may do nothing else. */
async function databaseOf(user: string): Promise<string> {
  const url = new URL(await freshDatabase());
  const name = url.pathname.slice(1);
  await query(books.pool, `DROP ROLE IF EXISTS ${user}`);
  await query(books.pool, `CREATE ROLE ${user} LOGIN`);
  await query(books.pool, `ALTER DATABASE ${name} OWNER TO ${user}`);
  url.username = user;
  return url.href;
}

const BAD = [
  ["appendonly", "no", "yes"],
  ["appendfsync", "everysec", "always"],
  ["maxmemory-policy", "allkeys-lru", "noeviction"],
  ["no-appendfsync-on-rewrite", "yes", "no"],
] as const;

describe("a Redis that keeps what it accepts", () => {
  it("has no problems", async () => {
    expect(await redisProblems(redis)).toEqual([]);
  });

  it.each(BAD)("is none with %s %s: said with what it must be", async (name, value, wanted) => {
    const problems = await having(name, value, () => redisProblems(redis));
    expect(problems).toEqual([`redis ${name}: is ${value}, must be ${wanted}`]);
  });

  it("must let its settings be read", async () => {
    await redis.call("ACL", "SETUSER", "pod", "on", ">secret", "~*", "+@all", "-config");
    const url = new URL(store.url);
    url.username = "pod";
    url.password = "secret";
    const limited = new Redis(url.href);
    const problems = await redisProblems(limited);
    limited.disconnect();
    expect(problems).toHaveLength(BAD.length);
    for (const problem of problems) expect(problem).toContain("allow CONFIG GET");
  });

  it("is not told from one that is away", async () => {
    const away = new Redis("redis://127.0.0.1:1", { maxRetriesPerRequest: 0, retryStrategy: () => null });
    away.on("error", () => {});
    await expect(redisProblems(away)).rejects.toThrow(/closed|max retries/i);
  });

  it("tells its share of memory when it has a limit", async () => {
    expect(await memoryShare(redis)).toBeUndefined();
    const share = await having("maxmemory", "100000000", () => memoryShare(redis));
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
  });
});

describe("a PostgreSQL that keeps what it commits", () => {
  it("has no problems for a role that may only add", async () => {
    const pool = createPool({
      url: books.url,
      name: "role",
      log: createLog({ name: "test", level: "silent" }),
      session: { role: "gamefleet_ledger" },
    });
    const problems = await postgresProblems(pool);
    await pool.end();
    expect(problems).toEqual([]);
  });

  it("is none where commits do not wait for the disk, or the role may change the books", async () => {
    const name = new URL(books.url).pathname.slice(1);
    await query(books.pool, `ALTER DATABASE ${name} SET synchronous_commit = off`);
    const pool = createPool({
      url: books.url,
      name: "lazy",
      log: createLog({ name: "test", level: "silent" }),
    });
    const problems = await postgresProblems(pool);
    await pool.end();
    expect(problems).toEqual([
      "postgresql synchronous_commit: is off, must be on",
      expect.stringContaining("may change the ledger"),
    ]);
  });
});

describe("at the start", () => {
  function options(over: { readonly redisUrl?: string; readonly databaseUrl?: string } = {}) {
    const lines: { msg: string; problems?: string[]; problem?: string }[] = [];
    const write = (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]);
    const log = createLog({ name: "test", level: "info", destination: { write } });
    const urls = { redisUrl: store.url, databaseUrl: books.url, ...over };
    return { lines, all: { ...urls, server: "default/a", life: "1", registry: createRegistry(), log } };
  }

  it.each(BAD)("with %s %s it settles without the journal, and says why", async (name, value) => {
    await having(name, value, async () => {
      const { lines, all } = options();
      const pod = await openTransactions(all);
      expect(pod.processor.mode).toBe("direct");
      expect(await pod.processor.submit(grant(5))).toEqual({ status: "settled" });
      expect(await redis.keys("gf:*")).toEqual([]);
      await pod.close(1_000);
      const said = lines.find((line) => line.problems);
      expect(said?.msg).toBe("no journal: Redis would not keep what it accepts; settling directly");
      expect(said?.problems?.join()).toContain(name);
    });
    expect(await books.balance("player:ann", "credits")).toBe(5n);
  });

  it("with Redis away too it settles without the journal", async () => {
    const pod = await openTransactions(options({ redisUrl: "redis://127.0.0.1:1" }).all);
    expect(pod.processor.mode).toBe("direct");
    expect(await pod.processor.submit(grant(5))).toEqual({ status: "settled" });
    await pod.close(1_000);
    expect(await books.balance("player:ann", "credits")).toBe(5n);
  });

  it("a user that may not act as the ledger's role is said, and is served all the same", async () => {
    const url = await databaseOf("plain");
    const { lines, all } = options({ databaseUrl: url });
    const declares = new Map([["credits", "currency"]] as const);
    const pod = await openTransactions({ ...all, declares });
    const stop = new AbortController();
    const running = pod.run(stop.signal);
    expect(await pod.processor.submit(grant(5))).toEqual({ status: "settled" });
    const rows = await query(pod.pool, "SELECT account, balance FROM ledger.wallet");
    const looked = "SELECT findings FROM ledger.verification WHERE form = 'full'";
    await eventually(async () => expect(await query(pod.pool, looked)).toEqual([{ findings: 0 }]));
    stop.abort();
    await running;
    // The triggers stand alone then, and hold.
    await expect(query(pod.pool, "DELETE FROM ledger.transfer")).rejects.toThrow("append-only");
    await pod.close(1_000);
    expect(rows).toEqual([{ account: "player:ann", balance: "5" }]);
    expect(lines.map((line) => line.problem)).toContainEqual(
      expect.stringContaining("may change the ledger"),
    );
  });

  it("a newer schema is refused, and nothing is touched", async () => {
    await query(
      books.pool,
      "INSERT INTO schema_migration (component, name, hash) VALUES ('ledger', '999-later.sql', '')",
    );
    await expect(openTransactions(options().all)).rejects.toMatchObject({ code: "SCHEMA_TOO_NEW" });
    expect(await books.count("stream")).toBe(1);
  });

  it("a schema that another build made is refused by the name of the file", async () => {
    await query(books.pool, "UPDATE schema_migration SET hash = 'other' WHERE name LIKE '001%'");
    await expect(openTransactions(options().all)).rejects.toMatchObject({
      code: "SCHEMA_DIFFERS",
      message: expect.stringContaining("001-"),
    });
  });

  it("PostgreSQL that is away is told", async () => {
    const databaseUrl = "postgres://gamefleet@127.0.0.1:1/none";
    await expect(openTransactions(options({ databaseUrl }).all)).rejects.toThrow("ECONNREFUSED");
  });

  it("a PostgreSQL that may forget is said, by name", async () => {
    const name = new URL(books.url).pathname.slice(1);
    await query(books.pool, `ALTER DATABASE ${name} SET synchronous_commit = off`);
    const { lines, all } = options();
    const pod = await openTransactions(all);
    await pod.close(1_000);
    expect(lines.map((line) => line.problem)).toContain("postgresql synchronous_commit: is off, must be on");
  });
});

it("what a dead pod left in its journal is carried out, sold from the stock as it was accepted", async () => {
  const log = silentLog();
  await books.ledger.settle([grant(50)]);
  await setStock(books.pool, books.ledger, "captains-hat", 3);
  const left = await openStream(books.pool, "default/dead", "1");
  const bought = buy(10, { item: "captains-hat", limited: true });
  await redis.xadd(journalKeys.stream(left), "*", "e", encodeEntry(bought));
  await redis.zadd(journalKeys.leases, 0, String(left));
  const own = { server: "default/a", life: "1", registry: createRegistry(), log };
  const pod = await openTransactions({ ...own, redisUrl: store.url, databaseUrl: books.url });
  const stop = new AbortController();
  const running = pod.run(stop.signal);
  await eventually(async () => expect(await redis.exists(journalKeys.stream(left))).toBe(0));
  expect([...pod.limited]).toEqual(["captains-hat"]);
  stop.abort();
  await running;
  await pod.close(1_000);
  expect(await books.balance("stock:captains-hat", "captains-hat")).toBe(2n);
  expect(await books.balance("player:ann", "credits")).toBe(40n);
});

it("a pod that was taken over by mistake opens another journal and loses nothing", async () => {
  const log = silentLog();
  const own = { server: "default/a", life: "1", registry: createRegistry(), log };
  const pod = await openTransactions({ ...own, redisUrl: store.url, databaseUrl: books.url });
  const stop = new AbortController();
  const running = pod.run(stop.signal);
  const [mine] = (await query(books.pool, "SELECT max(id)::int AS id FROM ledger.stream")) as [
    { id: number },
  ];
  await closeStream(books.pool, mine.id, "another");
  // Told at once or later, carried out once: under a journal that is open.
  const entry = grant(5);
  await eventually(async () => expect(await pod.processor.submit(entry)).toEqual({ status: "settled" }));
  stop.abort();
  await running;
  await pod.close(1_000);
  expect(await books.balance("player:ann", "credits")).toBe(5n);
  const sql = "SELECT t.id FROM ledger.transaction t JOIN ledger.stream s ON s.id = t.stream WHERE s.id > $1";
  expect(await query(books.pool, sql, [mine.id])).toEqual([{ id: entry.id }]);
});

it("an opening that failed leaves nothing behind, and the next one succeeds", async () => {
  const log = createLog({ name: "test", level: "silent" });
  const options = {
    redisUrl: store.url,
    databaseUrl: books.url,
    server: "default/again",
    life: "life-1",
    registry: createRegistry(),
    log,
  };
  await query(books.pool, "ALTER TABLE ledger.stream RENAME TO away");
  await expect(openTransactions(options)).rejects.toThrow("stream");
  await query(books.pool, "ALTER TABLE ledger.away RENAME TO stream");
  const sql = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name LIKE '%default/again'";
  await eventually(async () => expect(await query(books.pool, sql)).toEqual([{ n: 0 }]));
  const transactions = await openTransactions(options);
  await transactions.close(1_000);
});
