/** Real sockets that all read into one buffer: what one was sent must never be what another hears. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EchoServer, echoServer, RawClient, rawFrame } from "../testing/echo.ts";
import { readingIntoOneBuffer } from "./one-buffer.ts";

const BINARY = 2;
let server: EchoServer;

beforeEach(async () => {
  server = await echoServer("own");
});
afterEach(() => server.stop());

const heard = ({ frames }: RawClient) => frames.map(({ payload }) => payload.toString("hex"));

/** The server has taken what was sent before: it answers one by one. */
async function roundTrip(client: RawClient): Promise<void> {
  const before = client.frames.length;
  client.socket.write(rawFrame(BINARY, Uint8Array.of(0xff)));
  await client.until(() => client.frames.length > before);
}

describe("connections that read into one buffer", () => {
  it("keep half a frame while others read", async () => {
    const [a, b] = [await RawClient.open(server.port), await RawClient.open(server.port)];
    for (let cut = 1; cut < 9; cut++) {
      const frame = rawFrame(BINARY, Uint8Array.of(1, cut, 3));
      a.socket.write(frame.subarray(0, cut));
      await roundTrip(b);
      a.socket.write(frame.subarray(cut));
      await a.until(() => a.frames.length === cut);
      expect(heard(a).at(-1)).toBe(`010${cut}03`);
    }
    expect(new Set(heard(b))).toEqual(new Set(["ff"]));
  });

  it("read nothing while they are paused, and all of it after", async () => {
    const [a, b] = [await RawClient.open(server.port), await RawClient.open(server.port)];
    server.connections[0]?.pause();
    for (let i = 0; i < 200; i++) a.socket.write(rawFrame(BINARY, Uint8Array.of(i)));
    for (let i = 0; i < 5; i++) await roundTrip(b);
    expect(heard(a)).toEqual([]);
    server.connections[0]?.resume();
    await a.until(() => a.frames.length === 200);
    expect(heard(a)).toEqual(Array.from({ length: 200 }, (_, i) => i.toString(16).padStart(2, "0")));
  });

  it("end when their client does, and when we close", async () => {
    const [a, b] = [await RawClient.open(server.port), await RawClient.open(server.port)];
    a.socket.end();
    await roundTrip(b);
    await b.until(() => server.gone.length === 1);
    server.connections[1]?.close(4_001);
    expect(await b.closed()).toBe(4_001);
    expect(server.gone[0]).toBe(1_006);
  });
});

describe("a server whose connections are handed on", () => {
  let plain: Server;
  afterEach(() => plain.close());

  it("does not count them, and they read on", async () => {
    const read: string[] = [];
    const made: Socket[] = [];
    plain = createServer({ pauseOnConnect: true }, (socket) => {
      const own = readingIntoOneBuffer(socket).on("data", (chunk: Buffer) => read.push(chunk.toString()));
      made.push(own.on("error", () => {}));
    });
    await once(plain.listen(0, "127.0.0.1"), "listening");
    const client = connect((plain.address() as AddressInfo).port, "127.0.0.1");
    client.write("x".repeat(1_000));
    while (read.join("").length < 1_000) await new Promise((resolve) => setImmediate(resolve));
    const count = await new Promise((resolve) =>
      plain.getConnections((_, connections) => resolve(connections)),
    );
    expect(count).toBe(0);
    made[0]?.end("bye");
    const [bytes] = (await once(client, "data")) as [Buffer];
    expect(bytes.toString()).toBe("bye");
    client.destroy();
  });
});
