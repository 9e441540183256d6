import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createLog } from "../../platform/log.ts";
import { createRegistry } from "../../platform/metrics.ts";
import { createPool, query } from "../../platform/postgres.ts";
import { type Store, startRedis } from "../../test/stores/stores.ts";
import { memoryShare, postgresProblems, redisProblems } from "./startup.ts";
import { type Books, openBooks } from "./testing/books.ts";
import { grant } from "./testing/entries.ts";
import { openTransactions } from "./transactions.ts";

/** A Redis of our own: its settings are what is tested. */
let store: Store;
let redis: Redis;
let books: Books;
beforeAll(async () => {
  store = await startRedis();
  redis = new Redis(store.url);
});
afterAll(async () => {
  redis.disconnect();
  await store.stop();
});
beforeEach(async () => {
  books = await openBooks();
});
afterEach(async () => {
  const wrong = await books.imbalance();
  await books.close();
  if (wrong) throw new Error(wrong);
});

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

  it("a newer schema is refused, and nothing is touched", async () => {
    await query(
      books.pool,
      "INSERT INTO schema_migration (component, name) VALUES ('ledger', '999-later.sql')",
    );
    await expect(openTransactions(options().all)).rejects.toMatchObject({ code: "SCHEMA_TOO_NEW" });
    expect(await books.count("stream")).toBe(1);
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
  await vi.waitFor(async () => expect(await query(books.pool, sql)).toEqual([{ n: 0 }]));
  const transactions = await openTransactions(options);
  await transactions.close(1_000);
});
