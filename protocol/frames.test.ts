import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeHello,
  decodeNotice,
  decodePing,
  decodePong,
  decodeWelcome,
  encodeHello,
  encodeNotice,
  encodePing,
  encodePong,
  encodeWelcome,
  expand16,
  frameType,
  type Welcome,
} from "./frames.ts";
import { ByteReader, ByteWriter, FrameError } from "./frames-bytes.ts";
import { decodeEvent, encodeEvent, encodeFields } from "./frames-event.ts";
import { encodeInput, readInput } from "./frames-input.ts";
import { type Descriptor, type FieldSpec, quantise, restore } from "./frames-schema.ts";

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe("a frame read back is what was written", () => {
  it("HELLO", () => {
    const hello = fc.record({
      mode: fc.constantFrom("ticket" as const, "resume" as const),
      lastSeq: u32,
      token: fc.string({ unit: "grapheme", maxLength: 200 }),
    });
    fc.assert(
      fc.property(hello, (given) => {
        expect(decodeHello(encodeHello(given))).toEqual({ ...given, version: 1 });
      }),
    );
  });

  it("PING, PONG, NOTICE, WELCOME", () => {
    expect(decodePing(encodePing(123.456))).toBe(123.456);
    const pong = { clientTime: 1.5, serverTime: 2.25, tick: 4_000_000_000 };
    expect(decodePong(encodePong(pong))).toEqual(pong);
    for (const detail of [undefined, { scale: 0.5 }]) {
      const notice = { kind: 3, withinMs: 70_000, detail };
      expect(decodeNotice(encodeNotice(notice))).toEqual(notice);
    }
    const welcome = { session: "ä", seq: 1 } as Welcome;
    expect(decodeWelcome(encodeWelcome(welcome))).toEqual(welcome);
  });
});

describe("bad bytes are a FrameError, never anything else", () => {
  it("for any bytes in any decoder", () => {
    const decoders = [frameType, decodeHello, decodePing, decodePong, decodeNotice, decodeWelcome];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(...decoders), (bytes, decode) => {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("for a HELLO cut anywhere, or with something behind it", () => {
    const hello = encodeHello({ mode: "ticket", lastSeq: 1, token: "abc" });
    for (let end = 0; end < hello.length; end++) {
      expect(() => decodeHello(hello.subarray(0, end))).toThrow(FrameError);
    }
    expect(() => decodeHello(Uint8Array.of(...hello, 0))).toThrow("too many");
  });
});

describe("numbers", () => {
  it("zigzag keeps every 32-bit integer, small ones in one byte", () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        const writer = new ByteWriter(new Uint8Array(5));
        writer.zigzag(value);
        expect(writer.at).toBeLessThanOrEqual(value >= -64 && value < 64 ? 1 : 5);
        expect(new ByteReader(writer.written()).zigzag()).toBe(value);
      }),
    );
    expect(() => new ByteReader(new Uint8Array(9).fill(0xff)).zigzag()).toThrow(FrameError);
  });

  it("a quantised value is within half a step, inside the bounds, and NaN is the lowest", () => {
    const field: FieldSpec = { name: "x", min: -10, step: 0.25, count: 81, width: 1, wrap: false };
    fc.assert(
      fc.property(fc.double({ min: -10, max: 10, noNaN: true }), (value) => {
        expect(Math.abs(restore(field, quantise(field, value)) - value)).toBeLessThanOrEqual(0.125 + 1e-9);
      }),
    );
    expect([-99, 99, Number.NaN].map((value) => quantise(field, value))).toEqual([0, 80, 0]);
  });

  it("a circle has no seam", () => {
    const field: FieldSpec = { name: "heading", min: 0, step: 1, count: 360, width: 2, wrap: true };
    expect([0, 359.6, 360, 725, -1, Number.NaN].map((value) => quantise(field, value))).toEqual([
      0, 0, 0, 5, 359, 0,
    ]);
  });

  it("a short sequence number finds its long one while they are near", () => {
    const near = fc.integer({ min: 40_000, max: 2 ** 31 });
    fc.assert(
      fc.property(near, fc.integer({ min: -32_000, max: 32_000 }), (from, distance) => {
        expect(expand16((from + distance) & 0xffff, from)).toBe(from + distance);
      }),
    );
  });
});

const unit: FieldSpec = { name: "dx", min: -1, step: 0.01, count: 201, width: 1, wrap: false };
const id: FieldSpec = { name: "id", min: 0, step: 1, count: 2 ** 32, width: 4, wrap: false };
const descriptor: Descriptor = {
  name: "t",
  version: 1,
  width: 1,
  height: 1,
  interest: 1,
  columns: [],
  kinds: [],
  inputs: [
    { name: "walk", fields: [unit], size: 1 },
    { name: "pick", fields: [id, unit], size: 5 },
    { name: "jump", fields: [], size: 0 },
  ],
  events: [{ name: "hit", fields: [id, unit], size: 5 }],
};

describe("INPUT", () => {
  const items = [
    { kind: "walk", fields: { dx: 0.5 } },
    { kind: "jump", fields: {} },
    { kind: "pick", fields: { id: 4_000_000_000, dx: -1 } },
  ];

  it("gives its items in order with their numbers", () => {
    const seen: number[][] = [];
    const taken = readInput(
      descriptor.inputs,
      encodeInput(descriptor, 9, items),
      (seq, kind, _bytes, at, size) => {
        seen.push([seq, kind, at, size]);
        return true;
      },
    );
    expect(taken).toBe(3);
    expect(seen).toEqual([
      [9, 0, 7, 1],
      [10, 2, 9, 0],
      [11, 1, 10, 5],
    ]);
  });

  it("stops where there is no room, and takes nothing of a frame that is bad at its end", () => {
    const frame = encodeInput(descriptor, 1, items);
    expect(readInput(descriptor.inputs, frame, (seq) => seq < 2)).toBe(1);
    const bad = Uint8Array.of(...frame);
    bad[bad.length - 1] = 255;
    const seen: number[] = [];
    expect(() => readInput(descriptor.inputs, bad, (seq) => seen.push(seq) > 0)).toThrow(
      "pick.dx is out of range",
    );
    expect(seen).toEqual([]);
  });

  it("of any bytes is read or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          readInput(descriptor.inputs, Uint8Array.of(2, ...bytes), () => true);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
    );
    expect(() => encodeInput(descriptor, 1, [{ kind: "fly", fields: {} }])).toThrow('no input "fly"');
  });
});

it("EVENT", () => {
  const spec = descriptor.events[0];
  if (!spec) throw new Error("no event");
  const frame = encodeEvent(65_536 + 3, 0, encodeFields(spec, { id: 7, dx: 0.25 }));
  const reader = new ByteReader(frame);
  expect([reader.u8(), reader.u16()]).toEqual([0x83, 3]);
  expect(decodeEvent(descriptor, reader)).toEqual({ kind: "hit", fields: { id: 7, dx: 0.25 } });
  expect(() => decodeEvent(descriptor, new ByteReader(Uint8Array.of(9)))).toThrow(FrameError);
});
