/**
 * The Autobahn|Testsuite's case list for servers, as far as it applies, against both transports with real sockets.
 * Groups: 1 framing, 2 pings and pongs, 3 reserved bits, 4 opcodes, 5 fragmentation, 6 UTF-8, 7 closing, 9 limits, 10
 * fragments of many sizes. 12 and 13 (compression) do not apply: it is never agreed on. Text is not taken here, valid
 * or not (1003), so groups 1.1 and 6 end with that, or with 1007 where the text is seen to be broken first.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { MAX_CLIENT_MESSAGE_BYTES, SUBPROTOCOL } from "../../protocol/frames.ts";
import {
  closePayload,
  type EchoServer,
  echoServer,
  RawClient,
  rawFrame,
  type TransportName,
} from "../testing/echo.ts";

const OP = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const bytes = (length: number, fill = 0xfe) => Buffer.alloc(length, fill);

interface Case {
  readonly name: string;
  readonly send: readonly Buffer[];
  /** What is heard before the end: `m` a message, `p` a pong, with length. */
  readonly hear?: readonly string[];
  /** Close codes that are right; the case then closes normally when none is given. */
  readonly code?: readonly number[];
}

const frame = rawFrame;
const lengths = [0, 125, 126, 127, 128, 1_024, MAX_CLIENT_MESSAGE_BYTES];

