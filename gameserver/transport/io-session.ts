/**
 * A session in the I/O thread that holds it: what comes from its socket goes into the input ring, what it may see
 * goes out as one write per update. Lives on, detached, when the socket breaks.
 */
import { CLOSE } from "../../protocol/close.ts";
import { encodeWelcome } from "../../protocol/frames.ts";
import { FrameError } from "../../protocol/frames-bytes.ts";
import { type InputSink, readInput } from "../../protocol/frames-input.ts";
import { type Detail, SessionView } from "../replication/session-view.ts";
import type { WireKinds } from "../replication/wire-kinds.ts";
import { pushInput } from "../simulation/input-ring.ts";
import type { Schema } from "../simulation/schema.ts";
import type { Arena } from "./arena.ts";
import type { PlayerConnection } from "./connection.ts";
import type { Hearer, IoZone } from "./io-zone.ts";
import type { ToTransport } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { Watching } from "./watching.ts";
import { binaryFrame, WebSocketError } from "./websocket.ts";

/** An update is sent at least this often even when nothing changes, ticks: the client's clock and acknowledgement. */
const QUIET_TICKS = 15;
/** Updates left out in a row after which the rate is halved; after twice as many, quartered. */
const HALF_AFTER = 4;
/** What a new round trip weighs against those before it. */
const ROUND_TRIP_SHARE = 0.25;
/** Longest WebSocket header of an update. */
export const HEADER_ROOM = 4;

export type Admission = Extract<ToTransport, { type: "admit" }>;

/** What is the same for all sessions of a thread. */
export interface IoShared {
  readonly schema: Schema;
  readonly kinds: WireKinds;
  /** Memory for frames: handed to the socket, never written twice. */
  readonly arena: Arena;
  /** Bytes of the largest update with its header. */
  readonly updateRoom: number;
  /** What the pod can afford in this tick. */
  readonly detail: Detail;
}

export class IoSession implements Hearer {
  readonly id: string;
  readonly slot: number;
  readonly zone: IoZone<IoSession>;
  readonly outbox: Outbox;
  connection: PlayerConnection | undefined;
  /** Set for a spectator. */
  readonly watching: Watching | undefined;
  /** Updates left out in a row because the socket had not taken the last one. */
  skipped = 0;
  /** Its place in the thread's pace, −1 without a socket; turns it had since it reads slowly. */
  place = -1;
  turn = 0;
  /** Monotonic ms since which its client has not read, or 0. */
  slowSince = 0;
  /** Round trip, ms, smoothed; 0 while it is not known. */
  latencyMs = 0;
  readonly #shared: IoShared;
  readonly #view: SessionView;
  #sentTick = 0;
  #held: Uint8Array | undefined;
  /** Of the frame being read: inputs taken, and whether the ring was full. */
  #taken = 0;
  #full = false;
  #stampSeq = 0;
  #stampAt = 0;

  constructor(shared: IoShared, zone: IoZone<IoSession>, admission: Admission) {
    this.id = admission.session;
    this.slot = admission.slot;
    this.zone = zone;
    this.outbox = new Outbox(admission.carry);
    this.#shared = shared;
    const { entity, role } = admission.welcome;
    this.watching = role === "spectator" ? new Watching(zone.picture) : undefined;
    this.watching?.follow(0);
    const centre = this.watching?.id ?? entity;
    this.#view = new SessionView(shared.kinds, shared.schema.viewCap, centre, this.watching === undefined);
  }

  get centre(): { readonly x: number; readonly y: number } {
    return this.#view.centre(this.zone.picture);
  }

  /** The client has answered a ping after `ms`: with what its own event loop took, as its player feels it. */
  roundTrip(ms: number): void {
    this.latencyMs += this.latencyMs === 0 ? ms : (ms - this.latencyMs) * ROUND_TRIP_SHARE;
  }

  hear(kind: number, fields: Uint8Array): void {
    this.outbox.add(kind, fields);
    // Nobody listens: number and keep them, bounded, for when somebody comes back.
    if (!this.connection) this.outbox.flush();
  }

  /** Says WELCOME on `connection` and starts the view anew. */
  attach(connection: PlayerConnection, admission: Admission): void {
    const { memory, picture } = this.zone;
    const { frames, lost } = this.outbox.missed(
      admission.welcome.resumed ? admission.lastSeq : this.outbox.seq,
    );
    const welcome = encodeWelcome({
      ...admission.welcome,
      tick: picture.tick,
      inputSeq: this.watching ? 0 : (memory.accepted[this.slot] as number),
      seq: this.outbox.seq,
      replay: frames.length,
      eventsLost: lost,
    });
    this.connection = connection;
    this.#held = undefined;
    this.#view.reset();
    connection.write(Buffer.concat([welcome, ...frames].map(binaryFrame)));
  }

