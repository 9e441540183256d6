import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AddOptions, type Item, WorkQueue } from "./queue.ts";
import { createKit } from "./testing/kit.ts";
import { settled, VirtualTime } from "./testing/virtual-time.ts";

function setup() {
  const kit = createKit();
  const time = new VirtualTime();
  const clock = time.clock();
  return { kit, time, clock, queue: new WorkQueue({ name: "q", metrics: kit.metrics, clock }) };
}

const keyOf = async (item: Promise<Item | undefined>): Promise<string | undefined> => (await item)?.key;

describe("one key", () => {
  test("waits once, however often it is added", async () => {
    const { queue } = setup();
    for (let i = 0; i < 5; i += 1) queue.add("a");
    expect(queue.depth).toBe(1);
    expect(await keyOf(queue.next())).toBe("a");
    expect(queue.depth).toBe(0);
  });

  test("added while under work, it comes again after done and not before", async () => {
    const { queue } = setup();
    queue.add("a");
    await queue.next();
    queue.add("a");
    const again = keyOf(queue.next());
    await settled();
    expect(queue.depth).toBe(0);
    queue.done("a");
    expect(await again).toBe("a");
  });

  test("of several delays the earliest counts", async () => {
    const { queue, time } = setup();
    queue.addAfter("a", 100);
    queue.addAfter("a", 50);
    queue.addAfter("a", 200);
    await time.advance(49);
    expect(queue.depth).toBe(0);
    await time.advance(1);
    expect(queue.depth).toBe(1);
    await time.advance(500);
    expect(queue.depth).toBe(1);
  });

  test("an add at once cancels the delay", async () => {
    const { queue, time, clock } = setup();
    queue.addAfter("a", 100);
    queue.add("a");
    await queue.next();
    queue.done("a");
    await time.advance(200);
    expect(queue.depth).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test("backs off from 5 ms to 1,000 s, and starts over once forgotten", async () => {
    const { queue, time, kit } = setup();
    const failAfter = async (ms: number): Promise<void> => {
      queue.addRateLimited("a");
      await time.advance(ms - 1);
      expect(queue.depth).toBe(0);
      await time.advance(1);
      expect(await keyOf(queue.next())).toBe("a");
      queue.done("a");
    };
    for (let failure = 0; failure < 20; failure += 1) await failAfter(Math.min(5 * 2 ** failure, 1_000_000));
    expect(queue.failures("a")).toBe(20);
    queue.forget("a");
    await failAfter(5);
    expect(await kit.metric("workqueue_retries_total")).toBe(21);
  });
});

describe("order", () => {
  const drain = async (queue: WorkQueue): Promise<string[]> => {
    const keys: string[] = [];
    while (queue.depth > 0) {
      const item = await queue.next();
      if (item === undefined) break;
      keys.push(item.key);
      queue.done(item.key);
    }
    return keys;
  };

  test("a thousand creations cost a deletion one turn at most", async () => {
    const { queue } = setup();
    for (let i = 0; i < 1_000; i += 1) queue.add(`create-${i}`);
    queue.add("delete", { lane: "deletion" });
    expect((await drain(queue)).indexOf("delete")).toBeLessThanOrEqual(1);
  });

  test("a thousand deletions do not hold up creations either", async () => {
    const { queue } = setup();
    for (let i = 0; i < 1_000; i += 1) queue.add(`delete-${i}`, { lane: "deletion" });
    queue.add("create");
    expect((await drain(queue)).indexOf("create")).toBeLessThanOrEqual(1);
  });

  test("fresh changes pass an initial list, which still gets a turn in sixteen", async () => {
    const { queue } = setup();
    for (let i = 0; i < 100; i += 1) queue.add(`old-${i}`, { priority: "low" });
    for (let i = 0; i < 100; i += 1) queue.add(`new-${i}`);
    const first = (await drain(queue)).slice(0, 64);
    const old = first.filter((key) => key.startsWith("old")).length;
    expect(old).toBeGreaterThanOrEqual(1);
    expect(old).toBeLessThanOrEqual(4);
  });

  test("a more urgent wish moves a waiting key forward; a less urgent one changes nothing", async () => {
    const { queue } = setup();
    for (const key of ["a", "b", "c"]) queue.add(key, { priority: "low" });
    queue.add("c");
    queue.add("c", { priority: "low" });
    expect((await drain(queue)).at(0)).toBe("c");
  });

  test("a wish made during work keeps its urgency", async () => {
    const { queue } = setup();
    queue.add("a");
    await queue.next();
    queue.add("a", { lane: "deletion", priority: "low" });
    queue.add("a");
    queue.done("a");
    expect(await queue.next()).toMatchObject({ lane: "deletion", priority: "normal" });
  });
});

describe("end", () => {
  test("stop wakes takers, drops what waits and leaves no timer", async () => {
    const { queue, clock, time } = setup();
    const taker = queue.next();
    queue.stop();
    expect(await taker).toBeUndefined();
    const other = setup();
    other.queue.add("a");
    other.queue.addAfter("b", 10);
    other.queue.stop();
    expect(await other.queue.next()).toBeUndefined();
    expect(other.clock.pending + clock.pending).toBe(0);
    other.queue.add("c");
    await time.advance(100);
    expect(other.queue.depth).toBe(0);
  });
});

test("metrics show depth by lane and the age of work", async () => {
  const { queue, kit, time } = setup();
  queue.add("a");
  queue.add("b", { lane: "deletion" });
  expect(await kit.metric("workqueue_depth", { lane: "deletion" })).toBe(1);
  await queue.next();
  await queue.next();
  await time.advance(2_000);
  expect(await kit.metric("workqueue_unfinished_work_seconds", { controller: "q" })).toBe(4);
  expect(await kit.metric("workqueue_longest_running_processor_seconds")).toBe(2);
  expect(await kit.metric("workqueue_depth", { lane: "deletion" })).toBe(0);
  expect(await kit.metric("workqueue_adds_total")).toBe(2);
});

/** The promises of the queue as a model: sets, without order or time. */
class Model {
  readonly waiting = new Set<string>();
  readonly working = new Set<string>();
  readonly dirty = new Set<string>();
  readonly delayed = new Map<string, number>();

  add(key: string): void {
    this.delayed.delete(key);
    if (this.working.has(key)) this.dirty.add(key);
    else this.waiting.add(key);
  }

  addAfter(key: string, at: number): void {
    if (!this.waiting.has(key)) this.delayed.set(key, Math.min(at, this.delayed.get(key) ?? at));
  }

  advance(to: number): void {
    for (const [key, at] of this.delayed) if (at <= to) this.add(key);
  }

  take(key: string): void {
    if (!this.waiting.delete(key)) throw new Error(`${key} was given out without waiting`);
    if (this.working.has(key)) throw new Error(`${key} was given out twice at once`);
    this.working.add(key);
  }

  done(key: string): void {
    this.working.delete(key);
    if (this.dirty.delete(key)) this.waiting.add(key);
  }
}

const key = fc.constantFrom("a", "b", "c", "d");
const options: fc.Arbitrary<AddOptions> = fc.record({
  lane: fc.constantFrom("normal", "deletion"),
  priority: fc.constantFrom("normal", "low"),
});
const step = fc.oneof(
  fc.record({ do: fc.constant("add" as const), key, options }),
  fc.record({ do: fc.constant("after" as const), key, ms: fc.integer({ min: 1, max: 50 }), options }),
  fc.record({ do: fc.constant("next" as const) }),
  fc.record({ do: fc.constant("done" as const), key }),
  fc.record({ do: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 60 }) }),
);

test("behaves as the model under any sequence of steps", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      const { queue, time } = setup();
      const model = new Model();
      for (const act of steps) {
        if (act.do === "add") {
          queue.add(act.key, act.options);
          model.add(act.key);
        } else if (act.do === "after") {
          queue.addAfter(act.key, act.ms, act.options);
          model.addAfter(act.key, time.now + act.ms);
        } else if (act.do === "done") {
          queue.done(act.key);
          if (model.working.has(act.key)) model.done(act.key);
        } else if (act.do === "advance") {
          await time.advance(act.ms);
          model.advance(time.now);
        } else if (model.waiting.size > 0) {
          model.take((await queue.next())?.key ?? "none");
        }
        expect(queue.depth).toBe(model.waiting.size);
        expect(queue.idle).toBe(model.waiting.size + model.working.size + model.delayed.size === 0);
      }
    }),
    { numRuns: 200 },
  );
});
