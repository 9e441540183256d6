import type { Redis } from "ioredis";
import { afterEach, beforeEach, expect, it } from "vitest";
import { silentLog } from "../../../platform/log.ts";
import { createRegistry, type Registry } from "../../../platform/metrics.ts";
import { query, withClient } from "../../../platform/postgres.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { freshRedis } from "../../../test/stores/fixtures.ts";
import { realClock } from "../clock.ts";
import { journalKeys } from "../journal/redis-journal.ts";
import { type Books, openBooks } from "../testing/books.ts";
import { CORRUPTIONS, corrupt } from "../testing/corruptions.ts";
import { buy, grant } from "../testing/entries.ts";
import { JournalWatch } from "./journal-watch.ts";
import { journalsOf } from "./journals.ts";
import { runVerifier } from "./run.ts";

let books: Books;
let redis: Redis;
const running: { stop: AbortController; done: Promise<void> }[] = [];
beforeEach(async () => {
  books = await openBooks();
  redis = await freshRedis();
});
afterEach(async () => {
  for (const { stop } of running) stop.abort();
  await Promise.all(running.splice(0).map(({ done }) => done));
  redis.disconnect();
  await books.close();
});

function start(server: string, fullEveryMs: number, pressed = () => false) {
  const registry = createRegistry();
  const stop = new AbortController();
  const journal = new JournalWatch(journalsOf(redis, books.pool), realClock);
  const done = runVerifier(
    {
      databaseUrl: books.url,
      role: "gamefleet_ledger",
      server,
      log: silentLog(),
      registry,
      journal,
      pressed,
      everyMs: 20,
      fullEveryMs,
    },
    stop.signal,
  );
  const one = { registry, stop, done };
  running.push(one);
  return one;
}

const openFindings = () =>
  query<{ kind: string; subject: string }>(
    books.pool,
    "SELECT kind, subject FROM ledger.finding WHERE gone_at IS NULL ORDER BY kind",
  );
const shown = async (registry: Registry, name: string, labels: Record<string, string>) => {
  const metric = await registry.getSingleMetric(name)?.get();
  return metric?.values.find((value) => Object.entries(labels).every(([key, is]) => value.labels[key] === is))
    ?.value;
};
const looks = async (form: string) => {
  const sql = "SELECT at::text FROM ledger.verification WHERE form = $1";
  return (await query<{ at: string }>(books.pool, sql, [form]))[0]?.at;
};

it("finds what is wrong, shows it, and marks it as gone once it was mended", async () => {
  const victim = { id: "", player: "victim" };
  const purchase = buy(10, { player: "victim" });
  await books.ledger.settle([grant(100, { player: "victim" }), purchase]);
  const { registry } = start("a", 200);
  await eventually(async () => expect(await looks("full")).toBeDefined());
  expect(await openFindings()).toEqual([]);
  expect(await shown(registry, "gamefleet_ledger_verifier_age_seconds", { form: "full" })).toBeDefined();

  const changed = CORRUPTIONS.find(
    ({ name }) => name === "a changed balance",
  ) as (typeof CORRUPTIONS)[number];
  await withClient(books.pool, (client) => corrupt(client, changed, { ...victim, id: purchase.id }));
  await eventually(async () => {
    expect(await openFindings()).toEqual([{ kind: "wallet-differs", subject: "player:victim credits" }]);
    expect(await shown(registry, "gamefleet_ledger_findings", { kind: "wallet-differs" })).toBe(1);
  });

  await query(
    books.pool,
    "UPDATE ledger.wallet SET balance = 90 WHERE account = 'player:victim' AND asset = 'credits'",
  );
  await eventually(async () => expect(await openFindings()).toEqual([]));
  const [kept] = await query<{ gone: boolean }>(
    books.pool,
    "SELECT gone_at IS NOT NULL AS gone FROM ledger.finding",
  );
  expect(kept).toEqual({ gone: true });
});

