import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLog, silentLog } from "../../../platform/log.ts";
import { createPool, type Pool, query } from "../../../platform/postgres.ts";
import { connectRedis, type Redis } from "../../../platform/redis.ts";
import { isStoreAway } from "../../../platform/store-errors.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { freshRedis, redisUrl } from "../../../test/stores/fixtures.ts";
import { type Proxy, proxyFor } from "../../testing/proxy.ts";
import { mayRunAgain, PostgresLedger } from "../ledger/settle.ts";
import { booksOfEachTest } from "../testing/books-of-each-test.ts";
import { ASSETS, grant } from "../testing/entries.ts";
import { LeapClock } from "../testing/leap-clock.ts";
import { JournalKeeper, type KeeperOptions } from "./keeper.ts";
import { journalKeys } from "./redis-journal.ts";

const books = booksOfEachTest();
let eye: Awaited<ReturnType<typeof freshRedis>>;
let proxy: Proxy;
let databaseProxy: Proxy;
const ends: (() => void | Promise<void>)[] = [];

beforeEach(async () => {
  eye = await freshRedis();
  proxy = await proxyFor(redisUrl());
  databaseProxy = await proxyFor(books.url);
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  proxy.close();
  databaseProxy.close();
  eye.disconnect();
});

interface Pod {
  readonly keeper: JournalKeeper;
  readonly ledger: PostgresLedger;
  readonly clock: LeapClock;
  readonly redis: Redis;
  readonly pool: Pool;
  readonly takenOver: number[];
  readonly run: () => { readonly stop: () => Promise<void> };
}

async function pod(name: string, over: Partial<KeeperOptions> = {}): Promise<Pod> {
  const log = silentLog();
  const redis = connectRedis({ url: proxy.url, name, log, commandTimeoutMs: 400 });
  if (!over.problems) await eventually(() => redis.status === "ready", "a connection");
  const pool = createPool({ url: databaseProxy.url, name, log });
  const clock = new LeapClock();
  const takenOver: number[] = [];
  const keeper: JournalKeeper = new JournalKeeper({
    redis,
    pool,
    log,
    clock,
    server: `default/${name}`,
    life: "1",
    problems: async () => [],
    settle: async (entry) => {
      // As a lane does: batches that collide are run again.
      for (;;) {
        const run = ledger.settle([entry]);
        const again = await run.then(() => false, mayRunAgain);
        if (!again) return (await run)[0] ?? { status: "pending" };
      }
    },
    onTakeover: (entries) => takenOver.push(entries),
    ...over,
  });
  const ledger = new PostgresLedger({ pool, stream: () => keeper.stream, assets: () => ASSETS });
  const run = () => {
    const ending = new AbortController();
    const running = keeper.run(ending.signal);
    const stop = () => {
      ending.abort();
      return running;
    };
    ends.push(stop);
    return { stop };
  };
  ends.push(async () => {
    redis.disconnect();
    await pool.end();
  });
  return { keeper, ledger, clock, redis, pool, takenOver, run };
}

const rowOf = async (stream: number) => {
  const sql = "SELECT server, closed_by FROM ledger.stream WHERE id = $1";
  return (await query<{ server: string; closed_by: string | null }>(books.pool, sql, [stream]))[0];
};
const exists = async (stream: number) => (await eye.exists(journalKeys.stream(stream))) === 1;
const credits = (player = "ann") => books.balance(`player:${player}`, "credits");

