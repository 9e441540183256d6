import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { game } from "../testing/arena-game.ts";
import { EventReader, EventWriter, TARGET } from "./event-log.ts";
import { clearInputs, drainInputs, pushInput } from "./input-ring.ts";
import { INPUT_HEAD_BYTES, INPUT_PLACES, SHARED, zoneMemory } from "./memory.ts";
import { compileGame } from "./schema.ts";

const schema = compileGame(game.declaration);

describe("the input ring", () => {
  it("gives what was taken, in order, once, for any run of pushes and drains", () => {
    const op = fc.oneof({ weight: 5, arbitrary: fc.constant("push") }, fc.constant("drain"));
    fc.assert(
      fc.property(fc.array(op, { maxLength: 300 }), (ops) => {
        const memory = zoneMemory(schema, 3);
        // Counters wrap at 2^31: begin near it.
        memory.inputHead[1] = memory.inputTail[1] = 2 ** 31 - 40;
        let seq = 0;
        const out: number[][] = [];
        const drain = () =>
          drainInputs(memory, 1, (number, kind, at) => {
            out.push([number, kind, memory.inputData[at] ?? -1]);
          });
        for (const what of ops) {
          if (what === "drain") drain();
          else if (pushInput(memory, 1, seq + 1, seq % 3, Uint8Array.of(9, seq), 1, 1)) seq++;
        }
        drain();
        expect(out).toEqual(Array.from({ length: seq }, (_, i) => [i + 1, i % 3, i % 256]));
        expect(memory.accepted[1]).toBe(seq);
      }),
    );
  });

  it("refuses when it is full, and is empty for the next player", () => {
    const memory = zoneMemory(schema, 2);
    const push = (seq: number) => pushInput(memory, 0, seq, 0, new Uint8Array(2), 0, 2);
    for (let seq = 1; seq <= INPUT_PLACES; seq++) expect(push(seq)).toBe(true);
    expect(push(99)).toBe(false);
    clearInputs(memory, 0);
    expect([memory.accepted[0], push(1)]).toEqual([0, true]);
    expect(memory.inputStride).toBeGreaterThanOrEqual(INPUT_HEAD_BYTES + schema.inputBytes);
  });
});

describe("the event log", () => {
  const sizes = schema.descriptor.events.map((spec) => spec.size);

  it("gives every reader everything after its cursor, across the end of the log", () => {
    const memory = zoneMemory(schema, 2);
    // The cursor wraps at 2^32 units: begin near it.
    memory.shared[SHARED.eventHead] = -50;
    const writer = new EventWriter(memory);
    const reader = new EventReader(memory, sizes);
    let cursor = reader.head;
    for (let round = 0; round < 300; round++) {
      const sent = Array.from({ length: 20 }, (_, i) => (round * 20 + i) & 0xff);
      for (const value of sent) writer.write(TARGET.player, 1, value, 1.5, 0, 0, Uint8Array.of(value, 1));
      const got: number[] = [];
      const whole = reader.read(cursor, reader.head, (event) => {
        expect([event.target, event.kind, event.x, event.fields.length]).toEqual([TARGET.player, 1, 1.5, 2]);
        got.push(event.fields[0] ?? -1);
      });
      cursor = reader.head;
      expect([whole, got]).toEqual([true, sent]);
    }
  });

  it("tells a reader that was too late, and gives it nothing half", () => {
    const memory = zoneMemory(schema, 2);
    const writer = new EventWriter(memory);
    const reader = new EventReader(memory, sizes);
    const from = reader.head;
    // An event without fields takes 24 bytes.
    const perLog = Math.ceil(memory.events.length / 24);
    for (let i = 0; i < perLog + 10; i++) writer.write(TARGET.everyone, 2, 0, 0, 0, 0, new Uint8Array());
    const seen: unknown[] = [];
    expect(reader.read(from, reader.head, (event) => seen.push(event))).toBe(false);
    expect(seen).toEqual([]);
  });
});
