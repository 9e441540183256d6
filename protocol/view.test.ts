import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeWelcome, encodeWelcome, type Welcome } from "./frames.ts";
import { ByteWriter, FrameError } from "./frames-bytes.ts";
import { encodeEvent } from "./frames-event.ts";
import { columnsFor, type Descriptor, type FieldSpec } from "./frames-schema.ts";
import { maxUpdateBytes, UpdateWriter } from "./frames-update.ts";
import { View } from "./view.ts";

const field = (name: string, width: 1 | 2 | 4): FieldSpec => ({
  name,
  min: 0,
  step: 1,
  count: 2 ** (8 * width),
  width,
  wrap: false,
});
/** More columns than the head byte tells of, in all widths. */
const columns = [
  field("x", 2),
  field("y", 2),
  field("a", 1),
  field("b", 4),
  ...["c", "d", "e", "f", "g", "h", "i", "j"].map((n) => field(n, 1)),
];
const game: Descriptor = {
  name: "t",
  version: 1,
  width: 1,
  height: 1,
  interest: 1,
  columns,
  kinds: [
    { name: "small", radius: 1, near: [0, 1], owner: [3] },
    { name: "wide", radius: 1, near: columns.map((_, index) => index), owner: [] },
  ],
  inputs: [],
  events: [{ name: "rang", fields: [], size: 0 }],
};
const welcome = (over: Partial<Welcome> = {}): Welcome =>
  decodeWelcome(
    encodeWelcome({
      session: "s",
      server: "v",
      zone: "z",
      role: "player",
      epoch: 1,
      entity: 1,
      game,
      tickHz: 60,
      updateHz: 12,
      tick: 0,
      inputSeq: 0,
      seq: 0,
      resumed: false,
      replay: 0,
      eventsLost: false,
      heartbeatSeconds: 30,
      ...over,
    }),
  );

const CAP = 40;
const code = fc.oneof(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const step = fc.record({
  handle: fc.integer({ min: 0, max: CAP - 1 }),
  op: fc.constantFrom("enter", "change", "leave"),
  kind: fc.constantFrom(1, 2),
  codes: fc.array(code, { minLength: columns.length, maxLength: columns.length }),
});

describe("a view", () => {
  it("shows exactly what was written, for any run of enters, changes and leaves", () => {
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 12 }), { maxLength: 20 }), (updates) => {
        const view = new View(welcome());
        const sent = new Map<number, { id: number; fields: readonly FieldSpec[]; base: Uint32Array }>();
        let nextId = 1;
        for (const [index, steps] of updates.entries()) {
          const out = new ByteWriter(new Uint8Array(maxUpdateBytes(CAP, columns.length)));
          const writer = new UpdateWriter(out);
          writer.begin(index + 1, index, index, false);
          const once = [...new Map(steps.map((one) => [one.handle, one])).values()];
          for (const { handle } of once.filter((one) => one.op === "leave" && sent.has(one.handle))) {
            writer.leave(handle);
            sent.delete(handle);
          }
          const entering = once.filter((one) => one.op === "enter" && !sent.has(one.handle));
          for (const { handle, kind, codes } of entering) {
            const id = nextId++;
            const fields = columnsFor(game, kind, id === 1);
            const base = Uint32Array.from(
              codes.slice(0, fields.length),
              (value, i) => value % (fields[i]?.count ?? 1),
            );
            writer.enter(handle, kind, id, fields, base, 0);
            sent.set(handle, { id, fields, base });
          }
          for (const { handle, codes } of once.filter((one) => one.op === "change")) {
            const known = sent.get(handle);
            const next = known?.fields.map((spec, i) => (codes[i] ?? 0) % spec.count);
            if (known && next) writer.change(handle, known.fields, Uint32Array.from(next), known.base, 0);
          }
          view.apply(out.written());
        }
        const expected = new Map(
          [...sent.values()].map(({ id, fields, base }) => [
            id,
            Object.fromEntries(fields.map((spec, i) => [spec.name, base[i]])),
          ]),
        );
        expect(new Map([...view.entities].map(([id, entity]) => [id, entity.values]))).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it("says what it knows of the own entity: the owner's columns", () => {
    const out = new ByteWriter(new Uint8Array(100));
    const writer = new UpdateWriter(out);
    writer.begin(1, 65_536 + 5, 3, true);
    writer.enter(0, 1, 1, columnsFor(game, 1, true), Uint32Array.of(1, 2, 3), 0);
    const view = new View(welcome({ tick: 65_530 }));
    view.apply(out.written());
    expect(view.own).toMatchObject({ kind: "small", own: true, values: { x: 1, y: 2, b: 3 } });
    expect([view.tick, view.ackInput, view.seq]).toEqual([65_541, 3, 1]);
  });
});

describe("the sequence", () => {
  const rang = (seq: number) => encodeEvent(seq, 0, new Uint8Array());

  it("admits no gap and no repeat, across 65,535", () => {
    const view = new View(welcome({ seq: 65_534 }));
    expect(view.apply(rang(65_535))).toEqual({ kind: "rang", fields: {} });
    view.apply(rang(65_536));
    expect(view.seq).toBe(65_536);
    expect(() => view.apply(rang(65_536))).toThrow(FrameError);
    expect(() => view.apply(rang(65_538))).toThrow("something was missed");
  });

  it("takes replayed events between what was seen and what is new", () => {
    const view = new View(welcome({ seq: 20, replay: 2, resumed: true }), 10);
    view.apply(rang(12));
    view.apply(rang(17));
    view.apply(rang(21));
    expect(view.seq).toBe(21);
    const other = new View(welcome({ seq: 20, replay: 1, resumed: true }), 10);
    expect(() => other.apply(rang(10))).toThrow("not a replayed event");
  });
});

it("any bytes behind a good head are read or refused, never half-trusted into a crash", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const view = new View(welcome());
      try {
        view.apply(Uint8Array.of(0x82, 1, 0, ...bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
    { numRuns: 500 },
  );
});
