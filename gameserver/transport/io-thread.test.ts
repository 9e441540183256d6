import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CLOSE } from "../../protocol/close.ts";
import { decodeNotice, decodeWelcome, encodeWatch, FRAME } from "../../protocol/frames.ts";
import { encodeInput } from "../../protocol/frames-input.ts";
import { View } from "../../protocol/view.ts";
import { INPUT_PLACES } from "../simulation/memory.ts";
import { compileGame } from "../simulation/schema.ts";
import { game } from "../testing/arena-game.ts";
import { type FakeConnection, ioThread } from "../testing/io-thread.ts";
import type { Connection } from "./connection.ts";
import type { WelcomeStart } from "./messages.ts";

const schema = compileGame(game.declaration);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
  // The fake clock begins at 0, which a real one never shows.
  vi.advanceTimersByTime(1_000);
});
afterEach(() => {
  vi.useRealTimers();
});

/** The payload of one frame of ours. */
function unframed(bytes: Uint8Array | undefined): Uint8Array {
  const length = bytes?.[1] ?? 0;
  return (bytes ?? new Uint8Array()).subarray(length < 126 ? 2 : 4);
}

const walk = { kind: "walk", fields: { dx: 1, dy: 0 } };
const seconds = (count: number) => vi.advanceTimersByTime(count * 1_000);