const CASES: readonly Case[] = [
  // 1: framing
  ...lengths.map((n) => ({
    name: `1.2 binary of ${n}`,
    send: [frame(OP.binary, bytes(n))],
    hear: [`m${n}`],
  })),
  { name: "1.1 text", send: [frame(OP.text, "hello")], code: [1003] },
  { name: "1.1 empty text", send: [frame(OP.text, "")], code: [1003] },
  // 2: pings and pongs
  { name: "2.1 ping without payload", send: [frame(OP.ping, "")], hear: ["p0"] },
  { name: "2.2 ping with text", send: [frame(OP.ping, "Hello, world!")], hear: ["p13"] },
  { name: "2.3 ping with binary", send: [frame(OP.ping, bytes(8, 0xff))], hear: ["p8"] },
  { name: "2.4 ping of 125", send: [frame(OP.ping, bytes(125))], hear: ["p125"] },
  { name: "2.5 ping of 126", send: [frame(OP.ping, bytes(126))], code: [1002] },
  {
    name: "2.6 ping of 125 in octets",
    send: Array.from(frame(OP.ping, bytes(125)), (byte) => Buffer.of(byte)),
    hear: ["p125"],
  },
  { name: "2.7 pong nobody asked for", send: [frame(OP.pong, "")], hear: [] },
  { name: "2.8 pong with payload", send: [frame(OP.pong, "unsolicited")], hear: [] },
  { name: "2.9 pong, then ping", send: [frame(OP.pong, "x"), frame(OP.ping, "y")], hear: ["p1"] },
  {
    name: "2.10 ten pings",
    send: Array.from({ length: 10 }, (_, n) => frame(OP.ping, bytes(n))),
    hear: Array.from({ length: 10 }, (_, n) => `p${n}`),
  },
  // 3: reserved bits
  ...[1, 2, 3, 4, 5, 6, 7].map((rsv) => ({
    name: `3 reserved bits ${rsv}`,
    send: [frame(OP.binary, "x", { rsv })],
    code: [1002],
  })),
  { name: "3 reserved bit on a ping", send: [frame(OP.ping, "x", { rsv: 1 })], code: [1002] },
  {
    name: "3 reserved bit after a good message",
    send: [frame(OP.binary, "x"), frame(OP.binary, "y", { rsv: 2 })],
    hear: ["m1"],
    code: [1002],
  },
  // 4: opcodes
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
    { name: `4 opcode ${opcode}`, send: [frame(opcode, "")], code: [1002] },
    {
      name: `4 opcode ${opcode} after a message`,
      send: [frame(OP.binary, "ab"), frame(opcode, "x")],
      hear: ["m2"],
      code: [1002],
    },
  ]),
  // 5: fragmentation
  {
    name: "5.1 fragmented ping",
    send: [frame(OP.ping, "a", { fin: false }), frame(OP.more, "b")],
    code: [1002],
  },
  {
    name: "5.2 fragmented pong",
    send: [frame(OP.pong, "a", { fin: false }), frame(OP.more, "b")],
    code: [1002],
  },
  {
    name: "5.3 two fragments",
    send: [frame(OP.binary, "ab", { fin: false }), frame(OP.more, "cd")],
    hear: ["m4"],
  },
  {
    name: "5.5 two fragments in octets",
    send: Array.from(Buffer.concat([frame(OP.binary, "ab", { fin: false }), frame(OP.more, "cd")]), (byte) =>
      Buffer.of(byte),
    ),
    hear: ["m4"],
  },
  {
    name: "5.6 ping between fragments",
    send: [frame(OP.binary, "ab", { fin: false }), frame(OP.ping, "p"), frame(OP.more, "cd")],
    hear: ["p1", "m4"],
  },
  { name: "5.9 continuation of nothing", send: [frame(OP.more, "x")], code: [1002] },
  {
    name: "5.10 continuation of nothing, not the last",
    send: [frame(OP.more, "x", { fin: false })],
    code: [1002],
  },
  {
    name: "5.12 continuation after a whole message",
    send: [frame(OP.binary, "a"), frame(OP.more, "x")],
    hear: ["m1"],
    code: [1002],
  },
  {
    name: "5.15 message within a message",
    send: [frame(OP.binary, "a", { fin: false }), frame(OP.binary, "b")],
    code: [1002],
  },
  {
    name: "5.19 five fragments with pings between",
    send: [
      frame(OP.binary, "a", { fin: false }),
      frame(OP.more, "b", { fin: false }),
      frame(OP.ping, "1"),
      frame(OP.more, "c", { fin: false }),
      frame(OP.more, "d", { fin: false }),
      frame(OP.ping, "2"),
      frame(OP.more, "e"),
    ],
    hear: ["p1", "p1", "m5"],
  },
  {
    name: "5 empty fragments",
    send: [frame(OP.binary, "", { fin: false }), frame(OP.more, "", { fin: false }), frame(OP.more, "")],
    hear: ["m0"],
  },
  {
    name: "5 close between fragments",
    send: [frame(OP.binary, "a", { fin: false }), frame(OP.close, closePayload(1000))],
    code: [1000],
  },
  // 6: UTF-8
  {
    name: "6.3 broken text",
    send: [frame(OP.text, Buffer.from("cebae1bdb9cf83cebcceb5eda080656469746564", "hex"))],
    code: [1003, 1007],
  },
  {
    name: "6 broken text in fragments",
    send: [frame(OP.text, Buffer.of(0xce), { fin: false }), frame(OP.more, Buffer.of(0x20))],
    code: [1003, 1007],
  },
  // 7: closing
  { name: "7.1 close with nothing after it", send: [frame(OP.close, closePayload(1000))], code: [1000] },
  {
    name: "7.1.2 two closes",
    send: [Buffer.concat([frame(OP.close, closePayload(1000)), frame(OP.close, closePayload(1001))])],
    code: [1000],
  },
  {
    name: "7.1.3 ping after close",
    send: [Buffer.concat([frame(OP.close, closePayload(1000)), frame(OP.ping, "x")])],
    code: [1000],
    hear: [],
  },
  {
    name: "7.1.4 message after close",
    send: [Buffer.concat([frame(OP.close, closePayload(1000)), frame(OP.binary, "x")])],
    code: [1000],
    hear: [],
  },
  { name: "7.3.1 close without a code", send: [frame(OP.close, "")], code: [1000, 1005] },
  { name: "7.3.2 close of one byte", send: [frame(OP.close, "x")], code: [1002] },
  {
    name: "7.3.4 close with a reason",
    send: [frame(OP.close, closePayload(1000, "Hello World!"))],
    code: [1000],
  },
  {
    name: "7.3.5 close with the longest reason",
    send: [frame(OP.close, closePayload(1000, "x".repeat(123)))],
    code: [1000],
  },
  {
    name: "7.3.6 close with too long a reason",
    send: [frame(OP.close, closePayload(1000, "x".repeat(124)))],
    code: [1002],
  },
  {
    name: "7.5.1 close with a broken reason",
    send: [frame(OP.close, closePayload(1000, Buffer.from("cebae1bdb9cf83cebcceb5eda080", "hex")))],
    code: [1007],
  },
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((code) => ({
    name: `7.7 close code ${code}`,
    send: [frame(OP.close, closePayload(code))],
    code: [code],
  })),
  ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535].map((code) => ({
    name: `7.9 close code ${code}`,
    send: [frame(OP.close, closePayload(code))],
    code: [1002],
  })),
  // 9: limits
  {
    name: "9 one byte too many",
    send: [frame(OP.binary, bytes(MAX_CLIENT_MESSAGE_BYTES + 1))],
    code: [1009],
  },
  {
    name: "9 too many in fragments",
    send: [frame(OP.binary, bytes(MAX_CLIENT_MESSAGE_BYTES), { fin: false }), frame(OP.more, "x")],
    code: [1009],
  },
  { name: "9 a length of 2^62", send: [Buffer.from("82ff400000000000000000000000", "hex")], code: [1009] },
  {
    name: "9 lengths written longer than they must be",
    send: [frame(OP.binary, "abc", { lengthBytes: 3 }), frame(OP.binary, "abc", { lengthBytes: 9 })],
    hear: ["m3", "m3"],
  },
  {
    name: "9.7 a hundred messages at once",
    send: [Buffer.concat(Array.from({ length: 100 }, () => frame(OP.binary, "x")))],
    hear: Array.from({ length: 100 }, () => "m1"),
  },
  // 10, and what the suite leaves out
  {
    name: "10 many small fragments",
    send: [
      frame(OP.binary, "", { fin: false }),
      ...Array.from({ length: 64 }, () => frame(OP.more, bytes(100), { fin: false })),
      frame(OP.more, ""),
    ],
    hear: ["m6400"],
  },
  { name: "no mask", send: [frame(OP.binary, "x", { masked: false })], code: [1002] },
  { name: "no mask on a ping", send: [frame(OP.ping, "x", { masked: false })], code: [1002] },
  { name: "a mask of zero", send: [frame(OP.binary, "abc", { mask: 0 })], hear: ["m3"] },
];

describe.each<TransportName>(["own", "ws"])("transport %s", (transport) => {
  let server: EchoServer;
  beforeAll(async () => {
    server = await echoServer(transport);
  });
  afterAll(() => server.stop());

  it.each(CASES)("$name", async ({ send, hear = [], code }) => {
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
      client.socket.write(frame(OP.ping, "the end"));
      await client.until(
        () => client.ended || client.frames.some((each) => each.payload.toString() === "the end"),
      );
      expect(client.frames.length).toBeGreaterThan(before);
      expect(heard().slice(0, -1)).toEqual(hear);
      client.socket.write(frame(OP.close, closePayload(1000)));
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
    for (const n of lengths) socket.send(bytes(n));
    const pong = new Promise((resolve) => socket.once("pong", resolve));
    socket.ping("last");
    await pong;
    expect(heard.map((each) => each.length)).toEqual(lengths);
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
