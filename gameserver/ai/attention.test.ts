import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Attention, BAND } from "./attention.ts";

const WIDTH = 700;
const HEIGHT = 400;
const INTEREST = 60;
const place = fc.record({
  x: fc.double({ min: 0, max: WIDTH, noNaN: true }),
  y: fc.double({ min: 0, max: HEIGHT, noNaN: true }),
});

describe("attention", () => {
  it("puts a place in a band by the nearest player and the nearest engaged one, never lower than promised", () => {
    const attention = new Attention(WIDTH, HEIGHT, INTEREST);
    const player = fc.record({ at: place, engaged: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(player, { maxLength: 12 }),
        fc.array(place, { maxLength: 30 }),
        (players, npcs) => {
          attention.look(
            {
              columns: [players.map(({ at }) => at.x), players.map(({ at }) => at.y)],
              // Every other slot is empty.
              playerRow: Uint16Array.from(players.flatMap((_, row) => [row + 1, 0])),
              engagedUntil: Uint32Array.from(players.flatMap(({ engaged }) => [engaged ? 8 : 7, 99])),
            },
            7,
          );
          for (const { x, y } of npcs) {
            const to = (list: typeof players) =>
              Math.min(...list.map(({ at }) => Math.max(Math.abs(at.x - x), Math.abs(at.y - y))));
            const fight = to(players.filter(({ engaged }) => engaged));
            const near = to(players);
            const band = attention.at(x, y);
            const cell = INTEREST / 3;
            if (fight <= cell) expect(band).toBe(BAND.engaged);
            if (fight > cell * 2) expect(band).not.toBe(BAND.engaged);
            if (near <= cell * 2) expect(band).toBeLessThanOrEqual(BAND.near);
            if (near <= INTEREST * 1.25) expect(band).toBeLessThanOrEqual(BAND.mid);
            if (near > cell * 5) expect(band).toBe(BAND.far);
          }
        },
      ),
    );
  });

  it("has an answer for places outside the world and for no number, and in a world of one cell", () => {
    const attention = new Attention(10, 10, 1_000);
    const nobody = { columns: [[], []], playerRow: new Uint16Array(3), engagedUntil: new Uint32Array(3) };
    attention.look(nobody, 0);
    for (const at of [-1e9, 1e9, Number.NaN]) expect(attention.at(at, at)).toBe(BAND.far);
    attention.look({ ...nobody, columns: [[Number.NaN], [5]], playerRow: Uint16Array.of(0, 1, 0) }, 0);
    expect(attention.at(9, 9)).toBe(BAND.near);
  });
});
