import { describe, expect, it } from "vitest";
import { Admission, type Load, MAX_BACKLOG } from "./admission.ts";

const NOW = 1_000_000;
const load = (over: Partial<Load> = {}): Load => ({
  backlog: 0,
  oldestAt: undefined,
  settleAway: false,
  journalAway: false,
  journalShare: undefined,
  ...over,
});
/** One that has measured 10,000 a second. */
function measured(): Admission {
  const admission = new Admission();
  for (let n = 0; n < 60; n++) admission.settled(100, 20, 2, NOW);
  return admission;
}

it("measures what settling manages, by batches that are large enough to tell", () => {
  expect(Math.round(measured().rate)).toBe(10_000);
  const small = measured();
  small.settled(1, 100, 2, NOW);
  expect(Math.round(small.rate)).toBe(10_000);
});

it("counts a batch by the time it took: quick ones between slow ones do not make more of a store than it is", () => {
  const admission = new Admission();
  for (let n = 0; n < 60; n++) admission.settled(100, n % 2 === 0 ? 10 : 190, 2, NOW);
  // 200 in 200 ms by each of two lanes.
  expect(admission.rate).toBeGreaterThan(1_500);
  expect(admission.rate).toBeLessThan(2_500);
});

describe("after a bad time", () => {
  /** One to which hardly anything came back for minutes. */
  function slowed(): Admission {
    const admission = measured();
    for (let n = 0; n < 60; n++) admission.settled(20, 10_000, 2, NOW);
    return admission;
  }

  it("is measured by small batches too, as there are no others while so little is let in", () => {
    const admission = slowed();
    expect(admission.check("purchase", load({ backlog: 10 }), NOW)).toMatchObject({ reason: "overloaded" });
    for (let n = 0; n < 40; n++) admission.settled(2, 10, 2, NOW);
    expect(admission.check("purchase", load({ backlog: 100 }), NOW)).toBeUndefined();
  });

  it("nobody is told to wait for longer than 5 s", () => {
    expect(slowed().check("purchase", load({ backlog: 1_000 }), NOW)?.retryAfterMs).toBe(5_000);
  });
});

describe("a purchase", () => {
  it("is let in while less than 0.8 s of work waits, and told when to come again when more does", () => {
    expect(measured().check("purchase", load({ backlog: 7_900 }), NOW)).toBeUndefined();
    const refused = measured().check("purchase", load({ backlog: 9_000 }), NOW);
    expect(refused?.reason).toBe("overloaded");
    expect(refused?.retryAfterMs).toBeCloseTo(900, -1);
  });

  it("is refused when nothing has come back for a second, and let in once something does", () => {
    const stuck = load({ backlog: 10, oldestAt: NOW - 5_000 });
    const admission = measured();
    expect(admission.check("purchase", stuck, NOW + 900)).toBeUndefined();
    expect(admission.check("purchase", stuck, NOW + 1_100)).toMatchObject({ reason: "overloaded" });
    admission.settled(1, 10, 2, NOW + 1_100);
    expect(admission.check("purchase", stuck, NOW + 1_200)).toBeUndefined();
  });

  it("waits for PostgreSQL as long as it takes, within the pod's memory", () => {
    const away = load({ settleAway: true, backlog: 30_000, oldestAt: NOW - 60_000 });
    expect(new Admission().check("purchase", away, NOW)).toBeUndefined();
    const full = { ...away, backlog: MAX_BACKLOG / 2 };
    expect(new Admission().check("purchase", full, NOW)).toMatchObject({ reason: "overloaded" });
  });

  it("is refused at once when both stores are away, and when the journal's memory runs out", () => {
    const both = load({ settleAway: true, journalAway: true });
    expect(new Admission().check("purchase", both, NOW)).toMatchObject({ reason: "stores-away" });
    expect(new Admission().check("purchase", load({ journalShare: 0.71 }), NOW)).toMatchObject({
      reason: "journal-full",
    });
  });
});

it.each(["reward", "refund", "correction"] as const)("a %s is let in for twice as long", (kind) => {
  expect(measured().check(kind, load({ backlog: 15_000 }), NOW)).toBeUndefined();
  expect(measured().check(kind, load({ backlog: 17_000 }), NOW)).toMatchObject({ reason: "overloaded" });
  expect(measured().check(kind, load({ journalShare: 0.75 }), NOW)).toBeUndefined();
  expect(measured().check(kind, load({ journalShare: 0.81 }), NOW)).toMatchObject({ reason: "journal-full" });
  expect(measured().check(kind, load({ oldestAt: 0, backlog: 1 }), NOW + 1_500)).toBeUndefined();
  const away = load({ settleAway: true, backlog: MAX_BACKLOG / 2 });
  expect(measured().check(kind, away, NOW)).toBeUndefined();
});

it("a trade is refused as early as a purchase", () => {
  expect(measured().check("trade", load({ backlog: 9_000 }), NOW)).toMatchObject({ reason: "overloaded" });
});
