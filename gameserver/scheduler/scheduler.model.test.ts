/** The scheduler against a plain model: whatever is submitted, cancelled, moved and made to wait. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { Scheduler } from "./scheduler.ts";

const CLASSES = ["player-facing", "simulation", "replication", "transactions", "ai", "background"] as const;
const pick = fc.integer({ min: 0, max: 200 });
const step = fc.oneof(
  fc.record({
    act: fc.constant("submit" as const),
    kind: fc.integer({ min: 0, max: 5 }),
    cost: fc.integer({ min: 0, max: 400 }),
    deadline: fc.integer({ min: -5, max: 60 }),
    timeout: fc.option(fc.integer({ min: 1, max: 80 }), { nil: undefined }),
  }),
  fc.record({ act: fc.constant("cancel" as const), a: pick }),
  fc.record({
    act: fc.constant("change" as const),
    a: pick,
    deadline: pick,
    band: fc.integer({ min: 0, max: 7 }),
  }),
  fc.record({ act: fc.constantFrom("wait" as const, "unwait" as const), a: pick, b: pick }),
  fc.record({ act: fc.constant("run" as const), ms: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ act: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 50 }) }),
);

it("every task runs once, or is cancelled or timed out; none before what it waits for; all ends", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      let now = 0;
      const ended: number[] = [];
      /** By owner: whom it waits for. */
      const waits = new Map<number, Set<number>>();
      const over = (owner: number) => {
        expect(ended).not.toContain(owner);
        ended.push(owner);
        for (const on of waits.values()) on.delete(owner);
        waits.delete(owner);
      };
      const scheduler = new Scheduler({
        capacity: 40,
        bandCapacity: 30,
        waits: 25,
        clock: () => now,
        onError: (_kind, error) => {
          throw error;
        },
        kinds: CLASSES.map((name) => ({
          name,
          class: name,
          run(owner: number, detail: number) {
            now += detail / 1_000;
            expect([...(waits.get(owner) ?? [])]).toEqual([]);
            over(owner);
          },
          expired: (owner: number) => over(owner),
        })),
      });
      /** Handle by owner, the submitted ones in order. */
      const tasks: number[] = [];
      const live = () => tasks.flatMap((task, owner) => (task >= 0 && !ended.includes(owner) ? [owner] : []));
      const reaches = (from: number, to: number): boolean =>
        from === to || [...(waits.get(from) ?? [])].some((on) => reaches(on, to));
      for (const one of steps) {
        const owners = live();
        const owner = (index: number) => owners[index % owners.length] ?? -1;
        if (one.act === "submit") {
          const timeout = one.timeout === undefined ? {} : { timeoutMs: one.timeout };
          tasks.push(scheduler.submit(one.kind, tasks.length, one.cost, now + one.deadline, timeout));
          if (tasks.at(-1) === -1) ended.push(tasks.length - 1);
        } else if (one.act === "run") scheduler.run(one.ms);
        else if (one.act === "pass") now += one.ms;
        else if (owners.length > 0) {
          const a = owner(one.a);
          const handle = tasks[a] ?? -1;
          if (one.act === "cancel") {
            expect(scheduler.cancel(handle)).toBe(true);
            over(a);
          } else if (one.act === "change") {
            expect(scheduler.change(handle, now + one.deadline, one.band)).toBe(true);
          } else {
            const b = owner(one.b);
            const on = tasks[b] ?? -1;
            if (one.act === "unwait") {
              expect(scheduler.unwait(handle, on)).toBe(waits.get(a)?.has(b) ?? false);
              waits.get(a)?.delete(b);
            } else if (reaches(b, a)) expect(() => scheduler.wait(handle, on)).toThrow("circle");
            else if (scheduler.wait(handle, on)) waits.set(a, (waits.get(a) ?? new Set()).add(b));
          }
        }
        expect(scheduler.size).toBe(live().length);
      }
      for (let i = 0; i < 60 && live().length > 0; i++) {
        scheduler.run(1_000);
        now += 100;
      }
      expect(live()).toEqual([]);
      expect(ended.length).toBe(tasks.length);
    }),
    { numRuns: 400 },
  );
});
