/** The round trip of a session, from pings of ours through real sockets to the factor of its priority. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { eventually } from "../../platform/testing/eventually.ts";
import { encodeHello, SUBPROTOCOL } from "../../protocol/frames.ts";
import { counters, Samples } from "../shared-stats.ts";
import { zoneMemory } from "../simulation/memory.ts";
import { compileGame } from "../simulation/schema.ts";
import { SimulatedZone } from "../simulation/zone.ts";
import { game } from "../testing/arena-game.ts";
import type { TransportName } from "../testing/echo.ts";
import { proxyFor } from "../testing/proxy.ts";
import { Connection } from "./connection.ts";
import { IoSession } from "./io-session.ts";
import { IoThread } from "./io-thread.ts";
import { type FromTransport, TRANSPORT_COUNTERS, type WelcomeStart } from "./messages.ts";
import { RoundTrip } from "./round-trip.ts";
import { WsConnection, wsServer } from "./ws-connection.ts";

const schema = compileGame(game.declaration);
const ONE_WAY_MS = 40;
const SLOTS = 2;
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
  vi.restoreAllMocks();
});

/** An I/O thread behind a real listener; whoever says HELLO gets the next slot. */
async function listening(transport: TransportName) {
  const stats = counters(TRANSPORT_COUNTERS);
  const memory = zoneMemory(schema, SLOTS);
  const zone = new SimulatedZone(game, schema, "sol", SLOTS, memory.buffer, () => {});
  zone.open(0);
  let slot = 0;
  const told = (message: FromTransport): void => {
    if (message.type !== "hello") return;
    const entity = zone.join(slot, slot) ?? 0;
    const welcome = { entity, role: "player", resumed: false, game: schema.descriptor } as WelcomeStart;
    const { connection } = message;
    const seat = { session: `s${slot}`, zone: 1, slot: slot++, lastSeq: 0, carry: undefined };
    queueMicrotask(() => io.obey({ type: "admit", connection, ...seat, welcome }));
  };
  const io = new IoThread(schema, stats, new Samples(), told);
  io.obey({ type: "openZone", zone: 1, slots: SLOTS, buffer: memory.buffer });
  let id = 0;
  // Opened four seconds ago, as the thread sees it: the first question is due, and HELLO in time still.
  const opened = () => performance.now() - 4_000;
  const server =
    transport === "ws"
      ? wsServer((socket) => io.add(new WsConnection(++id, socket, io, opened())))
      : createServer((socket: Socket) => io.add(new Connection(++id, socket, io, opened())));
  await once(server.listen(0, "127.0.0.1"), "listening");
  closers.push(() => server.close());
  let tick = 0;
  const timer = setInterval(() => {
    zone.step(0);
    io.sweep();
    io.tick(++tick);
  }, 5);
  closers.push(() => clearInterval(timer));
  return { stats, port: (server.address() as AddressInfo).port };
}

async function player(port: number): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, [SUBPROTOCOL]);
  closers.push(() => socket.terminate());
  await once(socket, "open");
  socket.send(encodeHello({ mode: "ticket", lastSeq: 0, token: "t" }));
  await once(socket, "message");
}

describe.each<TransportName>(["own", "ws"])("a session's round trip over %s", (transport) => {
  it("is that of its own line, and counted", async () => {
    const heard = vi.spyOn(IoSession.prototype, "roundTrip");
    const { stats, port } = await listening(transport);
    const proxy = await proxyFor(`http://127.0.0.1:${port}`);
    closers.push(() => proxy.close());
    await player(port);
    await eventually(() => expect(heard).toHaveBeenCalledTimes(1));
    proxy.delay(ONE_WAY_MS);
    await player(Number(new URL(proxy.url).port));
    await eventually(() => expect(heard).toHaveBeenCalledTimes(2));
    const [near, far] = heard.mock.contexts as IoSession[];
    expect(near?.id).toBe("s0");
    expect(near?.latencyMs).toBeGreaterThan(0);
    expect(far?.id).toBe("s1");
    expect(far?.latencyMs).toBeGreaterThanOrEqual(ONE_WAY_MS * 2 - 2);
    expect(stats.get("roundTrips")).toBe(2);
    expect(stats.get("roundTripMs")).toBeCloseTo((near?.latencyMs ?? 0) + (far?.latencyMs ?? 0));
  });
});

describe("the questions", () => {
  it("come every ten seconds, spread by connection, and wait for their answer", () => {
    const trip = new RoundTrip(3, 1_000);
    expect(trip.due(4_999)).toBe(false);
    expect(trip.due(5_000)).toBe(true);
    const first = trip.ask(5_000);
    expect(trip.due(60_000)).toBe(false);
    expect(trip.answered(first, 5_120)).toBe(120);
    expect(trip.due(14_999)).toBe(false);
    expect(trip.due(15_000)).toBe(true);
    const firsts = Array.from({ length: 20 }, (_, id) => {
      const one = new RoundTrip(id, 0);
      return Array.from({ length: 11 }, (_, second) => second).find((second) => one.due(second * 1_000));
    });
    expect(new Set(firsts).size).toBe(10);
  });

  it("are not answered by anything but their own payload, and only once", () => {
    const trip = new RoundTrip(0, 0);
    expect(trip.answered(new Uint8Array(4), 10)).toBeUndefined();
    const asked = trip.ask(1_000);
    expect(trip.answered(asked.subarray(1), 1_001)).toBeUndefined();
    expect(trip.answered(Uint8Array.of(9, 9, 9, 9), 1_001)).toBeUndefined();
    expect(trip.answered(asked, 1_030)).toBe(30);
    expect(trip.answered(asked, 1_040)).toBeUndefined();
  });
});
