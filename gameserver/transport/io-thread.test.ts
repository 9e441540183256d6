import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CLOSE } from "../../protocol/close.ts";
import { encodeHello, FRAME } from "../../protocol/frames.ts";
import { encodeInput } from "../../protocol/frames-input.ts";
import { counters, Samples } from "../shared-stats.ts";
import { INPUT_PLACES, zoneMemory } from "../simulation/memory.ts";
import { compileGame } from "../simulation/schema.ts";
import { SimulatedZone } from "../simulation/zone.ts";
import { game } from "../testing/arena-game.ts";
import type { Connection } from "./connection.ts";
import { IoThread } from "./io-thread.ts";
import { type FromTransport, TRANSPORT_COUNTERS, type WelcomeStart } from "./messages.ts";

const schema = compileGame(game.declaration);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
  // The fake clock begins at 0, which a real one never shows.
  vi.advanceTimersByTime(1_000);
});
afterEach(() => {
  vi.useRealTimers();
});

/** A connection that writes down what happens to it; `backlog` is what the peer has not read. */
class FakeConnection {
  readonly id: number;
  readonly openedAt = performance.now();
  readonly written: Uint8Array[] = [];
  backlog = 0;
  open = true;
  paused = false;
  code: number | undefined;

  constructor(id: number) {
    this.id = id;
  }

  get openOrUpgrading(): boolean {
    return this.open;
  }

  close(code: number): void {
    this.code ??= code;
    this.open = false;
  }

  write(bytes: Uint8Array): void {
    this.written.push(bytes.slice());
  }

  send(bytes: Uint8Array): void {
    this.write(bytes);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  sweep(): void {}
}

function thread() {
  const told: FromTransport[] = [];
  const stats = counters(TRANSPORT_COUNTERS);
  const io = new IoThread(schema, stats, new Samples(), (message) => told.push(message));
  const memory = zoneMemory(schema, 2);
  const zone = new SimulatedZone(game, schema, "sol", 2, memory.buffer, () => {});
  zone.open(0);
  io.obey({ type: "openZone", zone: 1, slots: 2, buffer: memory.buffer });
  let tick = 0;
  const run = (ticks: number) => {
    for (let i = 0; i < ticks; i++) {
      zone.step(0);
      io.tick(++tick);
    }
  };
  const connect = (id: number) => {
    const connection = new FakeConnection(id);
    io.add(connection as unknown as Connection);
    return connection;
  };
  const say = (connection: FakeConnection, message: Uint8Array) => {
    io.onMessage(connection as unknown as Connection, message);
  };
  const seat = (slot: number) => {
    const connection = connect(slot + 1);
    say(connection, encodeHello({ mode: "ticket", lastSeq: 0, token: "t" }));
    const welcome = { entity: zone.join(slot, slot) ?? 0, resumed: false } as WelcomeStart;
    const session = `s${slot}`;
    io.obey({
      type: "admit",
      connection: connection.id,
      session,
      zone: 1,
      slot,
      lastSeq: 0,
      carry: undefined,
      welcome,
    });
    return connection;
  };
  return { io, told, stats, memory, run, connect, say, seat };
}

const walk = { kind: "walk", fields: { dx: 1, dy: 0 } };
const seconds = (count: number) => vi.advanceTimersByTime(count * 1_000);

describe("an I/O thread", () => {
  it("sends each session one write a period, staggered by slot", () => {
    const { run, seat, say } = thread();
    const [a, b] = [seat(0), seat(1)];
    for (const connection of [a, b]) say(connection, encodeInput(schema.descriptor, 1, [walk]));
    run(60);
    // WELCOME, and one update in three ticks.
    for (const connection of [a, b]) expect(connection.written.length).toBeGreaterThanOrEqual(1 + 19);
    for (const connection of [a, b]) expect(connection.written.length).toBeLessThanOrEqual(1 + 21);
  });

  it("leaves updates out for a client that does not read, and drops it resumably when that lasts", () => {
    const { io, run, seat, say, stats } = thread();
    const slow = seat(0);
    const good = seat(1);
    run(6);
    slow.backlog = 100;
    const before = slow.written.length;
    say(slow, encodeInput(schema.descriptor, 1, [walk]));
    run(30);
    expect(slow.written.length).toBe(before);
    expect(stats.get("skippedUpdates")).toBeGreaterThan(5);
    seconds(9);
    io.sweep();
    expect(slow.code).toBeUndefined();
    seconds(2);
    io.sweep();
    expect([slow.code, good.code]).toEqual([CLOSE.slowReader, undefined]);
  });

  it("forgives a client that reads again", () => {
    const { io, run, seat } = thread();
    const slow = seat(0);
    run(6);
    slow.backlog = 100;
    run(6);
    seconds(9);
    slow.backlog = 0;
    run(6);
    seconds(9);
    io.sweep();
    expect(slow.code).toBeUndefined();
  });

  it("drops at once who leaves too much unread", () => {
    const { io, run, seat } = thread();
    const slow = seat(0);
    run(6);
    slow.backlog = 1_000_000;
    run(6);
    io.sweep();
    expect(slow.code).toBe(CLOSE.slowReader);
  });

  it("drops who does not say HELLO in time", () => {
    const { io, connect, seat } = thread();
    const silent = connect(9);
    const player = seat(0);
    seconds(6);
    io.sweep();
    expect([silent.code, player.code]).toEqual([CLOSE.helloTimeout, undefined]);
  });

  it("never drops an input: with a full ring the socket waits until the simulation has caught up", () => {
    const { run, seat, say, memory } = thread();
    const player = seat(0);
    const many = Array.from({ length: INPUT_PLACES + 10 }, () => walk);
    say(player, encodeInput(schema.descriptor, 1, many));
    expect([player.paused, memory.accepted[0]]).toEqual([true, INPUT_PLACES]);
    run(2);
    expect([player.paused, memory.accepted[0]]).toEqual([false, INPUT_PLACES + 10]);
    run(2);
    expect(memory.applied[0]).toBe(INPUT_PLACES + 10);
  });

  it("takes an input that is sent again once", () => {
    const { run, seat, say, memory, stats } = thread();
    const player = seat(0);
    for (let i = 0; i < 3; i++) say(player, encodeInput(schema.descriptor, 1, [walk, walk]));
    run(2);
    expect([memory.applied[0], stats.get("inputs")]).toEqual([2, 2]);
  });

  it("tells the control thread of a client that left while it was being judged", () => {
    const { io, told, connect } = thread();
    const gone = connect(3);
    io.onGone(gone as unknown as Connection, 1006);
    const welcome = { entity: 1, resumed: false } as WelcomeStart;
    io.obey({
      type: "admit",
      connection: 3,
      session: "s",
      zone: 1,
      slot: 0,
      lastSeq: 0,
      carry: undefined,
      welcome,
    });
    const last = { type: "gone", connection: 3, code: 1006 };
    expect(told).toEqual([last, last]);
    // The session is here all the same, waiting; it can be taken from this thread.
    io.obey({ type: "release", session: "s", code: CLOSE.shutdown });
    expect(told.at(-1)).toMatchObject({ type: "released", session: "s", carry: { seq: 0 } });
  });

  it("says what it does not understand with FrameError's code", () => {
    const { seat, say } = thread();
    const player = seat(0);
    expect(() => say(player, Uint8Array.of(FRAME.welcome))).toThrow("not expected here");
    expect(() => say(player, encodeInput(schema.descriptor, 7, [walk]))).toThrow("input 7 after 0");
  });
});
