import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freshRedis } from "../../../test/stores/fixtures.ts";
import { buy, grant } from "../testing/entries.ts";
import { Leases } from "./leases.ts";
import { journalKeys, RedisJournal } from "./redis-journal.ts";

type Redis = Awaited<ReturnType<typeof freshRedis>>;
let redis: Redis;
beforeEach(async () => {
  redis = await freshRedis();
});
afterEach(() => redis.disconnect());

const open = async (stream: number) => {
  await new Leases(redis).open(stream);
  return new RedisJournal(redis, stream);
};

describe("the journal", () => {
  it("gives back what was appended, in order, page by page", async () => {
    const journal = await open(1);
    const entries = [grant(1), buy(2, { validUntil: Date.now() + 5_000 }), grant(3, { player: "bob" })];
    const refs = [
      ...(await journal.append(entries.slice(0, 1))),
      ...(await journal.append(entries.slice(1))),
    ];
    const first = await journal.read(undefined, 2);
    const rest = await journal.read(first.at(-1)?.ref, 2);
    expect([...first, ...rest].map((one) => one.entry)).toEqual(entries);
    expect([...first, ...rest].map((one) => one.ref)).toEqual(refs);
    expect(await journal.read(rest.at(-1)?.ref, 2)).toEqual([]);
  });

  it("keeps what was not removed, and removing nothing or twice is no harm", async () => {
    const journal = await open(1);
    const gone = await journal.append([grant(1)]);
    const kept = await journal.append([grant(2)]);
    await journal.remove([]);
    await journal.remove(gone);
    await journal.remove(gone);
    expect((await journal.read(undefined, 10)).map((one) => one.ref)).toEqual(kept);
  });

  it("opened twice still holds what stood in it", async () => {
    const journal = await open(1);
    await journal.append([grant(1)]);
    await new Leases(redis).open(1);
    expect(await journal.read(undefined, 10)).toHaveLength(1);
  });

  it("takes nothing once it was buried, and makes no stream by appending", async () => {
    const [leases, journal] = [new Leases(redis), await open(1)];
    await leases.end(1);
    expect(await leases.bury(1)).toBe(true);
    await expect(journal.append([grant(1)])).rejects.toMatchObject({ code: "FENCED" });
    expect(await redis.exists(journalKeys.stream(1))).toBe(0);
  });

  it("takes nothing once Redis has lost its data", async () => {
    const journal = await open(1);
    await redis.flushall();
    await expect(journal.append([grant(1)])).rejects.toMatchObject({ code: "FENCED" });
  });

  it("shows what it cannot read as text, between what it can", async () => {
    const journal = await open(1);
    const good = grant(1);
    await journal.append([good]);
    await redis.xadd(journalKeys.stream(1), "*", "e", "00000000not what we write");
    await redis.xadd(journalKeys.stream(1), "*", "odd", "");
    const page = await journal.read(undefined, 10);
    expect(page.map((one) => one.entry)).toEqual([good, undefined, undefined]);
    expect(page[1]?.text).toBe("00000000not what we write");
  });
});

describe("leases", () => {
  /** Ends a lease as time would. */
  const runOut = (stream: number) => redis.zadd(journalKeys.leases, 1, String(stream));

  it("a journal is without an owner when its lease was seen run out twice in a row", async () => {
    const [dead, looker] = [new Leases(redis), new Leases(redis)];
    await dead.renew(1);
    expect(await looker.renew(2)).toEqual([]);
    await runOut(1);
    expect(await looker.renew(2)).toEqual([]);
    expect(await looker.renew(2)).toEqual([1]);
  });

  it("a journal has a lease as soon as it is there: it is found though its maker died at once", async () => {
    const [dead, looker] = [new Leases(redis), new Leases(redis)];
    await dead.open(1);
    expect(await looker.renew(undefined)).toEqual([]);
    await runOut(1);
    await looker.renew(undefined);
    expect(await looker.renew(undefined)).toEqual([1]);
  });

  it("an owner who renews in between is alive again", async () => {
    const [owner, looker] = [new Leases(redis), new Leases(redis)];
    await owner.renew(1);
    await runOut(1);
    expect(await looker.renew(undefined)).toEqual([]);
    await owner.renew(1);
    expect(await looker.renew(undefined)).toEqual([]);
    await runOut(1);
    expect(await looker.renew(undefined)).toEqual([]);
    expect(await looker.renew(undefined)).toEqual([1]);
  });

  it("what was seen before Redis went away counts for nothing", async () => {
    const [owner, looker] = [new Leases(redis), new Leases(redis)];
    await owner.renew(1);
    await runOut(1);
    expect(await looker.renew(undefined)).toEqual([]);
    await redis.set("spare", "1");
    await redis.rename(journalKeys.leases, "leases-away");
    await redis.rename("spare", journalKeys.leases);
    await expect(looker.renew(undefined)).rejects.toThrow("WRONGTYPE");
    await redis.rename("leases-away", journalKeys.leases);
    expect(await looker.renew(undefined)).toEqual([]);
    expect(await looker.renew(undefined)).toEqual([1]);
  });

  it("nobody is told of their own journal, even when its lease ran out", async () => {
    const leases = new Leases(redis);
    await leases.renew(1);
    await leases.end(1);
    expect(await leases.renew(1)).toEqual([]);
    expect(await leases.renew(1)).toEqual([]);
  });

  it("one at a time may take a journal over", async () => {
    const leases = new Leases(redis);
    await leases.open(11);
    await leases.open(12);
    expect(await leases.claim(1, 11)).toBe(true);
    expect(await leases.claim(1, 12)).toBe(false);
    expect(await leases.claim(2, 12)).toBe(true);
    // A claim runs out by itself: its holder may have forgotten it.
    expect(await redis.pttl(journalKeys.claim(1))).toBeGreaterThan(0);
    await leases.unclaim(1);
    expect(await leases.claim(1, 12)).toBe(true);
  });

  it("whoever dies with a claim leaves it to the next", async () => {
    const leases = new Leases(redis);
    await leases.open(11);
    await leases.open(12);
    await leases.open(13);
    expect(await leases.claim(1, 11)).toBe(true);
    await runOut(11);
    expect(await leases.claim(1, 12)).toBe(true);
    // Taken over itself, and removed.
    await runOut(12);
    expect(await leases.bury(12)).toBe(true);
    expect(await leases.claim(1, 13)).toBe(true);
    expect(await leases.claim(1, 11)).toBe(false);
  });

  it("a journal is buried only when it is empty and nobody lives", async () => {
    const leases = new Leases(redis);
    const journal = await open(1);
    expect(await leases.bury(1)).toBe(false);
    const refs = await journal.append([grant(1)]);
    await leases.end(1);
    expect(await leases.bury(1)).toBe(false);
    expect(await journal.read(undefined, 10)).toHaveLength(1);
    await journal.remove(refs);
    expect(await leases.bury(1)).toBe(true);
    expect(await redis.zscore(journalKeys.leases, "1")).toBeNull();
  });
});
