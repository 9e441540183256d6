import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  binaryFrame,
  closeFrame,
  FrameParser,
  headerBytes,
  WebSocketError,
  writeHeader,
} from "./websocket.ts";

const MAX = 2_000;

/** A client's frame. */
function frame(
  opcode: number,
  payload: Uint8Array,
  { fin = true, mask = 0x1234_5678, rsv = 0, masked = true } = {},
): Buffer {
  const { length } = payload;
  const head =
    length < 126
      ? [length]
      : length < 65_536
        ? [126, length >> 8, length & 255]
        : [127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255];
  const key = [mask >>> 24, (mask >>> 16) & 255, (mask >>> 8) & 255, mask & 255];
  const first = (fin ? 0x80 : 0) | rsv | opcode;
  const body = payload.map((byte, i) => byte ^ (key[i & 3] ?? 0));
  head[0] = (head[0] ?? 0) | (masked ? 0x80 : 0);
  return Buffer.from([first, ...head, ...(masked ? key : []), ...(masked ? body : payload)]);
}

function parse(chunks: readonly Buffer[]) {
  const heard: string[] = [];
  let code: number | undefined;
  const parser = new FrameParser(
    {
      frame() {},
      message: (bytes) => heard.push(`message ${Buffer.from(bytes).toString("hex")}`),
      pong() {},
      ping: (bytes) => heard.push(`ping ${Buffer.from(bytes).toString("hex")}`),
      closed: (closeCode) => heard.push(`close ${closeCode}`),
    },
    MAX,
  );
  let most = 0;
  try {
    for (const chunk of chunks) {
      parser.push(chunk);
      most = Math.max(most, parser.buffered);
    }
  } catch (error) {
    if (!(error instanceof WebSocketError)) throw error;
    code = error.closeCode;
  }
  return { heard, code, most };
}

/** Cuts bytes at the given shares. */
function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((share) => Math.floor(share * bytes.length)), bytes.length].sort(
    (a, b) => a - b,
  );
  // Copies: the parser unmasks in place.
  return at.slice(1).map((end, i) => Buffer.from(bytes.subarray(at[i], end)));
}

const payload = fc.uint8Array({ maxLength: 400 });
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

describe("the parser", () => {
  it("hears whole messages and pings however they are fragmented and cut", () => {
    const message = fc.record({
      parts: fc.array(payload, { minLength: 1, maxLength: 4 }),
      ping: fc.option(fc.uint8Array({ maxLength: 125 })),
      mask: fc.integer(),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), cuts, (messages, where) => {
        const bytes: Buffer[] = [];
        const expected: string[] = [];
        for (const { parts, ping, mask } of messages) {
          for (const [i, part] of parts.entries()) {
            bytes.push(frame(i === 0 ? 2 : 0, part, { fin: i === parts.length - 1, mask }));
            if (i === 0 && ping) {
              bytes.push(frame(9, ping, { mask }));
              if (parts.length > 1) expected.push(`ping ${Buffer.from(ping).toString("hex")}`);
            }
          }
          expected.push(`message ${Buffer.concat(parts).toString("hex")}`);
          if (ping && parts.length === 1) expected.push(`ping ${Buffer.from(ping).toString("hex")}`);
        }
        const { heard, code } = parse(cut(Buffer.concat(bytes), where));
        expect([code, heard]).toEqual([undefined, expected]);
      }),
    );
  });

  const two = Uint8Array.of(3, 232);
  it.each<[string, Buffer[], number]>([
    ["an unmasked frame", [frame(2, two, { masked: false })], 1002],
    ["a reserved bit", [frame(2, two, { rsv: 0x40 })], 1002],
    ["an unknown data opcode", [frame(3, two)], 1002],
    ["an unknown control opcode", [frame(11, two)], 1002],
    ["a fragmented ping", [frame(9, two, { fin: false })], 1002],
    ["a long ping", [frame(9, new Uint8Array(126))], 1002],
    ["a continuation of nothing", [frame(0, two)], 1002],
    ["a message inside a message", [frame(2, two, { fin: false }), frame(2, two)], 1002],
    ["text", [frame(1, two)], 1003],
    ["a message too long", [frame(2, new Uint8Array(MAX + 1))], 1009],
    ["fragments too long together", [frame(2, new Uint8Array(MAX), { fin: false }), frame(0, two)], 1009],
    ["a length beyond 32 bits", [Buffer.from([0x82, 0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])], 1009],
    ["a close code cut off", [frame(8, Uint8Array.of(3))], 1002],
    ["a close code nobody may send", [frame(8, Uint8Array.of(3, 238))], 1002],
    ["a close reason that is not UTF-8", [frame(8, Uint8Array.of(3, 232, 0xff))], 1007],
  ])("refuses %s", (_what, chunks, code) => {
    expect(parse(chunks)).toMatchObject({ heard: [], code });
  });

  it("hears a close with and without a code", () => {
    expect(parse([frame(8, two)]).heard).toEqual(["close 1000"]);
    expect(parse([frame(8, new Uint8Array())]).heard).toEqual(["close 1005"]);
  });

  it("of any bytes reads or refuses, and holds no more than a message and a frame", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 3_000 }), { maxLength: 6 }), (chunks) => {
        const { most } = parse(chunks.map((chunk) => Buffer.from(chunk)));
        expect(most).toBeLessThanOrEqual(2 * MAX + 14);
      }),
      { numRuns: 300 },
    );
  });

  it("keeps what comes while it is paused", () => {
    const heard: number[] = [];
    const parser: FrameParser = new FrameParser(
      {
        frame() {},
        message(bytes) {
          heard.push(bytes[0] ?? -1);
          parser.pause();
        },
        ping() {},
        pong() {},
        closed() {},
      },
      MAX,
    );
    parser.push(Buffer.concat([1, 2, 3].map((n) => frame(2, Uint8Array.of(n)))));
    expect(heard).toEqual([1]);
    parser.resume();
    parser.resume();
    expect(heard).toEqual([1, 2, 3]);
  });
});

it("our frames have the shortest header, and a reason is cut to fit", () => {
  for (const length of [0, 125, 126, 65_535, 65_536, 70_000]) {
    const whole = binaryFrame(new Uint8Array(length));
    expect(whole.length).toBe(headerBytes(length) + length);
    expect(writeHeader(new Uint8Array(10), 0, length)).toBe(headerBytes(length));
  }
  expect(binaryFrame(new Uint8Array(70_000)).subarray(0, 10)).toEqual(
    Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]),
  );
  expect(closeFrame(4000, "x".repeat(300)).length).toBe(2 + 125);
});
