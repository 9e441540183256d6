import { expect, test } from "vitest";
import { fail } from "../../platform/errors.ts";
import { ApiError } from "../kube/errors.ts";
import { Controller, type ControllerOptions, type Reconcile, terminal } from "./controller.ts";
import { Channel } from "./sources.ts";
import { createKit } from "./testing/kit.ts";
import { settled, VirtualTime } from "./testing/virtual-time.ts";

function setup(reconcile: Reconcile, options: Partial<ControllerOptions> = {}) {
  const kit = createKit();
  const time = new VirtualTime();
  const clock = time.clock();
  const channel = new Channel();
  const controller = new Controller({ name: "c", reconcile, sources: [channel], ...kit, clock, ...options });
  const stop = new AbortController();
  const kill = new AbortController();
  const running = controller.run({ stop: stop.signal, kill: kill.signal });
  const total = (name: string, labels: Record<string, string> = {}) =>
    kit.metric(`controller_runtime_${name}`, { controller: "c", ...labels });
  return { kit, time, clock, channel, controller, running, stop, kill, total };
}

test("reconciles the keys its sources send, each with an id and a signal of its own", async () => {
  const seen: string[] = [];
  const ids = new Set<string>();
  const { channel, total } = setup(async (key, { id, signal }) => {
    seen.push(key);
    ids.add(id);
    expect(signal.aborted).toBe(false);
  });
  channel.send("ns/a");
  channel.send("ns/b");
  await settled();
  expect(seen).toEqual(["ns/a", "ns/b"]);
  expect(ids.size).toBe(2);
  expect(await total("reconcile_total", { result: "success" })).toBe(2);
});

test("never runs a key twice at once, nor more keys than its concurrency", async () => {
  const running = new Set<string>();
  let most = 0;
  const gates: (() => void)[] = [];
  const { channel, total } = setup(
    async (key) => {
      if (running.has(key)) throw new Error(`${key} twice at once`);
      running.add(key);
      most = Math.max(most, running.size);
      await new Promise<void>((resolve) => gates.push(resolve));
      running.delete(key);
    },
    { concurrency: 3 },
  );
  for (let round = 0; round < 3; round += 1) {
    for (const key of ["a", "b", "c", "d", "e"]) channel.send(key);
    await settled();
    for (const open of gates.splice(0)) open();
    await settled();
  }
  for (let i = 0; i < 5; i += 1) {
    for (const open of gates.splice(0)) open();
    await settled();
  }
  expect(most).toBe(3);
  expect(await total("reconcile_total", { result: "error" })).toBe(0);
  expect(await total("active_workers")).toBe(0);
});

test("comes back when asked to", async () => {
  const at: number[] = [];
  const { channel, time, total } = setup(async () => {
    at.push(time.now);
    return at.length < 3 ? { requeueAfterMs: 1_000 } : undefined;
  });
  channel.send("a");
  await time.advance(10_000);
  expect(at).toEqual([0, 1_000, 2_000]);
  expect(await total("reconcile_total", { result: "requeue_after" })).toBe(2);
});

test("backs off while a reconcile throws, and forgets that once it succeeds", async () => {
  const at: number[] = [];
  const { channel, time, total } = setup(async () => {
    at.push(time.now);
    if (at.length !== 4 && at.length !== 6) throw new ApiError(500, "X", "x");
  });
  channel.send("a");
  await time.advance(1_000);
  channel.send("a");
  await time.advance(1_000);
  expect(at).toEqual([0, 5, 15, 35, 1_000, 1_005]);
  expect(await total("reconcile_errors_total")).toBe(4);
  expect(await total("reconcile_panics_total")).toBe(0);
});

test("does not try again what cannot succeed", async () => {
  let runs = 0;
  const { channel, time, total, controller } = setup(async () => {
    runs += 1;
    throw terminal("spec names a port twice");
  });
  channel.send("a");
  await time.advance(100_000);
  expect(runs).toBe(1);
  expect(controller.idle).toBe(true);
  expect(await total("terminal_reconcile_errors_total")).toBe(1);
});

test("counts a mistake of the program as a panic, and goes on", async () => {
  let runs = 0;
  const { channel, time, total } = setup(async () => {
    runs += 1;
    if (runs === 1) throw new TypeError("cannot read properties of undefined");
  });
  channel.send("a");
  await time.advance(100);
  expect(runs).toBe(2);
  expect(await total("reconcile_panics_total")).toBe(1);
});

test("a reconcile that takes too long is told to stop, and counted", async () => {
  const reasons: unknown[] = [];
  const { channel, time, total } = setup(
    (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          reasons.push(signal.reason);
          reject(signal.reason as Error);
        });
      }),
    { timeoutMs: 1_000 },
  );
  channel.send("a");
  await time.advance(1_004);
  expect(reasons).toMatchObject([{ code: "TIMEOUT" }]);
  expect(await total("reconcile_timeouts_total")).toBe(1);
});

test("on stop what runs may finish, what waits is dropped, sources are let go", async () => {
  const gate = Promise.withResolvers<void>();
  const done: string[] = [];
  const { channel, running, stop, clock } = setup(
    async (key) => {
      await gate.promise;
      done.push(key);
    },
    { concurrency: 1 },
  );
  channel.send("a");
  channel.send("b");
  await settled();
  stop.abort();
  channel.send("c");
  gate.resolve();
  await running;
  expect(done).toEqual(["a"]);
  expect(clock.pending).toBe(0);
});

test("on kill what runs is told at once", async () => {
  const { channel, running, stop, kill } = setup(
    (_, { signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason as Error)),
      ),
  );
  channel.send("a");
  await settled();
  stop.abort();
  kill.abort();
  await expect(running).resolves.toBeUndefined();
});

test("losing the lead within a reconcile is no alarm and no panic", async () => {
  const { channel, total } = setup(async () => {
    throw fail("LEADERSHIP_LOST", "paused");
  });
  channel.send("a");
  await settled();
  expect(await total("reconcile_errors_total")).toBe(1);
  expect(await total("reconcile_panics_total")).toBe(0);
});

test("every series exists before the first reconcile", async () => {
  const { total } = setup(async () => {});
  for (const result of ["success", "error", "requeue", "requeue_after"]) {
    expect(await total("reconcile_total", { result })).toBe(0);
  }
  for (const name of [
    "reconcile_errors_total",
    "terminal_reconcile_errors_total",
    "reconcile_panics_total",
  ]) {
    expect(await total(name)).toBe(0);
  }
  expect(await total("max_concurrent_reconciles")).toBe(16);
});
