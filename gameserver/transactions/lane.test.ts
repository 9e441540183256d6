import { expect, it } from "vitest";
import { realClock } from "./clock.ts";
import { type Item, Lane, type LaneHost } from "./lane.ts";
import { grant } from "./testing/entries.ts";

const host: LaneHost = {
  settle: async (batch) => batch.map(() => ({ status: "settled" })),
  settleFree: async (batch) => batch.map(() => ({ status: "settled" })),
  quarantine: async () => true,
  mayRunAgain: () => false,
  settled: () => {},
  quarantined: () => {},
  delayed: () => {},
};

it.each(Array.from({ length: 20 }, (_, n) => n))(
  "carries out what is given %i steps after the last of its queue",
  async (steps) => {
    const lane = new Lane(host, realClock, new AbortController().signal);
    const item = (done: Item["done"]): Item => {
      return { entry: grant(1), abandoned: () => false, done, failed: undefined };
    };
    const second = Promise.withResolvers<string>();
    const giveIn = (left: number): void => {
      if (left > 0) queueMicrotask(() => giveIn(left - 1));
      else lane.push(item(({ status }) => second.resolve(status)));
    };
    lane.push(item(() => giveIn(steps)));
    expect(await second.promise).toBe("settled");
    await lane.idle();
    expect(lane.backlog).toBe(0);
  },
);

it("waits between two tries of what fails although it is in the books already", async () => {
  let tries = 0;
  const settle = async () => {
    tries++;
    throw new Error("no such column");
  };
  const delays: unknown[] = [];
  const stop = new AbortController();
  const paused = Promise.withResolvers<void>();
  const lane = new Lane(
    {
      ...host,
      settle,
      settleFree: settle,
      quarantine: async () => false,
      delayed: (error) => delays.push(error),
    },
    {
      ...realClock,
      after: (ms, act) => {
        paused.resolve();
        return realClock.after(ms, act);
      },
    },
    stop.signal,
  );
  lane.push({ entry: grant(1), abandoned: () => false, done: () => {}, failed: undefined });
  await paused.promise;
  expect([tries, delays.map(String)]).toEqual([3, ["Error: no such column"]]);
  expect(lane.backlog).toBe(1);
  stop.abort();
  await lane.idle();
});

it("knows how long who comes now would wait, and counts what is still on its way into the journal", async () => {
  let now = 0;
  const clock = {
    now: () => now,
    after: (ms: number, act: () => void) => {
      now += ms;
      queueMicrotask(act);
      return () => {};
    },
  };
  const BATCHES = 250;
  let batches = 0;
  const settle: LaneHost["settle"] = async (batch) => {
    now += 10;
    if (++batches !== BATCHES) return batch.map(() => ({ status: "settled" }));
    now += 5_000;
    throw new Error("away");
  };
  const lane = new Lane(
    { ...host, settle, settleFree: settle, mayRunAgain: () => true },
    clock,
    new AbortController().signal,
  );
  // What its process does after a batch counts: 16 in 10 and 30 ms. How long a store was away does not.
  const push = (left: number) => {
    const next = () => {
      now += 30;
      if (left > 1) push(left - 1);
    };
    for (let n = 1; n <= 16; n++) {
      const done = n === 16 ? next : () => {};
      lane.push({ entry: grant(1), abandoned: () => false, done, failed: undefined });
    }
  };
  push(BATCHES);
  await lane.idle();
  expect(batches).toBe(BATCHES + 1);
  expect(lane.waitSeconds).toBe(0);
  lane.coming = 400;
  expect(lane.backlog).toBe(400);
  // The batch that was run again took 10 ms: 1 % of a second's memory.
  const rate = lane.backlog / lane.waitSeconds;
  expect(rate).toBeGreaterThan(400);
  expect(rate).toBeLessThan(420);
});
