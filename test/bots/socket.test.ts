/** The bots' own WebSocket against the reference implementation, `ws`. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import type { PlayerSocket } from "../../client/index.ts";
import { SUBPROTOCOL } from "../../protocol/frames.ts";
import { leanSocket } from "./socket.ts";

/** A client whose doings can be waited for. */
class Client {
  readonly messages: Uint8Array[] = [];
  closed: { code: number; reason: string } | undefined;
  opened = false;
  readonly socket: PlayerSocket;
  #wake: () => void = () => undefined;

  constructor(port: number) {
    this.socket = leanSocket(`ws://127.0.0.1:${port}/`, {
      open: () => {
        this.opened = true;
        this.#wake();
      },
      message: (bytes) => {
        // A copy: what is handed over is a part of the socket's buffer.
        this.messages.push(Uint8Array.from(bytes));
        this.#wake();
      },
      close: (code, reason) => {
        if (this.closed) throw new Error("closed twice");
        this.closed = { code, reason };
        this.#wake();
      },
    });
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 7) & 0xff);
const LENGTHS = [0, 1, 125, 126, 127, 4_000, 65_535, 65_536, 200_000];

describe("with ws", () => {
  let server: WebSocketServer;
  let client: Client;
  let peer: WebSocket;

  beforeEach(async () => {
    server = new WebSocketServer({
      host: "127.0.0.1",
      port: 0,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
    await once(server, "listening");
    const connected = once(server, "connection") as Promise<[WebSocket]>;
    client = new Client((server.address() as AddressInfo).port);
    [peer] = await connected;
    await client.until(() => client.opened);
  });
  afterEach(() => {
    client.socket.close(1000);
    for (const open of server.clients) open.terminate();
    server.close();
  });

  it("speaks our subprotocol and is understood, masked and in every length it needs", async () => {
    expect(peer.protocol).toBe(SUBPROTOCOL);
    for (const length of [0, 1, 125, 126, 8_192]) {
      const came = once(peer, "message") as Promise<[Buffer]>;
      client.socket.send(bytesOf(length));
      expect(new Uint8Array((await came)[0])).toEqual(bytesOf(length));
    }
  });

  it("reads messages of every length, in order", async () => {
    for (const length of LENGTHS) peer.send(bytesOf(length));
    await client.until(() => client.messages.length === LENGTHS.length);
    expect(client.messages).toEqual(LENGTHS.map(bytesOf));
  });

  it("answers a ping", async () => {
    const answered = once(peer, "pong") as Promise<[Buffer]>;
    peer.ping(Buffer.from("are you there"));
    expect((await answered)[0].toString()).toBe("are you there");
  });

  it("tells the server's code and reason, once", async () => {
    peer.close(4000, "the server stops");
    await client.until(() => client.closed !== undefined);
    expect(client.closed).toEqual({ code: 4000, reason: "the server stops" });
  });

  it("tells 1006 when the line breaks", async () => {
    peer.terminate();
    await client.until(() => client.closed !== undefined);
    expect(client.closed?.code).toBe(1006);
  });

  it("says good-bye properly", async () => {
    const closed = once(peer, "close") as Promise<[number]>;
    client.socket.close(1000);
    expect((await closed)[0]).toBe(1000);
  });
});

describe("with a server of bytes", () => {
  let server: Server;
  let line: Socket;
  let client: Client;

  beforeEach(async () => {
    server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    const connected = once(server, "connection") as Promise<[Socket]>;
    client = new Client((server.address() as AddressInfo).port);
    [line] = await connected;
    line.setNoDelay(true);
    await once(line, "data");
  });
  afterEach(() => {
    client.socket.close(1000);
    line.destroy();
    server.close();
  });

  const ACCEPT = Buffer.from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
  /** An unmasked binary frame, as a server sends it. */
  const frame = (payload: Uint8Array): Buffer => {
    if (payload.length < 126) return Buffer.concat([Buffer.of(0x82, payload.length), payload]);
    return Buffer.concat([Buffer.of(0x82, 126, payload.length >> 8, payload.length & 0xff), payload]);
  };

  it("puts together what arrives byte by byte, the handshake included", async () => {
    const whole = Buffer.concat([ACCEPT, frame(bytesOf(3)), frame(bytesOf(126)), frame(bytesOf(0))]);
    // A turn of the event loop in between, so that each byte is a read of its own.
    for (const byte of whole) {
      line.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.until(() => client.messages.length === 3);
    expect(client.messages).toEqual([bytesOf(3), bytesOf(126), bytesOf(0)]);
  });

  it("reads many messages out of one read, the first in that of the handshake", async () => {
    line.write(Buffer.concat([ACCEPT, ...[1, 2, 3].map((length) => frame(bytesOf(length)))]));
    await client.until(() => client.messages.length === 3);
    expect(client.messages).toEqual([1, 2, 3].map(bytesOf));
  });

  it("sends nothing before the handshake is done", async () => {
    client.socket.send(bytesOf(3));
    line.write(ACCEPT);
    await client.until(() => client.opened);
    client.socket.send(bytesOf(5));
    const [chunk] = (await once(line, "data")) as [Buffer];
    expect(chunk[1]).toBe(0x80 | 5);
  });

  it("tells what a server says that refuses", async () => {
    line.end("HTTP/1.1 503 Service Unavailable\r\n\r\n");
    await client.until(() => client.closed !== undefined);
    expect(client.closed).toEqual({ code: 1006, reason: "HTTP/1.1 503 Service Unavailable" });
  });
});

it("tells when there is no server", async () => {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  const client = new Client(port);
  await client.until(() => client.closed !== undefined);
  expect(client.closed?.code).toBe(1006);
});
