/**
 * Clients that misbehave, with real sockets against a whole I/O thread: each has bounded memory and a defined end.
 * Only the clock is fake: minutes pass at once.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { CLOSE } from "../../protocol/close.ts";
import { encodeHello, encodePing } from "../../protocol/frames.ts";
import { counters, Samples } from "../shared-stats.ts";
import { zoneMemory } from "../simulation/memory.ts";
import { compileGame } from "../simulation/schema.ts";
import { SimulatedZone } from "../simulation/zone.ts";
import { game } from "../testing/arena-game.ts";
import { RawClient, rawFrame } from "../testing/echo.ts";
import { Connection } from "./connection.ts";
import { IoThread } from "./io-thread.ts";
import { type FromTransport, TRANSPORT_COUNTERS, type WelcomeStart } from "./messages.ts";
import { readingIntoOneBuffer } from "./one-buffer.ts";

const schema = compileGame(game.declaration);
const BINARY = 2;
const PING = 9;

let server: Server;
let port: number;
let io: IoThread;
let zone: SimulatedZone;
let told: FromTransport[];
let sockets: Set<Socket>;
let tick: number;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
  vi.advanceTimersByTime(1_000);
  told = [];
  sockets = new Set();
  tick = 0;
  io = new IoThread(schema, counters(TRANSPORT_COUNTERS), new Samples(), (message) => told.push(message));
  const memory = zoneMemory(schema, 4);
  zone = new SimulatedZone(game, schema, "sol", 4, memory.buffer, () => {});
  zone.open(0);
  io.obey({ type: "openZone", zone: 1, slots: 4, buffer: memory.buffer });
  let id = 0;
  server = createServer({ noDelay: true, pauseOnConnect: true }, (accepted) => {
    const socket = readingIntoOneBuffer(accepted);
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    io.add(new Connection(++id, socket, io, performance.now()));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  port = (server.address() as AddressInfo).port;
});
afterEach(() => {
  vi.useRealTimers();
  server.close();
  for (const socket of sockets) socket.destroy();
});

/** Lets sockets do what they have to. */
async function breathe(until: () => boolean): Promise<void> {
  while (!until()) await new Promise((resolve) => setImmediate(resolve));
}

function run(ticks: number): void {
  for (let n = 0; n < ticks; n++) {
    zone.step(0);
    io.tick(++tick);
  }
}

/** Time passes, and the thread looks round each second. */
function seconds(count: number): void {
  for (let n = 0; n < count; n++) {
    vi.advanceTimersByTime(1_000);
    io.sweep();
  }
}

const goneCodes = () => told.flatMap((message) => (message.type === "gone" ? [message.code] : []));

/** A player in the zone. */
async function seated(slot: number): Promise<RawClient> {
  const before = told.filter((message) => message.type === "hello").length;
  const client = await RawClient.open(port);
  client.socket.write(rawFrame(BINARY, encodeHello({ mode: "ticket", lastSeq: 0, token: "t" })));
  await breathe(() => told.filter((message) => message.type === "hello").length > before);
  const hello = told.findLast((message) => message.type === "hello");
  const welcome = {
    entity: zone.join(slot, slot) ?? 0,
    role: "player",
    resumed: false,
    game: schema.descriptor,
  } as WelcomeStart;
  const connection = hello?.type === "hello" ? hello.connection : 0;
  io.obey({
    type: "admit",
    connection,
    session: `s${slot}`,
    zone: 1,
    slot,
    lastSeq: 0,
    carry: undefined,
    welcome,
  });
  await client.until(() => client.frames.length > 0);
  return client;
}

