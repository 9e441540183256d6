import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DeadlineHeap } from "./heap.ts";

const ITEMS = 40;
const step = fc.record({
  act: fc.constantFrom("push", "pop", "remove", "change"),
  item: fc.integer({ min: 0, max: ITEMS - 1 }),
  key: fc.integer({ min: 0, max: 50 }),
});

describe("the deadline heap", () => {
  it("gives the smallest key whatever was pushed, changed and removed before", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const heap = new DeadlineHeap(ITEMS);
        const model = new Map<number, number>();
        for (const { act, item, key } of steps) {
          if (act === "push" && !model.has(item)) {
            heap.push(item, key);
            model.set(item, key);
          } else if (act === "change" && model.has(item)) {
            heap.change(item, key);
            model.set(item, key);
          } else if (act === "remove" && model.has(item)) {
            heap.remove(item);
            model.delete(item);
          } else if (act === "pop") {
            const popped = heap.pop();
            if (model.size === 0) expect(popped).toBe(-1);
            else {
              expect(model.get(popped)).toBe(Math.min(...model.values()));
              model.delete(popped);
            }
          }
          expect(heap.size).toBe(model.size);
          expect(heap.has(item)).toBe(model.has(item));
          expect(heap.firstKey).toBe(Math.min(...model.values()));
          if (model.size > 0)
            expect([model.get(heap.first), heap.key(heap.first)]).toEqual([heap.firstKey, heap.firstKey]);
          else expect(heap.first).toBe(-1);
        }
      }),
    );
  });

  it("hands an item from one heap to another over shared places", () => {
    const places = new Int32Array(4).fill(-1);
    const [upper, lower] = [new DeadlineHeap(4, places), new DeadlineHeap(4, places)];
    lower.push(2, 5);
    lower.push(1, 9);
    expect(upper.has(2)).toBe(true);
    lower.remove(2);
    upper.push(2, 4);
    expect([upper.pop(), lower.pop(), upper.size, lower.size]).toEqual([2, 1, 0, 0]);
  });
});