  detach(): void {
    this.connection = undefined;
    this.skipped = 0;
    this.slowSince = 0;
    this.#held = undefined;
  }

  /** A spectator follows somebody else. */
  watch(entity: number): void {
    if (!this.watching) throw new FrameError("WATCH is for spectators");
    this.watching.follow(entity);
    this.#view.follow(this.watching.id);
  }

  /** Updates to leave out for one that is sent: a client that reads slowly is served at half, then a quarter. */
  get slowness(): number {
    return this.skipped < HALF_AFTER ? 1 : this.skipped < HALF_AFTER * 2 ? 2 : 4;
  }

  /** Takes an INPUT frame. Answers how many inputs were new. Throws FrameError. */
  input(message: Uint8Array, nowMs: number): number {
    if (this.watching) throw new FrameError("a spectator sends no inputs");
    this.#taken = 0;
    this.#full = false;
    readInput(this.#shared.schema.descriptor.inputs, message, this.#take);
    // Held, not dropped: the socket waits until the simulation has caught up.
    if (this.#full) this.#hold(message);
    if (this.#taken > 0 && this.#stampSeq === 0) {
      this.#stampSeq = this.zone.memory.accepted[this.slot] as number;
      this.#stampAt = nowMs;
    }
    return this.#taken;
  }

  /** Made once: a closure for each input is garbage. */
  readonly #take: InputSink = (seq, kind, bytes, at, size) => {
    const { memory } = this.zone;
    const last = memory.accepted[this.slot] as number;
    // Sent again after a resume: it was taken the first time.
    if (seq <= last) return true;
    if (seq !== last + 1) throw new WebSocketError(CLOSE.frameMalformed, `input ${seq} after ${last}`);
    this.#full = !pushInput(memory, this.slot, seq, kind, bytes, at, size);
    if (!this.#full) this.#taken++;
    return !this.#full;
  };

  /** Tries again what did not fit. Inputs taken already are skipped by their numbers. */
  retryHeld(nowMs: number): number {
    const held = this.#held;
    if (!held) return 0;
    this.#held = undefined;
    const taken = this.input(held, nowMs);
    if (!this.#held) this.connection?.resume();
    return taken;
  }

  /** Whether inputs wait for room in the ring. */
  get holds(): boolean {
    return this.#held !== undefined;
  }

  /** Sends what is due; changes stop at `budget` bytes, what is left comes later. Answers bytes handed over; 0 when there was nothing to say. */
  update(tick: number, budget: number): number {
    const connection = this.connection;
    if (!connection) return 0;
    const { picture, interest } = this.zone;
    const { arena, detail } = this.#shared;
    const start = arena.reserve(this.#shared.updateRoom);
    const out = arena.writer;
    out.at = start + HEADER_ROOM;
    if (this.watching?.refresh(tick)) this.#view.follow(this.watching.id);
    const applied = this.watching ? 0 : (picture.applied[this.slot] as number);
    const force = tick - this.#sentTick >= QUIET_TICKS || this.#stampSeq !== 0;
    let frames: Uint8Array | undefined;
    const seq = this.outbox.seq + 1;
    if (this.#view.encode(out, seq, applied, picture, interest, detail, budget, force)) {
      this.outbox.seq++;
      this.#sentTick = tick;
      frames = arena.framed(start + HEADER_ROOM);
    }
    if (this.outbox.pending > 0)
      frames = Buffer.concat([...(frames ? [frames] : []), ...this.outbox.flush().map(binaryFrame)]);
    if (!frames) return 0;
    connection.write(frames);
    return frames.length;
  }

  /** When the stamped input that the last update showed was taken, monotonic ms; once for each, 0 when there is none. */
  takeSeen(): number {
    if (this.#stampSeq === 0) return 0;
    const applied = this.zone.picture.applied[this.slot] as number;
    if (applied < this.#stampSeq) return 0;
    this.#stampSeq = 0;
    return this.#stampAt;
  }

  #hold(message: Uint8Array): void {
    // A copy: of a Buffer, `slice` would be a part of the reader's memory.
    this.#held = new Uint8Array(message);
    this.connection?.pause();
  }
}