describe("an I/O thread", () => {
  it("tells players when time slows down and when it is back, and newcomers at once", () => {
    const { run, seat, stance } = ioThread();
    const scales = (connection: FakeConnection) =>
      connection.written
        .filter((payload) => payload[0] === FRAME.notice)
        .map((payload) => decodeNotice(payload).detail);
    const early = seat(0);
    run(2);
    stance.set(9, 0.75);
    run(2);
    const late = seat(1);
    stance.set(9, 1);
    run(2);
    expect(scales(early)).toEqual([{ scale: 0.75 }, { scale: 1 }]);
    expect(scales(late)).toEqual([{ scale: 0.75 }, { scale: 1 }]);
  });

  it("sends each session one write a period, staggered by slot", () => {
    const { run, seat, say } = ioThread();
    const [a, b] = [seat(0), seat(1)];
    for (const connection of [a, b]) say(connection, encodeInput(schema.descriptor, 1, [walk]));
    run(60);
    // WELCOME, and one update in three ticks.
    for (const connection of [a, b]) expect(connection.written.length).toBeGreaterThanOrEqual(1 + 19);
    for (const connection of [a, b]) expect(connection.written.length).toBeLessThanOrEqual(1 + 21);
  });

  it("leaves updates out for a client that does not read, and drops it resumably when that lasts", () => {
    const { io, run, seat, say, stats } = ioThread();
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
    const { io, run, seat } = ioThread();
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

  it("serves a client that reads slowly at half its rate, then a quarter, and fully once it has read", () => {
    const { run, seat, stats } = ioThread();
    const slow = seat(0);
    run(6);
    slow.backlog = 100;
    // Every third tick four times, every sixth four times, then every twelfth.
    run(3 * 4);
    expect(stats.get("skippedUpdates")).toBe(4);
    run(6 * 4);
    expect(stats.get("skippedUpdates")).toBe(8);
    run(12 * 2);
    expect(stats.get("skippedUpdates")).toBe(10);
    slow.backlog = 0;
    const before = slow.written.length;
    run(12);
    expect(slow.written.length).toBeGreaterThan(before);
  });

  it("drops, resumably, who has not read while more was said to everyone than is kept", () => {
    const { run, seat, say } = ioThread();
    const [slow, loud] = [seat(0), seat(1)];
    run(3);
    slow.backlog = 100;
    const shout = { kind: "shout", fields: { word: 1 } };
    for (let n = 0; n < 60; n++) {
      say(
        loud,
        encodeInput(
          schema.descriptor,
          1 + n * 5,
          Array.from({ length: 5 }, () => shout),
        ),
      );
      run(3);
      seconds(1);
    }
    expect([slow.code, loud.code]).toEqual([CLOSE.slowReader, undefined]);
  });

  it("drops at once who leaves too much unread", () => {
    const { io, run, seat } = ioThread();
    const slow = seat(0);
    run(6);
    slow.backlog = 1_000_000;
    run(6);
    io.sweep();
    expect(slow.code).toBe(CLOSE.slowReader);
  });

  it("drops who does not say HELLO in time", () => {
    const { io, connect, seat } = ioThread();
    const silent = connect(9);
    const player = seat(0);
    seconds(6);
    io.sweep();
    expect([silent.code, player.code]).toEqual([CLOSE.helloTimeout, undefined]);
  });

  it("never drops an input: with a full ring the socket waits until the simulation has caught up", () => {
    const { run, seat, say, memory } = ioThread();
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
    const { run, seat, say, memory, stats } = ioThread();
    const player = seat(0);
    for (let i = 0; i < 3; i++) say(player, encodeInput(schema.descriptor, 1, [walk, walk]));
    run(2);
    expect([memory.applied[0], stats.get("inputs")]).toEqual([2, 2]);
  });

  it("tells the control thread of a client that left while it was being judged", () => {
    const { io, told, connect } = ioThread();
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

  it("shows a spectator the world around a player, whom it may choose, and says who is watched", () => {
    const { io, run, seat, say, memory, entities } = ioThread();
    const players = [seat(0), seat(1)];
    run(3);
    const spectator = seat(2, "spectator");
    const view = new View(decodeWelcome(unframed(spectator.written[0])), 0);
    const see = () => {
      for (const bytes of spectator.written.splice(0).slice(view.seq === 0 ? 1 : 0))
        view.apply(unframed(bytes));
    };
    expect([view.welcome.entity, view.welcome.role, view.welcome.inputSeq]).toEqual([0, "spectator", 0]);
    run(6);
    see();
    expect([...view.entities.values()].filter((entity) => entity.kind === "walker")).toHaveLength(2);
    // Nobody is its own: what only owners see stays hidden.
    expect([...view.entities.values()].some((entity) => entity.own || "gold" in entity.values)).toBe(false);
    expect([...memory.watchers]).toEqual([1, 0, 0, 0]);
    say(spectator, encodeWatch(entities.get(1) ?? 0));
    expect([...memory.watchers]).toEqual([0, 1, 0, 0]);
    say(spectator, encodeWatch(0));
    expect([...memory.watchers]).toEqual([1, 0, 0, 0]);
    expect(() => say(spectator, encodeInput(schema.descriptor, 1, [walk]))).toThrow("no inputs");
    expect(() => say(players[0] as FakeConnection, encodeWatch(0))).toThrow("for spectators");
    io.obey({ type: "release", session: "s2", code: CLOSE.left });
    expect([...memory.watchers]).toEqual([0, 0, 0, 0]);
  });

  it("lets a spectator follow the next player when the one it watched is gone", () => {
    const { run, seat, zone, memory } = ioThread();
    seat(0);
    seat(1);
    run(3);
    seat(2, "spectator");
    run(3);
    expect([...memory.watchers]).toEqual([1, 0, 0, 0]);
    zone.leave(0);
    run(60);
    expect([...memory.watchers]).toEqual([0, 1, 0, 0]);
    zone.leave(1);
    run(60);
    expect([...memory.watchers]).toEqual([0, 0, 0, 0]);
  });

  it("says what it does not understand with FrameError's code", () => {
    const { seat, say } = ioThread();
    const player = seat(0);
    expect(() => say(player, Uint8Array.of(FRAME.welcome))).toThrow("not expected here");
    expect(() => say(player, encodeInput(schema.descriptor, 7, [walk]))).toThrow("input 7 after 0");
  });
});
