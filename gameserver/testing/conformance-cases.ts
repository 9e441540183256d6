/**
 * The Autobahn|Testsuite's case list for servers, as far as it applies. Groups: 1 framing, 2 pings and pongs, 3 reserved
 * bits, 4 opcodes, 5 fragmentation, 6 UTF-8, 7 closing, 9 limits, 10 fragments of many sizes. 12 and 13 (compression) do
 * not apply: it is never agreed on. Text is not taken here, valid or not (1003), so groups 1.1 and 6 end with that, or
 * with 1007 where the text is seen to be broken first.
 */
import { MAX_CLIENT_MESSAGE_BYTES } from "../../protocol/frames.ts";
import { closePayload, rawFrame } from "./echo.ts";

export const OP = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
export const bytes = (length: number, fill = 0xfe) => Buffer.alloc(length, fill);

interface ConformanceCase {
  readonly name: string;
  readonly send: readonly Buffer[];
  /** What is heard before the end: `m` a message, `p` a pong, with length. */
  readonly hear?: readonly string[];
  /** Close codes that are right; the case then closes normally when none is given. */
  readonly code?: readonly number[];
}

export const LENGTHS = [0, 125, 126, 127, 128, 1_024, MAX_CLIENT_MESSAGE_BYTES];

export const CONFORMANCE_CASES: readonly ConformanceCase[] = [
  // 1: framing
  ...LENGTHS.map((n) => ({
    name: `1.2 binary of ${n}`,
    send: [rawFrame(OP.binary, bytes(n))],
    hear: [`m${n}`],
  })),
  { name: "1.1 text", send: [rawFrame(OP.text, "hello")], code: [1003] },
  { name: "1.1 empty text", send: [rawFrame(OP.text, "")], code: [1003] },
  // 2: pings and pongs
  { name: "2.1 ping without payload", send: [rawFrame(OP.ping, "")], hear: ["p0"] },
  { name: "2.2 ping with text", send: [rawFrame(OP.ping, "Hello, world!")], hear: ["p13"] },
  { name: "2.3 ping with binary", send: [rawFrame(OP.ping, bytes(8, 0xff))], hear: ["p8"] },
  { name: "2.4 ping of 125", send: [rawFrame(OP.ping, bytes(125))], hear: ["p125"] },
  { name: "2.5 ping of 126", send: [rawFrame(OP.ping, bytes(126))], code: [1002] },
  {
    name: "2.6 ping of 125 in octets",
    send: Array.from(rawFrame(OP.ping, bytes(125)), (byte) => Buffer.of(byte)),
    hear: ["p125"],
  },
  { name: "2.7 pong nobody asked for", send: [rawFrame(OP.pong, "")], hear: [] },
  { name: "2.8 pong with payload", send: [rawFrame(OP.pong, "unsolicited")], hear: [] },
  { name: "2.9 pong, then ping", send: [rawFrame(OP.pong, "x"), rawFrame(OP.ping, "y")], hear: ["p1"] },
  {
    name: "2.10 ten pings",
    send: Array.from({ length: 10 }, (_, n) => rawFrame(OP.ping, bytes(n))),
    hear: Array.from({ length: 10 }, (_, n) => `p${n}`),
  },
  // 3: reserved bits
  ...[1, 2, 3, 4, 5, 6, 7].map((rsv) => ({
    name: `3 reserved bits ${rsv}`,
    send: [rawFrame(OP.binary, "x", { rsv })],
    code: [1002],
  })),
  { name: "3 reserved bit on a ping", send: [rawFrame(OP.ping, "x", { rsv: 1 })], code: [1002] },
  {
    name: "3 reserved bit after a good message",
    send: [rawFrame(OP.binary, "x"), rawFrame(OP.binary, "y", { rsv: 2 })],
    hear: ["m1"],
    code: [1002],
  },
  // 4: opcodes
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
    { name: `4 opcode ${opcode}`, send: [rawFrame(opcode, "")], code: [1002] },
    {
      name: `4 opcode ${opcode} after a message`,
      send: [rawFrame(OP.binary, "ab"), rawFrame(opcode, "x")],
      hear: ["m2"],
      code: [1002],
    },
  ]),
  // 5: fragmentation
  {
    name: "5.1 fragmented ping",
    send: [rawFrame(OP.ping, "a", { fin: false }), rawFrame(OP.more, "b")],
    code: [1002],
  },
  {
    name: "5.2 fragmented pong",
    send: [rawFrame(OP.pong, "a", { fin: false }), rawFrame(OP.more, "b")],
    code: [1002],
  },
  {
    name: "5.3 two fragments",
    send: [rawFrame(OP.binary, "ab", { fin: false }), rawFrame(OP.more, "cd")],
    hear: ["m4"],
  },
  {
    name: "5.5 two fragments in octets",
    send: Array.from(
      Buffer.concat([rawFrame(OP.binary, "ab", { fin: false }), rawFrame(OP.more, "cd")]),
      (byte) => Buffer.of(byte),
    ),
    hear: ["m4"],
  },
  {
    name: "5.6 ping between fragments",
    send: [rawFrame(OP.binary, "ab", { fin: false }), rawFrame(OP.ping, "p"), rawFrame(OP.more, "cd")],
    hear: ["p1", "m4"],
  },
  { name: "5.9 continuation of nothing", send: [rawFrame(OP.more, "x")], code: [1002] },
  {
    name: "5.10 continuation of nothing, not the last",
    send: [rawFrame(OP.more, "x", { fin: false })],
    code: [1002],
  },
  {
    name: "5.12 continuation after a whole message",
    send: [rawFrame(OP.binary, "a"), rawFrame(OP.more, "x")],
    hear: ["m1"],
    code: [1002],
  },
  {
    name: "5.15 message within a message",
    send: [rawFrame(OP.binary, "a", { fin: false }), rawFrame(OP.binary, "b")],
    code: [1002],
  },
  {
    name: "5.19 five fragments with pings between",
    send: [
      rawFrame(OP.binary, "a", { fin: false }),
      rawFrame(OP.more, "b", { fin: false }),
      rawFrame(OP.ping, "1"),
      rawFrame(OP.more, "c", { fin: false }),
      rawFrame(OP.more, "d", { fin: false }),
      rawFrame(OP.ping, "2"),
      rawFrame(OP.more, "e"),
    ],
    hear: ["p1", "p1", "m5"],
  },
  {
    name: "5 empty fragments",
    send: [
      rawFrame(OP.binary, "", { fin: false }),
      rawFrame(OP.more, "", { fin: false }),
      rawFrame(OP.more, ""),
    ],
    hear: ["m0"],
  },
  {
    name: "5 close between fragments",
    send: [rawFrame(OP.binary, "a", { fin: false }), rawFrame(OP.close, closePayload(1000))],
    code: [1000],
  },
  // 6: UTF-8
  {
    name: "6.3 broken text",
    send: [rawFrame(OP.text, Buffer.from("cebae1bdb9cf83cebcceb5eda080656469746564", "hex"))],
    code: [1003, 1007],
  },
  {
    name: "6 broken text in fragments",
    send: [rawFrame(OP.text, Buffer.of(0xce), { fin: false }), rawFrame(OP.more, Buffer.of(0x20))],
    code: [1003, 1007],
  },
  // 7: closing
  { name: "7.1 close with nothing after it", send: [rawFrame(OP.close, closePayload(1000))], code: [1000] },
  {
    name: "7.1.2 two closes",
    send: [Buffer.concat([rawFrame(OP.close, closePayload(1000)), rawFrame(OP.close, closePayload(1001))])],
    code: [1000],
  },
  {
    name: "7.1.3 ping after close",
    send: [Buffer.concat([rawFrame(OP.close, closePayload(1000)), rawFrame(OP.ping, "x")])],
    code: [1000],
    hear: [],
  },
  {
    name: "7.1.4 message after close",
    send: [Buffer.concat([rawFrame(OP.close, closePayload(1000)), rawFrame(OP.binary, "x")])],
    code: [1000],
    hear: [],
  },
  { name: "7.3.1 close without a code", send: [rawFrame(OP.close, "")], code: [1000, 1005] },
  { name: "7.3.2 close of one byte", send: [rawFrame(OP.close, "x")], code: [1002] },
  {
    name: "7.3.4 close with a reason",
    send: [rawFrame(OP.close, closePayload(1000, "Hello World!"))],
    code: [1000],
  },
  {
    name: "7.3.5 close with the longest reason",
    send: [rawFrame(OP.close, closePayload(1000, "x".repeat(123)))],
    code: [1000],
  },
  {
    name: "7.3.6 close with too long a reason",
    send: [rawFrame(OP.close, closePayload(1000, "x".repeat(124)))],
    code: [1002],
  },
  {
    name: "7.5.1 close with a broken reason",
    send: [rawFrame(OP.close, closePayload(1000, Buffer.from("cebae1bdb9cf83cebcceb5eda080", "hex")))],
    code: [1007],
  },
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((code) => ({
    name: `7.7 close code ${code}`,
    send: [rawFrame(OP.close, closePayload(code))],
    code: [code],
  })),
  ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535].map((code) => ({
    name: `7.9 close code ${code}`,
    send: [rawFrame(OP.close, closePayload(code))],
    code: [1002],
  })),
  // 9: limits
  {
    name: "9 one byte too many",
    send: [rawFrame(OP.binary, bytes(MAX_CLIENT_MESSAGE_BYTES + 1))],
    code: [1009],
  },
  {
    name: "9 too many in fragments",
    send: [rawFrame(OP.binary, bytes(MAX_CLIENT_MESSAGE_BYTES), { fin: false }), rawFrame(OP.more, "x")],
    code: [1009],
  },
  { name: "9 a length of 2^62", send: [Buffer.from("82ff400000000000000000000000", "hex")], code: [1009] },
  {
    name: "9 LENGTHS written longer than they must be",
    send: [rawFrame(OP.binary, "abc", { lengthBytes: 3 }), rawFrame(OP.binary, "abc", { lengthBytes: 9 })],
    hear: ["m3", "m3"],
  },
  {
    name: "9.7 a hundred messages at once",
    send: [Buffer.concat(Array.from({ length: 100 }, () => rawFrame(OP.binary, "x")))],
    hear: Array.from({ length: 100 }, () => "m1"),
  },
  // 10, and what the suite leaves out
  {
    name: "10 many small fragments",
    send: [
      rawFrame(OP.binary, "", { fin: false }),
      ...Array.from({ length: 64 }, () => rawFrame(OP.more, bytes(100), { fin: false })),
      rawFrame(OP.more, ""),
    ],
    hear: ["m6400"],
  },
  { name: "no mask", send: [rawFrame(OP.binary, "x", { masked: false })], code: [1002] },
  { name: "no mask on a ping", send: [rawFrame(OP.ping, "x", { masked: false })], code: [1002] },
  { name: "a mask of zero", send: [rawFrame(OP.binary, "abc", { mask: 0 })], hear: ["m3"] },
];
