/**
 * One WebSocket connection over a socket: handshake, messages in, frames out, an orderly end.
 *
 * Nothing here blocks or queues without bound: what the peer does not read is visible as `backlog`, and the owner
 * decides. `close` always ends the socket within `LINGER_MS`, whatever the peer does.
 */
import type { Socket } from "node:net";
import { CLOSE } from "../../protocol/close.ts";
import { MAX_CLIENT_MESSAGE_BYTES } from "../../protocol/frames.ts";
import { judge } from "./handshake.ts";
import { RoundTrip } from "./round-trip.ts";
import {
  binaryFrame,
  closeFrame,
  FrameParser,
  type MessageSink,
  pingFrame,
  pongFrame,
  WebSocketError,
} from "./websocket.ts";

/** How long a peer may take to answer our close. */
export const LINGER_MS = 2_000;
/** Unread PONGs beyond this mean a peer that only writes. */
const MAX_CONTROL_BACKLOG = 16_384;

/** A player's connection as an I/O thread uses it, whatever speaks the protocol underneath. */
export interface PlayerConnection {
  readonly id: number;
  /** What its owner knows it by: looked at for each frame, so not in a table. */
  guest: unknown;
  /** Monotonic ms. */
  readonly openedAt: number;
  /** The handshake is done and nobody has closed. */
  readonly open: boolean;
  /** Not closing yet, whether or not the handshake is done. */
  readonly openOrUpgrading: boolean;
  /** Bytes handed over that the kernel has not taken. */
  readonly backlog: number;
  /** Hands over bytes that are frames already, in one write. */
  write(frames: Uint8Array): void;
  /** Sends one binary message. */
  send(payload: Uint8Array): void;
  /** Starts the closing handshake. Nothing is read or sent after it. */
  close(code: number, reason?: string): void;
  /** Called about once a second: ends a connection whose peer does not end; asks for the round trip now and then. */
  sweep(nowMs: number): void;
  /** Stops reading; the kernel's buffer fills and the peer has to wait. */
  pause(): void;
  resume(): void;
}

export interface ConnectionOwner {
  /** Each WebSocket frame, before it is handled: the place for rate limits; may throw WebSocketError. */
  onFrame(connection: PlayerConnection, size: number): void;
  onMessage(connection: PlayerConnection, message: Uint8Array): void;
  /** The peer has answered a ping of ours after `ms`. */
  onRoundTrip(connection: PlayerConnection, ms: number): void;
  /** Once, when the socket is gone. `code` is why: ours when we closed, else the peer's, else 1006. */
  onGone(connection: PlayerConnection, code: number): void;
  /** Something other than a WebSocketError was thrown while handling a message; the connection is being closed. */
  onBug(error: unknown): void;
}

export class Connection implements MessageSink, PlayerConnection {
  readonly id: number;
  guest: unknown;
  readonly openedAt: number;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #parser: FrameParser;
  readonly #roundTrip: RoundTrip;
  /** A ping goes out with the next write: one write costs as much as ten pings. */
  #asking = false;
  #request: Buffer | undefined = Buffer.alloc(0);
  #closeCode = 0;
  #closedAt = 0;

