/** An echo server over either transport, for tests of framing with real sockets. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { SUBPROTOCOL } from "../../protocol/frames.ts";
import { Connection, type ConnectionOwner, type PlayerConnection } from "../transport/connection.ts";
import { readingIntoOneBuffer } from "../transport/one-buffer.ts";
import { WsConnection, wsServer } from "../transport/ws-connection.ts";

export type TransportName = "own" | "ws";

export interface EchoServer {
  readonly port: number;
  readonly connections: PlayerConnection[];
  /** Why each connection ended, in order. */
  readonly gone: number[];
  readonly bugs: unknown[];
  stop(): void;
}

export async function echoServer(
  transport: TransportName,
  reaction?: Partial<ConnectionOwner>,
): Promise<EchoServer> {
  const connections: PlayerConnection[] = [];
  const gone: number[] = [];
  const bugs: unknown[] = [];
  const owner: ConnectionOwner = {
    onFrame() {},
    onMessage: (connection, message) => connection.send(Buffer.from(message)),
    onRoundTrip() {},
    onGone: (_connection, code) => gone.push(code),
    onBug: (error) => bugs.push(error),
    ...reaction,
  };
  let id = 0;
  const sockets = new Set<Socket>();
  const server: Server =
    transport === "ws"
      ? wsServer((socket) => connections.push(new WsConnection(++id, socket, owner, performance.now())))
      : createServer({ noDelay: true, pauseOnConnect: true }, (accepted) => {
          const socket = readingIntoOneBuffer(accepted);
          keep(socket);
          connections.push(new Connection(++id, socket, owner, performance.now()));
        });
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  };
  if (transport === "ws") server.on("connection", keep);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    gone,
    bugs,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

export interface RawFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** A client that says what bytes it likes, and keeps the frames it hears. */
export class RawClient {
  readonly socket: Socket;
  readonly frames: RawFrame[] = [];
  ended = false;
  #bytes = Buffer.alloc(0);
  #upgraded = false;
  #waiting: (() => void)[] = [];

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk) => this.#take(chunk as Buffer));
    this.socket.on("close", () => {
      this.ended = true;
      this.#wake();
    });
  }

  /** Connected and upgraded. */
  static async open(port: number): Promise<RawClient> {
    const client = new RawClient(port);
    client.socket.write(
      `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ` +
        `dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`,
    );
    await client.until(() => client.#upgraded || client.ended);
    return client;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  /** The code of the close frame that came, once the connection has ended; 1006 for none. */
  async closed(): Promise<number> {
    await this.until(() => this.ended);
    const close = this.frames.find((frame) => frame.opcode === 8);
    if (!close) return 1006;
    return close.payload.length >= 2 ? close.payload.readUInt16BE(0) : 1005;
  }

  #take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (!this.#upgraded) {
      const end = this.#bytes.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.#upgraded = this.#bytes.toString("latin1", 9, 12) === "101";
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    while (this.#frame()) {
      // Each turn takes one frame.
    }
    this.#wake();
  }

  #frame(): boolean {
    const bytes = this.#bytes;
    if (bytes.length < 2) return false;
    const short = bytes[1] as number;
    const head = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (bytes.length < head) return false;
    const length =
      short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
    if (bytes.length < head + length) return false;
    this.frames.push({ opcode: (bytes[0] as number) & 15, payload: bytes.subarray(head, head + length) });
    this.#bytes = bytes.subarray(head + length);
    // A good client ends when it has heard the close; a server of ours does not wait for one that does not.
    if (this.frames.at(-1)?.opcode === 8) this.socket.end();
    return true;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export interface FrameOptions {
  readonly fin?: boolean;
  readonly rsv?: number;
  readonly masked?: boolean;
  readonly mask?: number;
  /** Length encoding to use although a shorter one would do. */
  readonly lengthBytes?: 1 | 3 | 9;
}

/** One frame as a client sends it, well-formed or not. */
export function rawFrame(opcode: number, payload: Uint8Array | string, options: FrameOptions = {}): Buffer {
  const { fin = true, rsv = 0, masked = true, mask = 0x37fa_213d } = options;
  const body = Buffer.from(payload);
  const lengthBytes = options.lengthBytes ?? (body.length < 126 ? 1 : body.length < 65_536 ? 3 : 9);
  const head = Buffer.alloc(1 + lengthBytes);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  if (lengthBytes === 1) head[1] = body.length;
  else if (lengthBytes === 3) {
    head[1] = 126;
    head.writeUInt16BE(body.length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(body.length), 2);
  }
  if (!masked) return Buffer.concat([head, body]);
  head[1] = (head[1] as number) | 0x80;
  const key = Buffer.alloc(4);
  key.writeUInt32BE(mask >>> 0);
  for (let i = 0; i < body.length; i++) body[i] = (body[i] as number) ^ (key[i & 3] as number);
  return Buffer.concat([head, key, body]);
}

export function closePayload(code: number, reason: Uint8Array | string = ""): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}
