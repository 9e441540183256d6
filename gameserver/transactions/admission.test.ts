import { describe, expect, it } from "vitest";
import { type Load, MAX_BACKLOG, refusalOf } from "./admission.ts";

const NOW = 1_000_000;
const load = (over: Partial<Load> = {}): Load => ({
  backlog: 0,
  waitSeconds: 0,
  settledAt: 0,
  oldestAt: undefined,
  settleAway: false,
  journalAway: false,
  journalShare: undefined,
  ...over,
});
describe("a purchase", () => {
  it("is let in while less than 0.6 s of work waits, and told when to come again when more does", () => {
    expect(refusalOf("purchase", load({ waitSeconds: 0.59 }), NOW)).toBeUndefined();
    expect(refusalOf("purchase", load({ waitSeconds: 0.7 }), NOW)).toEqual({
      reason: "overloaded",
      retryAfterMs: 700,
    });
    expect(refusalOf("purchase", load({ waitSeconds: 60 }), NOW)?.retryAfterMs).toBe(5_000);
  });

  it("is refused when nothing has come back for a second, and let in once something does", () => {
    const stuck = { backlog: 10, oldestAt: NOW - 5_000, settledAt: NOW };
    expect(refusalOf("purchase", load(stuck), NOW + 900)).toBeUndefined();
    expect(refusalOf("purchase", load(stuck), NOW + 1_100)).toMatchObject({ reason: "overloaded" });
    expect(refusalOf("purchase", load({ ...stuck, settledAt: NOW + 1_100 }), NOW + 1_200)).toBeUndefined();
  });

  it("waits for PostgreSQL as long as it takes, within the pod's memory", () => {
    const away = load({ settleAway: true, backlog: 30_000, waitSeconds: 20, oldestAt: NOW - 60_000 });
    expect(refusalOf("purchase", away, NOW)).toBeUndefined();
    const full = { ...away, backlog: MAX_BACKLOG / 2 };
    expect(refusalOf("purchase", full, NOW)).toMatchObject({ reason: "overloaded" });
  });

  it("is refused at once when both stores are away, and when the journal's memory runs out", () => {
    const both = load({ settleAway: true, journalAway: true });
    expect(refusalOf("purchase", both, NOW)).toMatchObject({ reason: "stores-away" });
    expect(refusalOf("purchase", load({ journalShare: 0.71 }), NOW)).toMatchObject({
      reason: "journal-full",
    });
  });
});

it.each(["reward", "refund", "correction"] as const)("a %s is let in for twice as long", (kind) => {
  expect(refusalOf(kind, load({ waitSeconds: 1.1 }), NOW)).toBeUndefined();
  expect(refusalOf(kind, load({ waitSeconds: 1.3 }), NOW)).toMatchObject({ reason: "overloaded" });
  expect(refusalOf(kind, load({ journalShare: 0.75 }), NOW)).toBeUndefined();
  expect(refusalOf(kind, load({ journalShare: 0.81 }), NOW)).toMatchObject({ reason: "journal-full" });
  expect(refusalOf(kind, load({ oldestAt: 0, settledAt: NOW, backlog: 1 }), NOW + 1_500)).toBeUndefined();
  const away = load({ settleAway: true, backlog: MAX_BACKLOG / 2 });
  expect(refusalOf(kind, away, NOW)).toBeUndefined();
});

it("a trade is refused as early as a purchase", () => {
  expect(refusalOf("trade", load({ waitSeconds: 0.7 }), NOW)).toMatchObject({ reason: "overloaded" });
});
