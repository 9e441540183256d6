/**
 * The cases of testing/conformance-cases.ts, against both transports with real sockets.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { SUBPROTOCOL } from "../../protocol/frames.ts";
import { bytes, CONFORMANCE_CASES, LENGTHS, OP } from "../testing/conformance-cases.ts";
import {
  closePayload,
  type EchoServer,
  echoServer,
  RawClient,
  rawFrame,
  type TransportName,
} from "../testing/echo.ts";

describe.each<TransportName>(["own", "ws"])("transport %s", (transport) => {
  let server: EchoServer;
  beforeAll(async () => {
    server = await echoServer(transport);
  });
  afterAll(() => server.stop());

  it.each(CONFORMANCE_CASES)("$name", async ({ send, hear = [], code }) => {
    const client = await RawClient.open(server.port);
    for (const chunk of send) {
      client.socket.write(chunk);
      // Octet by octet means reads of their own.
      if (chunk.length === 1) await new Promise((resolve) => setImmediate(resolve));
    }
    const heard = () =>
      client.frames
        .filter((each) => each.opcode === OP.binary || each.opcode === OP.pong)
        .map((each) => `${each.opcode === OP.binary ? "m" : "p"}${each.payload.length}`);
    if (!code) {
      // A ping of our own comes back behind all else.
      const before = client.frames.length;
      client.socket.write(rawFrame(OP.ping, "the end"));
      await client.until(
        () => client.ended || client.frames.some((each) => each.payload.toString() === "the end"),
      );
      expect(client.frames.length).toBeGreaterThan(before);
      expect(heard().slice(0, -1)).toEqual(hear);
      client.socket.write(rawFrame(OP.close, closePayload(1000)));
      expect(await client.closed()).toBe(1000);
      return;
    }
    expect(code).toContain(await client.closed());
    expect(heard()).toEqual(hear);
  });

  // ws reads a frame whole before it says what the frame is.
  it.runIf(transport === "own").each([0x81, 0x01])("refuses a text at its first octet, %i", async (octet) => {
    const client = await RawClient.open(server.port);
    client.socket.write(Buffer.of(octet));
    expect(await client.closed()).toBe(1003);
  });

  it("echoes what the reference client sends, of any size, and closes with its code", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/`, [SUBPROTOCOL], {
      perMessageDeflate: true,
    });
    const heard: Buffer[] = [];
    await new Promise((resolve) => socket.once("open", resolve));
    expect([socket.extensions, socket.protocol]).toEqual(["", SUBPROTOCOL]);
    socket.on("message", (data: Buffer) => heard.push(data));
    for (const n of LENGTHS) socket.send(bytes(n));
    const pong = new Promise((resolve) => socket.once("pong", resolve));
    socket.ping("last");
    await pong;
    expect(heard.map((each) => each.length)).toEqual(LENGTHS);
    const closed = new Promise((resolve) => socket.once("close", (code) => resolve(code)));
    socket.close(4_321, "bye");
    expect(await closed).toBe(4_321);
    expect(server.bugs).toEqual([]);
  });

  it.each([
    ["another path", "/other", [SUBPROTOCOL], 404],
    ["no subprotocol", "/", [], 400],
    ["another subprotocol", "/", ["chat"], 400],
  ] as const)("refuses %s", async (_name, path, protocols, status) => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, [...protocols]);
    const answer = await new Promise((resolve) => {
      socket.once("unexpected-response", (_request, response) => resolve(response.statusCode));
      socket.once("open", () => resolve("open"));
    });
    socket.on("error", () => {});
    socket.terminate();
    expect(answer).toBe(status);
  });
});
