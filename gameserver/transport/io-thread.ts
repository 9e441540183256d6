/**
 * One I/O thread: connections, the sessions it holds, and the updates it owes them.
 *
 * A connection says HELLO, which the control thread judges; `admit` seats a session on it. From then on nothing of a
 * player's input or output touches the control thread. `tick` is called after each simulation tick.
 */
import { CLOSE } from "../../protocol/close.ts";
import {
  decodePing,
  decodeWatch,
  encodeNotice,
  encodePong,
  FRAME,
  frameType,
  type Notice,
} from "../../protocol/frames.ts";
import { FrameError } from "../../protocol/frames-bytes.ts";
import { decodeBuy, encodeReceipt } from "../../protocol/frames-purchase.ts";
import { maxUpdateBytes } from "../../protocol/frames-update.ts";
import { collectGarbage } from "../collect-garbage.ts";
import { FULL_DETAIL } from "../replication/session-view.ts";
import { wireKinds } from "../replication/wire-kinds.ts";
import { Stance } from "../scheduler/effects.ts";
import { PLAYER_RATES, RateTable } from "../sessions/limits.ts";
import type { Counters, Samples } from "../shared-stats.ts";
import type { Schema } from "../simulation/schema.ts";
import { Arena } from "./arena.ts";
import type { ConnectionOwner, PlayerConnection } from "./connection.ts";
import { type Guest, greeting } from "./guest.ts";
import { type Admission, HEADER_ROOM, IoSession, type IoShared } from "./io-session.ts";
import { IoZone } from "./io-zone.ts";
import type { FromTransport, ToTransport, TransportCounter } from "./messages.ts";
import { dilation, type IoOptions, Pace } from "./pace.ts";
import { sweepGuest } from "./sweep-guest.ts";
import { WebSocketError } from "./websocket.ts";

const RATE_SWEEP_MS = 60_000;

export class IoThread implements ConnectionOwner {
  readonly #tell: (message: FromTransport) => void;
  readonly #stats: Counters<TransportCounter>;
  readonly #shared: IoShared;
  readonly #guests = new Map<number, Guest>();
  readonly #sessions = new Map<string, IoSession>();
  readonly #zones = new Map<number, IoZone<IoSession>>();
  readonly #stance: Stance;
  readonly #rates = new RateTable(PLAYER_RATES);
  readonly #pace: Pace;
  /** Sessions whose inputs wait for room in the ring. */
  readonly #holding = new Set<IoSession>();
  #ratesSweptAt = 0;
  #timeScale = 1;

  constructor(
    schema: Schema,
    stats: Counters<TransportCounter>,
    seen: Samples,
    tell: (message: FromTransport) => void,
    options: IoOptions = {},
  ) {
    const { stance = new Stance(), rings = true } = options;
    this.#tell = tell;
    this.#stats = stats;
    this.#stance = stance;
    const kinds = wireKinds(schema.descriptor);
    const updateRoom = HEADER_ROOM + maxUpdateBytes(schema.viewCap, kinds.widest);
    this.#shared = { schema, kinds, arena: new Arena(), updateRoom, detail: { ...FULL_DETAIL, rings } };
    this.#pace = new Pace(schema, stance, options, { stats, seen, onBug: (error) => this.onBug(error) });
  }

  get connections(): number {
    return this.#guests.size;
  }

  add(connection: PlayerConnection): void {
    const bucket = this.#rates.hold(`#${connection.id}`, performance.now());
    const guest: Guest = { connection, session: undefined, saidHello: false, bucket };
    connection.guest = guest;
    this.#guests.set(connection.id, guest);
    this.#stats.set("connections", this.#guests.size);
  }

