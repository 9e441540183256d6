import { beforeEach, describe, expect, test } from "vitest";
import { fail, type GamefleetError } from "../../platform/errors.ts";
import { Manager, type ManagerOptions } from "./manager.ts";
import type { Cache, Life, Runnable } from "./runnable.ts";
import { createKit } from "./testing/kit.ts";
import { settled, VirtualTime } from "./testing/virtual-time.ts";

let events: string[];
let time: VirtualTime;
beforeEach(() => {
  events = [];
  time = new VirtualTime();
});

const ended = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

const runnable = (
  name: string,
  run: (life: Life) => Promise<void> = ({ stop }) => ended(stop),
): Runnable => ({
  name,
  run: async (life) => {
    events.push(`+${name}`);
    await run(life);
    events.push(`-${name}`);
  },
});

const cache = (name: string, synced: Promise<void> = Promise.resolve()): Cache => ({
  ...runnable(name),
  synced,
});

const server = (name: string) => ({
  name,
  start: async () => void events.push(`+${name}`),
  stop: async () => void events.push(`-${name}`),
});

function elector() {
  const elected = Promise.withResolvers<boolean>();
  const lost = Promise.withResolvers<GamefleetError>();
  return {
    elected,
    lose: () => lost.resolve(fail("LEADERSHIP_LOST", "taken")),
    campaign: async (stop: AbortSignal) => {
      events.push("+campaign");
      return Promise.race([elected.promise, ended(stop).then(() => false)]);
    },
    release: async () => void events.push("release"),
    lost: lost.promise,
  };
}

function setup(options: Partial<ManagerOptions> = {}) {
  const { log } = createKit();
  const election = elector();
  const manager = new Manager({ log, elector: election, clock: time.clock(), ...options });
  const life = new AbortController();
  return { manager, election, life };
}

test("starts in order and stops in the order that hands over soonest", async () => {
  const { manager, election, life } = setup();
  const filled = Promise.withResolvers<void>();
  manager.addLeader(runnable("controller"));
  manager.add(runnable("recorder"));
  manager.addCache(cache("cache", filled.promise));
  manager.addServer(server("http"));
  const running = manager.run(life.signal);
  await settled();
  expect(events).toEqual(["+http", "+cache"]);
  expect(manager.synced).toBe(false);
  filled.resolve();
  await settled();
  expect(manager.synced).toBe(true);
  expect(events.splice(0)).toEqual(["+http", "+cache", "+recorder", "+campaign"]);
  election.elected.resolve(true);
  await settled();
  expect(events.splice(0)).toEqual(["+controller"]);
  life.abort();
  await running;
  expect(events).toEqual(["-recorder", "-controller", "release", "-cache", "-http"]);
});

test("a replica that never led stops just as cleanly", async () => {
  const { manager, life } = setup();
  manager.addLeader(runnable("controller"));
  manager.addCache(cache("cache"));
  const running = manager.run(life.signal);
  await settled();
  life.abort();
  await running;
  expect(events).toEqual(["+cache", "+campaign", "release", "-cache"]);
});

test("without an elector leader runnables start at once", async () => {
  const { log } = createKit();
  const manager = new Manager({ log });
  const life = new AbortController();
  manager.addLeader(runnable("controller"));
  const running = manager.run(life.signal);
  await settled();
  expect(events).toEqual(["+controller"]);
  life.abort();
  await running;
});

describe("leadership lost", () => {
  test("kills the work without grace, gives nothing back, and rejects", async () => {
    const { manager, election, life } = setup();
    election.elected.resolve(true);
    manager.addLeader(runnable("controller", ({ kill }) => ended(kill)));
    manager.addServer(server("http"));
    const running = manager.run(life.signal);
    await settled();
    election.lose();
    await expect(running).rejects.toMatchObject({ code: "LEADERSHIP_LOST" });
    expect(events).toEqual(["+http", "+campaign", "+controller", "-controller", "-http"]);
  });

  test("does not wait long for work that ignores it", async () => {
    const { manager, election, life } = setup();
    election.elected.resolve(true);
    manager.addLeader(runnable("deaf", () => new Promise(() => {})));
    const running = manager.run(life.signal).catch((error: unknown) => error);
    await settled();
    election.lose();
    await time.advance(3_000);
    expect(await running).toMatchObject({ code: "LEADERSHIP_LOST" });
  });

  test("while stopping still rejects, for the work was not finished as the leader", async () => {
    const { manager, election, life } = setup();
    election.elected.resolve(true);
    manager.addLeader(runnable("slow", ({ kill }) => ended(kill)));
    const running = manager.run(life.signal).catch((error: unknown) => error);
    await settled();
    life.abort();
    await settled();
    expect(events).not.toContain("-slow");
    election.lose();
    expect(await running).toMatchObject({ code: "LEADERSHIP_LOST" });
  });
});

test("work that does not finish within the grace is killed, then the lease is given back", async () => {
  const { manager, election, life } = setup({ graceMs: 5_000 });
  election.elected.resolve(true);
  manager.addLeader(runnable("slow", ({ kill }) => ended(kill)));
  const running = manager.run(life.signal);
  await settled();
  life.abort();
  await time.advance(4_999);
  expect(events).not.toContain("-slow");
  await time.advance(10);
  await running;
  expect(events.slice(-2)).toEqual(["-slow", "release"]);
});

test("caches that do not fill in time end the run with their names", async () => {
  const { manager, life } = setup({ syncTimeoutMs: 1_000 });
  manager.addCache(cache("pods", new Promise(() => {})));
  manager.addCache(cache("nodes"));
  const running = manager.run(life.signal).catch((error: unknown) => error);
  await time.advance(1_000);
  expect(await running).toMatchObject({ code: "TIMEOUT", message: expect.stringMatching(/: pods$/) });
  expect(events).toContain("-pods");
});

test("a runnable that fails ends the run with its error, in order", async () => {
  const { manager, election, life } = setup();
  election.elected.resolve(true);
  manager.addLeader(runnable("controller"));
  manager.add(runnable("broken", () => Promise.reject(new Error("broken"))));
  await expect(manager.run(life.signal)).rejects.toThrow("broken");
  expect(events.at(-1)).toBe("release");
});

test("a server that cannot start ends the run", async () => {
  const { manager, life } = setup();
  manager.addServer({ ...server("http"), start: () => Promise.reject(new Error("port taken")) });
  await expect(manager.run(life.signal)).rejects.toThrow("port taken");
});
