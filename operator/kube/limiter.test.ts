import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Limiter } from "./limiter.ts";

const never = new AbortController().signal;

test("never more than the limit at once, and all are served in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.nat(20), async (limit, jobs) => {
      const limiter = new Limiter(limit);
      const started: number[] = [];
      let running = 0;
      let most = 0;
      await Promise.all(
        Array.from({ length: jobs }, (_, job) =>
          limiter.run(async () => {
            started.push(job);
            running += 1;
            most = Math.max(most, running);
            await delay(0);
            running -= 1;
          }, never),
        ),
      );
      expect(most).toBe(Math.min(limit, jobs));
      expect(started).toEqual(Array.from({ length: jobs }, (_, job) => job));
      expect(limiter.running).toBe(0);
    }),
    { numRuns: 30 },
  );
});

test("who gives up waiting leaves the queue and lets the others pass", async () => {
  const limiter = new Limiter(1);
  const gate = Promise.withResolvers<void>();
  const giveUp = new AbortController();
  const first = limiter.run(() => gate.promise, never);
  const second = limiter.run(async () => "second", giveUp.signal);
  const third = limiter.run(async () => "third", never);
  giveUp.abort(new Error("gave up"));
  await expect(second).rejects.toThrow("gave up");
  gate.resolve();
  await first;
  await expect(third).resolves.toBe("third");
  expect(limiter.running).toBe(0);
});

test("an abort in the turn in which the place is handed over loses no place", async () => {
  const limiter = new Limiter(1);
  const gate = Promise.withResolvers<void>();
  const late = new AbortController();
  const first = limiter.run(() => gate.promise, never);
  const second = limiter.run(async () => "second", late.signal);
  const third = limiter.run(async () => "third", never);
  gate.resolve();
  await first;
  late.abort(new Error("too late"));
  await Promise.allSettled([second]);
  await expect(third).resolves.toBe("third");
  expect(limiter.running).toBe(0);
});
