/**
 * The same connection over the `ws` library: the transport to fall back on (`GAMEFLEET_TRANSPORT=ws`) should our own
 * framing ever be at fault. Same limits, same verdicts; costs more CPU and memory, and one write per frame.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { MAX_CLIENT_MESSAGE_BYTES, SUBPROTOCOL } from "../../protocol/frames.ts";
import { type ConnectionOwner, guarded, LINGER_MS, type PlayerConnection } from "./connection.ts";
import { MAX_REQUEST_BYTES } from "./handshake.ts";
import { RoundTrip } from "./round-trip.ts";
import { eachFrame, WebSocketError } from "./websocket.ts";

/** Header of a client's frame, about: for the rate limit. */
const FRAME_HEAD = 6;

export class WsConnection implements PlayerConnection {
  readonly id: number;
  guest: unknown;
  readonly openedAt: number;
  readonly #socket: WebSocket;
  readonly #owner: ConnectionOwner;
  readonly #roundTrip: RoundTrip;
  /** A ping goes out before the next write: the first of those is WELCOME, when there is a session to ask for. */
  #asking = false;
  #closeCode = 0;
  #closedAt = 0;

  constructor(id: number, socket: WebSocket, owner: ConnectionOwner, nowMs: number) {
    this.id = id;
    this.openedAt = nowMs;
    this.#roundTrip = new RoundTrip(id, nowMs);
    this.#socket = socket;
    this.#owner = owner;
    socket.on("message", (data: RawData, binary: boolean) => {
      guarded(this, this.#owner, () => this.#message(data as Buffer, binary));
    });
    socket.on("ping", (data: Buffer) => {
      guarded(this, this.#owner, () => owner.onFrame(this, data.length + FRAME_HEAD));
    });
    socket.on("pong", (data: Buffer) => guarded(this, this.#owner, () => this.#pong(data)));
    // `ws` has told the peer why; it closes by itself.
    socket.on("error", () => {});
    socket.on("close", (code) => owner.onGone(this, this.#closeCode === 0 ? code : this.#closeCode));
  }

  get open(): boolean {
    return this.#closeCode === 0 && this.#socket.readyState === this.#socket.OPEN;
  }

  get openOrUpgrading(): boolean {
    return this.open;
  }

  get backlog(): number {
    return this.#socket.bufferedAmount;
  }

  write(frames: Uint8Array): void {
    if (this.#asking && this.open) {
      this.#asking = false;
      this.#socket.ping(this.#roundTrip.ask(performance.now()));
    }
    eachFrame(frames, (payload) => this.send(payload));
  }

  send(payload: Uint8Array): void {
    if (this.open) this.#socket.send(payload, { binary: true });
  }

  close(code: number, reason = ""): void {
    if (this.#closeCode !== 0) return;
    this.#closeCode = code;
    this.#closedAt = performance.now();
    this.#socket.resume();
    this.#socket.close(code, Buffer.from(reason).subarray(0, 123).toString());
  }

  sweep(nowMs: number): void {
    if (this.open && this.#roundTrip.due(nowMs)) this.#asking = true;
    if (this.#closeCode !== 0 && nowMs - this.#closedAt > LINGER_MS) this.#socket.terminate();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  #pong(data: Buffer): void {
    this.#owner.onFrame(this, data.length + FRAME_HEAD);
    const ms = this.#roundTrip.answered(data, performance.now());
    if (ms !== undefined) this.#owner.onRoundTrip(this, ms);
  }

  #message(data: Buffer, binary: boolean): void {
    if (this.#closeCode !== 0) return;
    if (!binary) throw new WebSocketError(1003, "text messages are not taken");
    this.#owner.onFrame(this, data.length + FRAME_HEAD);
    this.#owner.onMessage(this, data);
  }
}

/** A server whose upgraded connections go to `accept`; refuses what our own handshake refuses. */
export function wsServer(accept: (socket: WebSocket) => void): Server {
  const server = createServer(
    { maxHeaderSize: MAX_REQUEST_BYTES, requestTimeout: 5_000 },
    (_request, response) => {
      response.writeHead(426, { upgrade: "websocket", connection: "close" }).end("Upgrade Required\n");
    },
  );
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_CLIENT_MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: () => SUBPROTOCOL,
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const status = refusalOf(request);
    if (status === undefined) sockets.handleUpgrade(request, socket, head, accept);
    else socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  return server;
}

function refusalOf(request: IncomingMessage): string | undefined {
  if (request.url?.split("?")[0] !== "/") return "404 Not Found";
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  return offered.includes(SUBPROTOCOL) ? undefined : "400 Bad Request";
}
