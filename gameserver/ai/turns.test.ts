import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Turns } from "./turns.ts";

const offers = fc.uniqueArray(
  fc.record({
    row: fc.integer({ min: 0, max: 199 }),
    wait: fc.integer({ min: 0, max: 3_000 }),
    longest: fc.integer({ min: 1, max: 600 }),
    cost: fc.constantFrom(1, 2, 4),
  }),
  { selector: ({ row }) => row, maxLength: 200 },
);

describe("turns", () => {
  it("go to the most overdue first, then by row, as far as the capacity goes", () => {
    const turns = new Turns(200);
    fc.assert(
      fc.property(offers, fc.double({ min: 0, max: 500, noNaN: true }), (candidates, capacity) => {
        turns.clear();
        const inOrder = candidates.toSorted((a, b) => a.row - b.row);
        for (const { row, wait, longest, cost } of inOrder) turns.offer(row, wait, longest, cost);
        const urgency = ({ wait, longest }: (typeof candidates)[number]) =>
          Math.min(63, Math.floor((wait * 16) / longest));
        const expected = inOrder.toSorted((a, b) => urgency(b) - urgency(a) || a.row - b.row);
        let left = capacity;
        const served = expected.filter(({ cost }) => {
          const has = left > 0;
          left -= cost;
          return has;
        });
        expect([...turns.serve(capacity)]).toEqual(served.map(({ row }) => row));
      }),
    );
  });
});
