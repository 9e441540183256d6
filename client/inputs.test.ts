import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readInput } from "../protocol/frames-input.ts";
import { Inputs, inputFrames } from "./inputs.ts";
import { game } from "./testing/fake-server.ts";

const fire = { kind: "fire", fields: {} };

describe("inputs", () => {
  it("start anew where too many were never confirmed: the server would wait for the lost ones for ever", () => {
    const inputs = new Inputs();
    for (let n = 0; n < 300; n++) inputs.add(fire);
    expect(inputs.continueFrom({ resumed: true, inputSeq: 0 })).toEqual([]);
    expect(inputs.add(fire)).toBe(1);
  });

  it("go into as few frames as the wire allows, in order", () => {
    const seqs: number[] = [];
    const frames = inputFrames(
      game,
      7,
      Array.from({ length: 70 }, () => fire),
    );
    for (const frame of frames) readInput(game.inputs, frame, (seq) => seqs.push(seq) > 0);
    expect(frames).toHaveLength(3);
    expect(seqs).toEqual(Array.from({ length: 70 }, (_, index) => 7 + index));
  });

  it("reach a server exactly once and in order, whatever is lost and whenever it resumes", () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constant("send" as const) },
      { weight: 3, arbitrary: fc.constant("update" as const) },
      { weight: 1, arbitrary: fc.constant("lose" as const) },
      { weight: 1, arbitrary: fc.constant("anew" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.infiniteStream(fc.nat(8)), (steps, chance) => {
        const inputs = new Inputs();
        /** Inputs by content, as the session has taken them; on the way; given at all since it began. */
        let taken: number[] = [];
        let onTheWay: { seq: number; content: number }[] = [];
        let given: number[] = [];
        let content = 0;
        const arrive = (count: number) => {
          for (const { seq, content: what } of onTheWay.splice(0, count)) {
            // The server passes over what it has, and takes nothing after a hole.
            if (seq === taken.length + 1) taken.push(what);
          }
        };
        for (const what of steps) {
          if (what === "send") {
            content += 1;
            given.push(content);
            onTheWay.push({ seq: inputs.add({ kind: "steer", fields: { content } }), content });
            if (onTheWay.length > 100) arrive(50);
          } else if (what === "update") {
            arrive(chance.next().value);
            inputs.confirm(taken.length);
          } else {
            arrive(chance.next().value);
            if (what === "anew") {
              taken = [];
              given = [];
            }
            const first = taken.length + 1;
            const again = inputs.continueFrom({ resumed: what === "lose", inputSeq: taken.length });
            onTheWay = again.map(({ fields }, index) => ({
              seq: first + index,
              content: fields.content ?? 0,
            }));
          }
        }
        arrive(onTheWay.length);
        expect(taken).toEqual(given);
        expect(inputs.next).toBe(taken.length + 1);
      }),
    );
  });
});