  constructor(id: number, socket: Socket, owner: ConnectionOwner, nowMs: number) {
    this.id = id;
    this.openedAt = nowMs;
    this.#socket = socket;
    this.#owner = owner;
    this.#parser = new FrameParser(this, MAX_CLIENT_MESSAGE_BYTES);
    this.#roundTrip = new RoundTrip(id, nowMs);
    socket.setNoDelay(true);
    // No encoding is ever set, so chunks are buffers.
    socket.on("data", (chunk) => this.#receive(chunk as Buffer));
    // An error is always followed by "close"; there is nothing to do but to know of it.
    socket.on("error", () => {});
    socket.on("close", () => owner.onGone(this, this.#closeCode === 0 ? 1006 : this.#closeCode));
  }

  get open(): boolean {
    return this.#request === undefined && this.#closeCode === 0;
  }

  /** Not closing yet, whether or not the handshake is done. */
  get openOrUpgrading(): boolean {
    return this.#closeCode === 0;
  }

  /** Bytes handed over that the kernel has not taken. */
  get backlog(): number {
    return this.#socket.writableLength;
  }

  get address(): string {
    return this.#socket.remoteAddress ?? "";
  }

  /** Hands over bytes that are frames already. */
  write(frames: Uint8Array): void {
    if (!this.open) return;
    if (!this.#asking) {
      this.#socket.write(frames);
      return;
    }
    this.#asking = false;
    this.#socket.write(Buffer.concat([pingFrame(this.#roundTrip.ask(performance.now())), frames]));
  }

  send(payload: Uint8Array): void {
    this.write(binaryFrame(payload));
  }

  /** Starts the closing handshake. Nothing is read or sent after it. */
  close(code: number, reason = "", nowMs: number = performance.now()): void {
    if (this.#closeCode !== 0) return;
    const upgraded = this.#request === undefined;
    this.#closeCode = code;
    this.#closedAt = nowMs;
    // A paused socket would never see the peer's end.
    this.#socket.resume();
    if (upgraded) this.#socket.end(closeFrame(code, reason));
    else this.#socket.destroy();
  }

  sweep(nowMs: number): void {
    if (this.open && this.#roundTrip.due(nowMs)) this.#asking = true;
    if (this.#closeCode !== 0 && nowMs - this.#closedAt > LINGER_MS) this.#socket.destroy();
  }

  /** Stops reading; the kernel's buffer fills and the peer has to wait. */
  pause(): void {
    this.#parser.pause();
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
    guarded(this, this.#owner, () => this.#parser.resume());
  }

  frame(size: number): void {
    if (this.#closeCode === 0) this.#owner.onFrame(this, size);
  }

  message(bytes: Uint8Array): void {
    if (this.#closeCode === 0) this.#owner.onMessage(this, bytes);
  }

  ping(payload: Uint8Array): void {
    if (this.backlog > MAX_CONTROL_BACKLOG) throw new WebSocketError(1008, "pings without reading");
    this.write(pongFrame(payload));
  }

  pong(payload: Uint8Array): void {
    const ms = this.#roundTrip.answered(payload, performance.now());
    if (ms !== undefined) this.#owner.onRoundTrip(this, ms);
  }

  /** The peer closes: the RFC asks to echo its code. */
  closed(code: number): void {
    if (this.#closeCode !== 0) return;
    this.#closeCode = code;
    this.#closedAt = performance.now();
    this.#socket.end(closeFrame(code === 1005 ? 1000 : code));
  }

  #receive(chunk: Buffer): void {
    // After our close only the peer's end matters: what it still says is thrown away unread.
    if (this.#closeCode !== 0) return;
    if (this.#request !== undefined) {
      this.#handshake(Buffer.concat([this.#request, chunk]));
      return;
    }
    // `guarded` by hand: a closure for each input is garbage.
    try {
      this.#parser.push(chunk);
    } catch (error) {
      failed(this, this.#owner, error);
    }
  }

  #handshake(bytes: Buffer): void {
    const verdict = judge(bytes);
    if (verdict.type === "wait") {
      this.#request = bytes;
    } else if (verdict.type === "refuse") {
      this.#closeCode = 1002;
      this.#closedAt = performance.now();
      this.#socket.end(verdict.response);
    } else {
      this.#request = undefined;
      this.#socket.write(verdict.response);
      guarded(this, this.#owner, () => this.#parser.push(bytes.subarray(verdict.rest)));
    }
  }
}

/** Does work for a connection: what is thrown closes it, and what is no WebSocketError is told as a bug. */
export function guarded(connection: PlayerConnection, owner: ConnectionOwner, work: () => void): void {
  try {
    work();
  } catch (error) {
    failed(connection, owner, error);
  }
}

function failed(connection: PlayerConnection, owner: ConnectionOwner, error: unknown): void {
  if (error instanceof WebSocketError) {
    connection.close(error.closeCode, error.message);
    return;
  }
  owner.onBug(error);
  connection.close(CLOSE.internal);
}