describe("an open journal", () => {
  it("has a row of its own, a stream, and a lease that is renewed", async () => {
    const a = await pod("a");
    await a.keeper.open();
    expect(await rowOf(a.keeper.stream)).toEqual({ server: "default/a", closed_by: null });
    expect(await exists(a.keeper.stream)).toBe(true);
    const lease = async () => Number(await eye.zscore(journalKeys.leases, String(a.keeper.stream)));
    const before = await lease();
    a.run();
    await eventually(async () => (await lease()) > before, "a renewal");
    expect(a.keeper.journal).toBeDefined();
  });

  it("is given up at the end: an empty one is gone, one with entries is for a successor", async () => {
    const [empty, full] = [await pod("a"), await pod("b")];
    await empty.keeper.open();
    await empty.keeper.close();
    expect(await exists(empty.keeper.stream)).toBe(false);
    await full.keeper.open();
    await full.keeper.journal?.append([grant(5)]);
    await full.keeper.close();
    expect(await exists(full.keeper.stream)).toBe(true);
    expect(await rowOf(full.keeper.stream)).toMatchObject({ closed_by: "its owner" });
    const c = await pod("c");
    await c.keeper.open();
    c.run();
    await eventually(async () => (await credits()) === 5n, "the entry settled by a successor");
  });

  it("is not opened in a Redis that would not keep it, and is once that is mended", async () => {
    let problems = ["redis appendfsync: is everysec, must be always"];
    const a = await pod("a", { problems: async () => problems });
    await a.keeper.open();
    expect(a.keeper.journal).toBeUndefined();
    expect(a.keeper.stream).toBeGreaterThan(0);
    // Without a journal there is nothing to give up.
    await a.keeper.close();
    expect(await rowOf(a.keeper.stream)).toMatchObject({ closed_by: null });
    a.run();
    problems = [];
    a.clock.leap(60_000);
    await eventually(() => a.keeper.journal !== undefined, "a journal");
    expect(await a.keeper.journal?.append([grant(1)])).toEqual([expect.stringMatching(/^\d+-\d+$/)]);
    await eye.flushall();
  });

  it("waits for a Redis that is away, and settles under its row meanwhile", async () => {
    proxy.cut();
    const a = await pod("a", { problems: async () => (await a.redis.ping(), []) });
    await a.keeper.open();
    expect(a.keeper.journal).toBeUndefined();
    a.run();
    expect(await a.ledger.settle([grant(5)])).toEqual([{ status: "settled" }]);
    proxy.heal();
    await eventually(() => a.keeper.journal !== undefined, "a journal");
  });
});

it("an outage of Redis is said once, and the journal is kept through it", async () => {
  const lines: string[] = [];
  const log = createLog({ name: "test", level: "warn", destination: { write: (line) => lines.push(line) } });
  const a = await pod("a", { log });
  await a.keeper.open();
  a.run();
  const { stream } = a.keeper;
  const said = () => lines.filter((line) => line.includes("journal not kept")).length;
  proxy.cut();
  await eventually(() => said() > 0, "said");
  // Dozens of looks, 20 ms apart.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(said()).toBe(1);
  proxy.heal();
  await eventually(() => a.redis.status === "ready", "a connection");
  await a.keeper.journal?.append([grant(1)]);
  expect(await eye.xlen(journalKeys.stream(stream))).toBe(1);
});

describe("a journal that was lost", () => {
  it("is closed, and another one is opened", async () => {
    const a = await pod("a");
    await a.keeper.open();
    const [old, journal] = [a.keeper.stream, a.keeper.journal];
    await eye.flushall();
    await expect(journal?.append([grant(1)])).rejects.toMatchObject({ code: "FENCED" });
    a.keeper.fenced();
    expect(a.keeper.journal).toBeUndefined();
    a.run();
    await eventually(() => a.keeper.journal !== undefined, "another journal");
    expect(a.keeper.stream).not.toBe(old);
    expect(await rowOf(old)).toMatchObject({ closed_by: "its owner" });
    await a.keeper.journal?.append([grant(1)]);
    expect(await a.ledger.settle([grant(5)])).toEqual([{ status: "settled" }]);
  });

  it("and a PostgreSQL that is away at that moment: it is tried until it is back", async () => {
    const a = await pod("a");
    await a.keeper.open();
    const old = a.keeper.stream;
    databaseProxy.cut();
    a.keeper.fenced();
    a.run();
    await expect(query(a.pool, "SELECT 1")).rejects.toSatisfy(isStoreAway);
    expect(a.keeper.journal).toBeUndefined();
    databaseProxy.heal();
    await eventually(() => a.keeper.journal !== undefined, "another journal");
    expect(a.keeper.stream).not.toBe(old);
  });
});

