import { describe, expect, it } from "vitest";
import { RateTable } from "./limits.ts";
import { UsedTickets } from "./used-tickets.ts";

const RATES = { messages: { perSecond: 10, burst: 20 }, bytes: { perSecond: 100, burst: 1_000 } };

describe("a rate table", () => {
  it("lets a burst through, then the steady rate", () => {
    const table = new RateTable(RATES);
    const bucket = table.hold("a", 0);
    const taken = (ms: number, times: number) =>
      Array.from({ length: times }, () => table.take(bucket, 1, ms)).filter(Boolean).length;
    expect(taken(0, 30)).toBe(20);
    expect(taken(0, 1)).toBe(0);
    expect(taken(5_000, 5)).toBe(5);
    expect(table.take(table.hold("b", 0), 1, 0)).toBe(true);
  });

  it("counts bytes too", () => {
    const table = new RateTable(RATES);
    const bucket = table.hold("a", 0);
    expect([table.take(bucket, 900, 0), table.take(bucket, 200, 0)]).toEqual([true, false]);
  });

  it("forgets full buckets only, and none that is held: a reconnect does not refill", () => {
    const table = new RateTable(RATES);
    const busy = table.hold("busy", 0);
    for (let i = 0; i < 20; i++) table.take(busy, 1, 0);
    table.release(busy);
    const idle = table.hold("idle", 0);
    table.take(idle, 1, 0);
    table.release(idle);
    table.sweep(1_000);
    expect(table.size).toBe(1);
    const again = table.hold("busy", 1_000);
    expect(Array.from({ length: 20 }, () => table.take(again, 1, 1_000)).filter(Boolean).length).toBe(10);
    table.sweep(100_000);
    expect(table.hold("busy", 100_000)).toBe(again);
    table.release(again);
    table.release(again);
    table.sweep(200_000);
    expect(table.size).toBe(0);
  });
});

describe("used tickets", () => {
  it("are known until they have expired, and the table is bounded", () => {
    const used = new UsedTickets(2);
    expect([used.use("a", 130, 100), used.use("a", 130, 101), used.use("b", 140, 102)]).toEqual([
      "first",
      "again",
      "first",
    ]);
    expect(used.use("c", 140, 103)).toBe("full");
    expect(used.use("c", 160, 131)).toBe("first");
    expect(used.use("b", 140, 131)).toBe("again");
    expect(used.size).toBe(2);
  });
});