it("is done by one pod at a time; another goes on when that one ends", async () => {
  const holders = () =>
    query(books.pool, "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 1735289198 AND granted");
  const first = start("a", 100);
  await eventually(async () => expect(await looks("incremental")).toBeDefined());
  const second = start("b", 100);
  // The one that waits shows what the other found.
  const age = () => shown(second.registry, "gamefleet_ledger_verifier_age_seconds", { form: "incremental" });
  await eventually(async () => expect(await age()).toBeDefined());
  expect(await holders()).toHaveLength(1);
  first.stop.abort();
  await first.done;
  const before = await looks("incremental");
  await eventually(async () => expect(await looks("incremental")).not.toBe(before));
  expect(await holders()).toHaveLength(1);
});

it("does not begin to read everything again at once when that was cut off", async () => {
  const begun = async () =>
    (
      await query<{ unfinished: number; at: string }>(
        books.pool,
        "SELECT unfinished, begun_at::text AS at FROM ledger.full_look",
      )
    )[0];
  const first = start("a", 60_000);
  await eventually(async () => expect(await looks("incremental")).toBeDefined());
  first.stop.abort();
  await first.done;
  expect(await begun()).toMatchObject({ unfinished: 0 });
  // As a crash of PostgreSQL leaves it, in the midst of the third full look in a row.
  await query(books.pool, "TRUNCATE ledger.checkpoint, ledger.wallet_checked");
  await query(books.pool, "UPDATE ledger.full_look SET unfinished = 3, begun_at = now()");
  const cutOff = await begun();
  const before = await looks("full");
  const { registry } = start("b", 60_000);
  const age = () => shown(registry, "gamefleet_ledger_verifier_age_seconds", { form: "full" });
  await eventually(async () => expect(await age()).toBeDefined());
  await books.ledger.settle([grant(5)]);
  const seen = await age();
  await eventually(async () => expect(await age()).not.toBe(seen));
  expect([await looks("full"), await begun()]).toEqual([before, cutOff]);
  // Long enough ago.
  await query(books.pool, "UPDATE ledger.full_look SET begun_at = now() - interval '1 hour'");
  await eventually(async () => expect(await looks("full")).not.toBe(before));
  expect(await begun()).toMatchObject({ unfinished: 0 });
});

it("reads everything only when purchases do not wait", async () => {
  let asked = 0;
  let waiting = true;
  start("a", 60_000, () => {
    asked += 1;
    return waiting;
  });
  await eventually(() => asked > 5);
  expect(await looks("full")).toBeUndefined();
  waiting = false;
  await eventually(async () => expect(await looks("full")).toBeDefined());
});

it("goes on with the books while nobody knows what stands in the journals", async () => {
  redis.disconnect();
  start("a", 60_000);
  await eventually(async () => expect(await looks("full")).toBeDefined());
  await eventually(async () => expect(await looks("incremental")).toBeDefined());
  expect(await openFindings()).toEqual([]);
});

it("finds an entry that was removed from its journal and is not in the books", async () => {
  const key = journalKeys.stream(books.stream);
  await redis.zadd(journalKeys.leases, 0, String(books.stream));
  const { encodeEntry } = await import("../entry.ts");
  const lost = await redis.xadd(key, "*", "e", encodeEntry(grant(5)));
  const settled = grant(7);
  const kept = await redis.xadd(key, "*", "e", encodeEntry(settled));
  await redis.xadd(key, "*", "e", "garbage");
  start("a", 60_000);
  const unreadable = { kind: "journal-entry-unreadable", subject: expect.any(String) as string };
  await eventually(async () => expect(await openFindings()).toEqual([unreadable]));
  await books.ledger.settle([settled]);
  await redis.xdel(key, lost ?? "", kept ?? "");
  await eventually(async () =>
    expect(await openFindings()).toEqual([
      { kind: "journal-entry-lost", subject: `${books.stream}/${lost}` },
      unreadable,
    ]),
  );
});