describe("the journal of a pod that is gone", () => {
  it("is settled and removed; its owner, back from a pause, writes nothing any more", async () => {
    const [a, b] = [await pod("a"), await pod("b")];
    await a.keeper.open();
    await b.keeper.open();
    const { journal } = a.keeper;
    // 300: more than a page. One of them twice, as a client library sends again after a reconnect.
    const entries = Array.from({ length: 300 }, () => grant(1));
    await journal?.append([...entries, ...entries.slice(0, 1)]);
    await eye.zadd(journalKeys.leases, 1, String(a.keeper.stream));
    b.run();
    await eventually(async () => !(await exists(a.keeper.stream)), "the journal gone");
    expect(await credits()).toBe(300n);
    await eventually(() => b.takenOver.includes(301), "a takeover told of");
    expect(await rowOf(a.keeper.stream)).toMatchObject({ closed_by: "default/b" });
    await expect(journal?.append([grant(1_000)])).rejects.toMatchObject({ code: "FENCED" });
    await expect(a.ledger.settle([grant(1_000)])).rejects.toMatchObject({ code: "FENCED" });
    expect(await credits()).toBe(300n);
    expect(await eye.exists(journalKeys.claim(a.keeper.stream))).toBe(0);
  });

  it("keeps what cannot be read, and itself with it", async () => {
    const [a, b] = [await pod("a"), await pod("b")];
    await a.keeper.open();
    await b.keeper.open();
    const key = journalKeys.stream(a.keeper.stream);
    await a.keeper.journal?.append([grant(7)]);
    await eye.xadd(key, "*", "e", "of a later version");
    await a.keeper.journal?.append([grant(8)]);
    await eye.zadd(journalKeys.leases, 1, String(a.keeper.stream));
    b.run();
    await eventually(async () => (await credits()) === 15n, "what can be read settled");
    await eventually(async () => (await eye.xlen(key)) === 1, "only the rest left");
    expect((await eye.xrange(key, "-", "+"))[0]?.[1]).toEqual(["e", "of a later version"]);
  });

  it("is taken over in the end when PostgreSQL is away at first, at once when it is back", async () => {
    const [a, b] = [await pod("a"), await pod("b")];
    await a.keeper.open();
    await b.keeper.open();
    await a.keeper.journal?.append([grant(5)]);
    databaseProxy.cut();
    await eye.zadd(journalKeys.leases, 1, String(a.keeper.stream));
    const claims: number[] = [];
    b.run();
    await eventually(async () => {
      claims.push(await eye.exists(journalKeys.claim(a.keeper.stream)));
      return claims.includes(1) && claims.at(-1) === 0;
    }, "a claim that was given back");
    expect(await credits()).toBe(0n);
    databaseProxy.heal();
    await eventually(async () => !(await exists(a.keeper.stream)), "the journal gone");
    expect(await credits()).toBe(5n);
  });

  it("does not keep a pod from ending that waits for PostgreSQL with it", async () => {
    const [a, b] = [await pod("a"), await pod("b", { settle: () => new Promise(() => {}) })];
    await a.keeper.open();
    await b.keeper.open();
    await a.keeper.journal?.append([grant(5)]);
    await eye.zadd(journalKeys.leases, 1, String(a.keeper.stream));
    const { stop } = b.run();
    await eventually(async () => (await rowOf(a.keeper.stream))?.closed_by === "default/b", "a takeover");
    await stop();
    expect(await exists(a.keeper.stream)).toBe(true);
  });

  it("is taken over once by many who see it", async () => {
    const a = await pod("a");
    await a.keeper.open();
    for (let n = 0; n < 20; n++) await a.keeper.journal?.append([grant(1)]);
    const others = await Promise.all(["b", "c", "d"].map((name) => pod(name)));
    for (const { keeper } of others) await keeper.open();
    await eye.zadd(journalKeys.leases, 1, String(a.keeper.stream));
    for (const { run } of others) run();
    await eventually(async () => !(await exists(a.keeper.stream)), "the journal gone");
    expect(await credits()).toBe(20n);
    // Told a moment after the journal is gone.
    const told = () => others.flatMap(({ takenOver }) => takenOver);
    await eventually(() => told().includes(20), "a takeover told of");
  });
});