it("slow loris: a handshake that trickles in is ended after five seconds", async () => {
  const client = new RawClient(port);
  await once(client.socket, "connect");
  for (const byte of Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n")) {
    client.socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await breathe(() => sockets.size === 1);
  seconds(4);
  expect(client.ended).toBe(false);
  seconds(2);
  await client.until(() => client.ended);
  expect(goneCodes()).toEqual([CLOSE.helloTimeout]);
});

it("slow loris: a request that never ends is refused at 8 KiB", async () => {
  const client = new RawClient(port);
  await once(client.socket, "connect");
  let heard = "";
  client.socket.on("data", (chunk) => (heard += chunk.toString()));
  client.socket.write(`GET / HTTP/1.1\r\nX: ${"a".repeat(9_000)}`);
  await client.until(() => client.ended);
  expect(heard).toMatch(/^HTTP\/1\.1 431 /);
});

it("slow loris: a frame that trickles in is held whole and no more, and does not stop the others", async () => {
  const slow = await seated(0);
  const good = await seated(1);
  const message = rawFrame(BINARY, encodePing(1));
  for (const byte of message.subarray(0, -1)) {
    slow.socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const before = good.frames.length;
  good.socket.write(message);
  await good.until(() => good.frames.length > before);
  slow.socket.write(message.subarray(-1));
  const had = slow.frames.length;
  await slow.until(() => slow.frames.length > had);
  expect([slow.ended, good.ended]).toEqual([false, false]);
});

it("says nothing: ended after five seconds", async () => {
  const client = await RawClient.open(port);
  seconds(6);
  expect(await client.closed()).toBe(CLOSE.helloTimeout);
});

it("zero window: who never reads costs one update at most, is dropped resumably, and is gone although it never answers", async () => {
  const client = await seated(0);
  client.socket.pause();
  const [socket] = [...sockets];
  // Until the kernel takes no more: both buffers are full.
  const fill = () => {
    socket?.write(Buffer.alloc(65_536));
    return socket?.writableLength ?? 0;
  };
  let stuck = fill();
  while (stuck === 0) stuck = fill();
  run(600);
  expect(socket?.writableLength).toBe(stuck);
  seconds(12);
  // The close frame cannot be delivered either; two seconds later the socket is destroyed.
  seconds(3);
  await breathe(() => sockets.size === 0);
  expect(goneCodes()).toEqual([CLOSE.slowReader]);
  io.obey({ type: "release", session: "s0", code: CLOSE.left });
  expect(told.at(-1)).toMatchObject({ type: "released", carry: { cursor: expect.any(Number) } });
});

it("half-open: a line on which nothing is heard for 90 s is closed resumably; one that pings is not", async () => {
  const silent = await seated(0);
  const alive = await seated(1);
  for (let n = 0; n < 4; n++) {
    seconds(25);
    const before = alive.frames.length;
    alive.socket.write(rawFrame(BINARY, encodePing(n)));
    await alive.until(() => alive.frames.length > before);
  }
  expect(await silent.closed()).toBe(CLOSE.silent);
  expect(alive.ended).toBe(false);
});

it("flood: messages beyond the rate end the connection; memory does not grow with them", async () => {
  const client = await seated(0);
  const flood = Buffer.concat(Array.from({ length: 5_000 }, () => rawFrame(BINARY, encodePing(0))));
  client.socket.write(flood);
  expect(await client.closed()).toBe(CLOSE.rateLimited);
});

it("flood: so do WebSocket pings, which the rate counts as well", async () => {
  const client = await seated(0);
  client.socket.write(Buffer.concat(Array.from({ length: 5_000 }, () => rawFrame(PING, "x"))));
  expect(await client.closed()).toBe(CLOSE.rateLimited);
});

it("flood: what a client sends after it was thrown out is not read", async () => {
  const client = await seated(0);
  client.socket.write(rawFrame(BINARY, Buffer.alloc(3)));
  expect(await client.closed()).toBe(CLOSE.frameMalformed);
  client.socket.write(Buffer.alloc(100_000));
  await breathe(() => sockets.size === 0);
  expect(goneCodes()).toEqual([CLOSE.frameMalformed]);
});

it("cuts the line: the session waits, detached, until it is wanted", async () => {
  const client = await seated(0);
  client.socket.destroy();
  await breathe(() => goneCodes().length === 1);
  expect(goneCodes()).toEqual([1006]);
  run(300);
  io.obey({ type: "release", session: "s0", code: CLOSE.left });
  expect(told.at(-1)).toMatchObject({ type: "released", session: "s0" });
});
