import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { zoneMemory } from "../simulation/memory.ts";
import { compileGame } from "../simulation/schema.ts";
import { SimulatedZone } from "../simulation/zone.ts";
import { game } from "../testing/arena-game.ts";
import { Interest } from "./interest.ts";
import { ZonePicture } from "./zone-picture.ts";

const schema = compileGame(game.declaration);
const SLOTS = 400;

/** A zone whose first walkers stand where they are told. */
function crowd(places: readonly { readonly x: number; readonly y: number }[]) {
  const memory = zoneMemory(schema, SLOTS);
  const zone = new SimulatedZone(game, schema, "sol", SLOTS, memory.buffer, () => {});
  zone.open(0);
  const rows = places.map((_, slot) => (zone.join(slot, slot) ?? 0) & 0xffff);
  // Straight into what is published: no physics between the test and what it says.
  const published = memory.published[Atomics.load(memory.shared, 0) === 0 ? 1 : 0];
  zone.step(0);
  for (const [index, { x, y }] of places.entries()) {
    const { codes, stride } = published;
    const at = (rows[index] as number) * stride;
    codes[at] = Math.round(x * 16);
    codes[at + 1] = Math.round(y * 16);
  }
  const picture = new ZonePicture(schema, memory);
  picture.refresh();
  const { width, height, interest: radius } = schema.descriptor;
  return { picture, rows, interest: new Interest(radius, width, height, picture) };
}

const place = fc.record({ x: fc.integer({ min: 0, max: 200 }), y: fc.integer({ min: 0, max: 200 }) });
/** Many on few spots: the crush. */
const crushed = fc.record({ x: fc.integer({ min: 95, max: 105 }), y: fc.integer({ min: 95, max: 105 }) });

describe("interest", () => {
  it("finds the nearest, as counting them all does, whether there are few or a crush", () => {
    const worlds = fc.oneof(
      fc.array(place, { minLength: 1, maxLength: 60 }),
      fc.array(crushed, { minLength: 100, maxLength: 300 }),
    );
    fc.assert(
      fc.property(worlds, fc.integer({ min: 1, max: 40 }), (places, cap) => {
        const { picture, rows, interest } = crowd(places);
        const [own = 0] = rows;
        const { codes, stride, step } = picture;
        const at = (row: number, axis: 0 | 1) => (codes[row * stride + axis] as number) * step;
        const x = at(own, 0);
        const y = at(own, 1);
        const squares: number[] = [];
        for (let row = 0; row < picture.high; row++) {
          if (picture.kind[row] === 0) continue;
          const dx = at(row, 0) - x;
          const dy = at(row, 1) - y;
          const square = dx * dx + dy * dy;
          if (square <= interest.radius ** 2) squares.push(square);
        }
        squares.sort((a, b) => a - b);
        const found = interest.select(x, y, cap, own);
        expect(found).toBe(Math.min(cap, squares.length));
        expect([...interest.rows.subarray(0, found)]).toContain(own);
        expect(new Set(interest.rows.subarray(0, found)).size).toBe(found);
        // Equal but for the width of a bucket, which decides who of the last few gets in.
        const farthest = Math.max(...interest.squares.subarray(0, found));
        const width = (interest.radius * 1.1) ** 2 / 127;
        expect(farthest).toBeLessThanOrEqual((squares[found - 1] as number) + width + 1e-3);
      }),
      { numRuns: 40 },
    );
  });

  it("keeps the player's own ship in view when more than the cap stand on one spot", () => {
    const { picture, rows, interest } = crowd(Array.from({ length: 300 }, () => ({ x: 100, y: 100 })));
    const own = rows[299] as number;
    const found = interest.select(100, 100, 8, own);
    expect(picture.kind[own]).toBeGreaterThan(0);
    expect(found).toBe(8);
    expect([...interest.rows.subarray(0, found)]).toContain(own);
  });

  it("keeps who is in view a little beyond the edge, and lets in nobody there", () => {
    const { rows, interest } = crowd([
      { x: 20, y: 20 },
      { x: 20 + 52, y: 20 },
    ]);
    const [own = 0, other = 0] = rows;
    const seen = () => [...interest.rows.subarray(0, interest.select(20, 20, 8, own))].includes(other);
    expect(seen()).toBe(false);
    interest.handleOf[other] = 1;
    expect(seen()).toBe(true);
  });
});
