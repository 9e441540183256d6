import fc from "fast-check";
import { expect, it } from "vitest";
import { Ring } from "./ring.ts";
import { WaitGraph } from "./wait-graph.ts";

const TASKS = 5;
const step = fc.record({
  act: fc.constantFrom("push", "shift", "remove"),
  task: fc.integer({ min: 0, max: TASKS - 1 }),
  ring: fc.integer({ min: 0, max: 1 }),
});

it("two rings over one table keep the order of arrival, whatever leaves from the middle and comes back", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const places = new Int32Array(TASKS).fill(-1);
      const rings = [new Ring(TASKS, places), new Ring(TASKS, places)];
      const models: number[][] = [[], []];
      for (const { act, task, ring } of steps) {
        const model = models[ring] ?? [];
        const real = rings[ring];
        if (act === "push" && !models.flat().includes(task)) {
          real?.push(task);
          model.push(task);
        } else if (act === "remove" && model.includes(task)) {
          real?.remove(task);
          model.splice(model.indexOf(task), 1);
        } else if (act === "shift" && model.length > 0) {
          const first = real?.peek() ?? -1;
          expect(first).toBe(model.shift());
          real?.remove(first);
        }
        expect(rings.map((one) => one.size)).toEqual(models.map((one) => one.length));
        expect(rings.map((one) => one.peek())).toEqual(models.map((one) => one[0] ?? -1));
      }
    }),
  );
});

it("a task may wait for several and be waited for by several; each edge is taken out alone", () => {
  const graph = new WaitGraph(6, 6);
  for (const on of [1, 2, 3]) graph.add(0, on);
  for (const waiter of [4, 5]) graph.add(waiter, 2);
  expect(graph.remove(0, 2)).toBe(true);
  expect(graph.remove(0, 2)).toBe(false);
  expect([graph.has(0, 1), graph.has(0, 2), graph.has(0, 3), graph.has(4, 2), graph.has(5, 2)]).toEqual([
    true,
    false,
    true,
    true,
    true,
  ]);
  graph.add(2, 0);
  expect(graph.path(4, 3)).toEqual([4, 2, 0, 3]);
  expect(graph.path(3, 4)).toEqual([]);
  expect(graph.remove(4, 2)).toBe(true);
  expect([graph.waits(4), graph.waits(5)]).toEqual([false, true]);
  expect(new WaitGraph(1, 0).add(0, 0)).toBe(false);
});

it("one that waits long does not let holes fill the ring", () => {
  const ring = new Ring(3, new Int32Array(3).fill(-1));
  ring.push(0);
  for (let round = 0; round < 1_000; round++) {
    ring.push(1);
    ring.push(2);
    ring.remove(1);
    ring.remove(2);
  }
  ring.push(2);
  ring.push(1);
  const order = [0, 1, 2].map(() => {
    const first = ring.peek();
    ring.remove(first);
    return first;
  });
  expect([order, ring.peek()]).toEqual([[0, 2, 1], -1]);
});
