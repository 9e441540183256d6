import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { silentLog } from "../../platform/log.ts";
import { connectRedis } from "../../platform/redis.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { keys, type LoadSample } from "../../protocol/directory.ts";
import { freshRedis, redisUrl } from "../../test/stores/fixtures.ts";
import { LoadBoard, SILENT_READINGS } from "./loads.ts";

const SERVER = "default/a";
let redis: Redis;
let news: string[];
let board: LoadBoard;

beforeAll(async () => {
  redis = await freshRedis();
});
afterAll(() => redis.disconnect());
beforeEach(async () => {
  await redis.flushall();
  news = [];
  board = boardOf([SERVER]);
});

function boardOf(servers: readonly string[], connection = redis): LoadBoard {
  return new LoadBoard({
    redis: connection,
    log: silentLog(),
    servers: () => servers,
    onChange: (server) => news.push(server),
  });
}

async function write(over: Partial<LoadSample> = {}, server = SERVER): Promise<void> {
  const sample: LoadSample = {
    v: 1,
    server: "a",
    fleet: "lane",
    life: "life-1",
    state: "Ready",
    cpuPercent: 40,
    memoryBytes: 1,
    sessions: 3,
    capacity: 20,
    tickLatenessMs: 0,
    loopDelayMs: 0,
    zones: [],
    ...over,
  };
  await redis.set(keys.load(server), JSON.stringify(sample));
}

/** What a reading found to be news. */
async function read(): Promise<string[]> {
  news.length = 0;
  await board.read();
  return [...news];
}

describe("a sample", () => {
  it("is had for the life it speaks of only", async () => {
    await write();
    await read();
    expect(board.get(SERVER, "life-1")).toMatchObject({ sessions: 3 });
    expect(board.get(SERVER, "life-2")).toBeUndefined();
    expect(board.get(SERVER, undefined)).toBeUndefined();
    expect(board.get("default/b", "life-1")).toBeUndefined();
  });

  it("is gone with its key", async () => {
    await write();
    await read();
    await redis.del(keys.load(SERVER));
    expect(await read()).toEqual([SERVER]);
    expect(board.get(SERVER, "life-1")).toBeUndefined();
    expect(await read()).toEqual([]);
  });

  it("is read for the servers of now", async () => {
    const servers = [SERVER];
    board = boardOf(servers);
    await write({}, "default/b");
    expect(await read()).toEqual([]);
    servers.push("default/b");
    expect(await read()).toEqual(["default/b"]);
    servers.length = 0;
    expect(await read()).toEqual(["default/b"]);
  });

  it("is found among more servers than one command asks for", async () => {
    const servers = Array.from({ length: 1_201 }, (_, index) => `default/s-${index}`);
    board = boardOf(servers);
    for (const index of [0, 499, 500, 1_200]) await write({ sessions: index }, `default/s-${index}`);
    expect(await read()).toEqual(["default/s-0", "default/s-499", "default/s-500", "default/s-1200"]);
    expect(board.get("default/s-1200", "life-1")?.sessions).toBe(1_200);
  });
});

describe("news", () => {
  const zone = { id: "sol", kind: "fixed", epoch: 1, sessions: 0, capacity: 5, open: true } as const;

  it.each<[string, Partial<LoadSample>]>([
    ["another life", { life: "life-2" }],
    ["another state", { state: "Draining" }],
    ["a player more", { sessions: 4 }],
    ["a zone more", { zones: [zone] }],
    ["much more CPU", { cpuPercent: 45 }],
    ["much less CPU", { cpuPercent: 35 }],
  ])("is %s", async (_what, over) => {
    await write();
    expect(await read()).toEqual([SERVER]);
    await write(over);
    expect(await read()).toEqual([SERVER]);
    expect(await read()).toEqual([]);
  });

  it.each<[string, Partial<LoadSample>]>([
    ["the same again", {}],
    ["a little CPU", { cpuPercent: 44.9 }],
    ["memory and lateness", { memoryBytes: 2, tickLatenessMs: 3, loopDelayMs: 4 }],
  ])("is not %s", async (_what, over) => {
    await write();
    await read();
    await write(over);
    expect(await read()).toEqual([]);
    expect(board.get(SERVER, "life-1")).toMatchObject(over);
  });
});

describe("a server is silent", () => {
  const readTimes = async (times: number) => {
    for (let n = 0; n < times; n++) await read();
  };

  it("once it was not heard of for long enough, until it is heard of again", async () => {
    await write();
    await read();
    await redis.del(keys.load(SERVER));
    await readTimes(SILENT_READINGS - 1);
    expect(board.isSilent(SERVER)).toBe(false);
    await read();
    expect(board.isSilent(SERVER)).toBe(true);
    await write();
    await read();
    expect(board.isSilent(SERVER)).toBe(false);
  });

  it("not when its samples cannot be read, and not when nobody asked for it", async () => {
    await redis.set(keys.load(SERVER), "{not json");
    await readTimes(SILENT_READINGS);
    expect(board.isSilent(SERVER)).toBe(false);
    expect(board.isSilent("default/b")).toBe(false);
  });
});

it("samples that cannot be read are counted, and count as none", async () => {
  board = boardOf([SERVER, "default/b", "default/c"]);
  await write();
  await redis.set(keys.load("default/b"), "{not json");
  await redis.set(keys.load("default/c"), JSON.stringify({ v: 2 }));
  expect(await read()).toEqual([SERVER]);
  expect(board.badSamples).toBe(2);
  await write({ sessions: -1 });
  expect(await read()).toEqual([SERVER]);
  expect(board.get(SERVER, "life-1")).toBeUndefined();
  expect(board.badSamples).toBe(5);
});

it("while Redis is away the board is empty, and what was there is news", async () => {
  const cut = connectRedis({ url: redisUrl(), name: "test", log: silentLog() });
  await new Promise((resolve) => cut.once("ready", resolve));
  board = boardOf([SERVER], cut);
  await write();
  expect(await read()).toEqual([SERVER]);
  cut.disconnect();
  news.length = 0;
  const ending = new AbortController();
  const running = board.run(ending.signal);
  await eventually(() => expect(news).toEqual([SERVER]));
  expect(board.get(SERVER, "life-1")).toBeUndefined();
  ending.abort();
  await running;
});