  /** Carries out an order of the control thread (all but `stop`, which ends the thread). */
  obey(order: Exclude<ToTransport, { type: "stop" }>): void {
    switch (order.type) {
      case "openZone":
        this.#zones.set(order.zone, new IoZone(order.zone, this.#shared.schema, order.slots, order.buffer));
        break;
      case "closeZone":
        this.#zones.delete(order.zone);
        break;
      case "admit":
        this.#admit(order);
        break;
      case "refuse":
        this.#guests.get(order.connection)?.connection.close(order.code, order.reason);
        break;
      case "release":
        this.#release(order.session, order.code);
        break;
      case "disconnect":
        for (const { connection, session } of this.#guests.values())
          if (session) connection.close(order.code);
        break;
      case "shed":
        this.#rates.sweep(performance.now());
        collectGarbage();
        break;
      case "notice":
        this.#notice(order.notice);
        break;
      case "receipt":
        this.#sessions.get(order.session)?.connection?.send(encodeReceipt(order.receipt));
        break;
    }
  }

  onFrame(connection: PlayerConnection, size: number): void {
    const guest = connection.guest as Guest | undefined;
    if (guest && !this.#rates.take(guest.bucket, size, performance.now()))
      throw new WebSocketError(CLOSE.rateLimited, "too fast");
  }

  onMessage(connection: PlayerConnection, message: Uint8Array): void {
    const guest = connection.guest as Guest | undefined;
    if (!guest) return;
    try {
      this.#message(guest, message);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      throw new WebSocketError(CLOSE.frameMalformed, error.message);
    }
  }

  onRoundTrip(connection: PlayerConnection, ms: number): void {
    (connection.guest as Guest | undefined)?.session?.roundTrip(ms);
    this.#stats.add("roundTrips");
    this.#stats.add("roundTripMs", ms);
  }

  onGone(connection: PlayerConnection, code: number): void {
    const guest = connection.guest as Guest | undefined;
    if (!guest) return;
    connection.guest = undefined;
    this.#guests.delete(connection.id);
    this.#rates.release(guest.bucket);
    this.#stats.set("connections", this.#guests.size);
    const { session } = guest;
    // A session that was taken over by a newer connection of this thread is not detached by the older one's end.
    if (session?.connection === connection) this.#detach(session);
    this.#tell({ type: "gone", connection: connection.id, code });
  }

  onBug(error: unknown): void {
    this.#tell({
      type: "bug",
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }

  /**
   * After simulation tick number `tick` (others may have been passed over): events, then the updates that are due, for
   * a slice of time. True when some are left for `serve`.
   */
  tick(tick: number): boolean {
    const { viewCapShare, outerRingShare, refreshUpdates } = this.#stance.effects;
    Object.assign(this.#shared.detail, { viewCapShare, outerRingShare, refreshUpdates });
    for (const zone of this.#zones.values()) {
      zone.picture.refresh();
      if (!zone.pump()) this.#stats.add("eventsLost");
    }
    const now = performance.now();
    for (const session of this.#holding) {
      this.#pace.guard(session, () => this.#stats.add("inputs", session.retryHeld(now)));
      if (!session.holds) this.#holding.delete(session);
    }
    this.#tellScale();
    this.#pace.begin(tick);
    return this.serve();
  }

  /** Goes on with the updates that are due. True when some are left: come again when sockets have been read. */
  serve(): boolean {
    return this.#pace.serve();
  }

  /** Once a second: whoever does not say HELLO, does not read, or does not end. */
  sweep(): void {
    const now = performance.now();
    const seconds = Math.floor(Date.now() / 1_000);
    for (const { connection, session } of this.#guests.values())
      sweepGuest(connection, session, now, seconds);
    if (now - this.#ratesSweptAt < RATE_SWEEP_MS) return;
    this.#ratesSweptAt = now;
    this.#rates.sweep(now);
  }

  /** Players are told when time runs slower or at its own pace again. */
  #tellScale(): void {
    const { timeScale } = this.#stance;
    if (timeScale === this.#timeScale) return;
    this.#timeScale = timeScale;
    this.#notice(dilation(timeScale));
  }

  #input(session: IoSession, message: Uint8Array): void {
    const taken = session.input(message, performance.now());
    this.#stats.add("inputs", taken);
    if (session.holds) this.#holding.add(session);
    if (taken > 0) this.#pace.heard(session, session.zone.memory.accepted[session.slot] as number);
  }

  #message(guest: Guest, message: Uint8Array): void {
    const type = frameType(message);
    const { session } = guest;
    if (!session) {
      this.#hello(guest, message);
      return;
    }
    session.zone.memory.heardAt[session.slot] = Math.floor(Date.now() / 1_000);
    if (type === FRAME.input) this.#input(session, message);
    else if (type === FRAME.ping) this.#pong(guest.connection, session, message);
    else if (type === FRAME.watch) session.watch(decodeWatch(message));
    else if (type === FRAME.buy) this.#tell({ type: "buy", session: session.id, buy: decodeBuy(message) });
    else if (type === FRAME.leave) this.#tell({ type: "left", session: session.id });
    else throw new FrameError(`frame type ${type} is not expected here`);
  }

  #hello(guest: Guest, message: Uint8Array): void {
    const { mode, token, lastSeq } = greeting(guest, message);
    this.#tell({ type: "hello", connection: guest.connection.id, mode, token, lastSeq });
  }

  #pong(connection: PlayerConnection, session: IoSession, message: Uint8Array): void {
    const clientTime = decodePing(message);
    const tick = session.zone.picture.tick;
    connection.send(encodePong({ clientTime, serverTime: Date.now(), tick }));
  }

  #admit(admission: Admission): void {
    const zone = this.#zones.get(admission.zone);
    if (!zone) return;
    const known = this.#sessions.get(admission.session);
    const session = known ?? new IoSession(this.#shared, zone, admission);
    if (!known) {
      this.#sessions.set(session.id, session);
      zone.sessions.set(session.slot, session);
      if (admission.carry && !zone.catchUp(session, admission.carry.cursor)) this.#stats.add("eventsLost");
    }
    session.connection?.close(CLOSE.replaced, "a newer connection took over");
    this.#detach(session);
    zone.memory.heardAt[session.slot] = Math.floor(Date.now() / 1_000);
    const guest = this.#guests.get(admission.connection);
    if (!guest?.connection.open) {
      // The client left while it was being judged. `gone` was told before the control thread knew whose it was.
      if (!guest) this.#tell({ type: "gone", connection: admission.connection, code: 1006 });
      return;
    }
    guest.session = session;
    this.#rates.release(guest.bucket);
    guest.bucket = this.#rates.hold(session.id, performance.now());
    session.attach(guest.connection, admission);
    if (this.#timeScale !== 1) guest.connection.send(encodeNotice(dilation(this.#timeScale)));
    this.#pace.enter(session);
    this.#stats.add("attached");
  }

  #detach(session: IoSession): void {
    if (!session.connection) return;
    session.detach();
    this.#holding.delete(session);
    this.#pace.leave(session);
    this.#stats.add("attached", -1);
  }

  #release(id: string, code: number): void {
    const session = this.#sessions.get(id);
    if (!session) {
      this.#tell({ type: "released", session: id, carry: undefined });
      return;
    }
    session.connection?.close(code);
    this.#detach(session);
    this.#sessions.delete(id);
    session.zone.sessions.delete(session.slot);
    session.watching?.stop();
    this.#tell({ type: "released", session: id, carry: session.outbox.carry(session.zone.cursor) });
  }

  #notice(notice: Notice): void {
    const frame = encodeNotice(notice);
    for (const { connection, session } of this.#guests.values()) if (session) connection.send(frame);
  }
}
