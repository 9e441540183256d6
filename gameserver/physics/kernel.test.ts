import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Grid } from "./grid.ts";
import { type Body, circle, world } from "./testing.ts";

const WORLD = { width: 100, height: 100, maxSpeed: 50, bounce: true, interest: 30 };
const KINDS = [circle(1), circle(12, 0), circle(1, 1, false)];
const odd = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1e9, 1e9);
const coordinate = fc.oneof({ weight: 20, arbitrary: fc.double({ min: 0, max: 100, noNaN: true }) }, odd);
const body = fc.record({
  kind: fc.integer({ min: 1, max: 3 }),
  x: coordinate,
  y: coordinate,
  vx: coordinate,
  vy: coordinate,
});
const finite = (value: number) => (Number.isFinite(value) ? value : 0);

describe("circles", () => {
  it("touch only those that overlap, each pair once, lower row first", () => {
    fc.assert(
      fc.property(fc.array(body, { maxLength: 60, size: "max" }), (given) => {
        // Standing still, so that positions after the move are the given ones, contained.
        const still = given.map((b) => ({ ...b, vx: 0, vy: 0 }));
        const { step, rows } = world(WORLD, KINDS, still);
        const touched: string[] = [];
        step((a, b) => touched.push(`${a} ${b}`));
        const at = new Map(rows.map((row, index) => [row, contained(still[index] as Body)]));
        expect(new Set(touched).size).toBe(touched.length);
        for (const pair of touched) {
          const [a = -1, b = -1] = pair.split(" ").map(Number);
          expect(a).toBeLessThan(b);
        }
        const deep = pairs(
          [...at.keys()].sort((a, b) => a - b),
          (a, b) => overlap(at.get(a), at.get(b)),
        );
        // Pushes move neighbours within the step, so only a lone pair is certain.
        if (deep.length <= 1) expect(touched).toEqual(deep);
      }),
    );
  });

  it("stay inside the world whatever they are given, and nothing becomes NaN", () => {
    fc.assert(
      fc.property(fc.array(body, { maxLength: 40, size: "max" }), (given) => {
        const { bodies, step, rows } = world(WORLD, KINDS, given);
        for (let n = 0; n < 6; n++) step();
        for (const row of rows) {
          for (const column of [bodies.x, bodies.y]) {
            expect(column[row]).toBeGreaterThan(-15);
            expect(column[row]).toBeLessThan(115);
          }
          expect(Math.abs(bodies.vx[row] ?? Number.NaN)).toBeLessThan(1_000);
        }
      }),
    );
  });

  it("two pushed into each other come apart and bounce", () => {
    const { bodies, step } = world(WORLD, KINDS, [
      { kind: 1, x: 50, y: 50, vx: 5 },
      { kind: 1, x: 51, y: 50, vx: -5 },
    ]);
    for (let n = 0; n < 30; n++) step();
    expect((bodies.x[1] ?? 0) - (bodies.x[0] ?? 0)).toBeGreaterThanOrEqual(1.99);
    expect(bodies.vx[0]).toBeLessThan(0);
    expect(bodies.vx[1]).toBeGreaterThan(0);
  });

  it("what has no mass is not moved by what bumps into it", () => {
    const { bodies, rows, step } = world(WORLD, KINDS, [
      { kind: 2, x: 50, y: 50 },
      { kind: 1, x: 62, y: 50, vx: -20 },
    ]);
    const [rock = -1, ball = -1] = rows;
    for (let n = 0; n < 60; n++) step();
    expect([bodies.x[rock], bodies.y[rock]]).toEqual([50, 50]);
    expect(bodies.x[ball]).toBeGreaterThanOrEqual(62.9);
  });
});

describe("capsules", () => {
  const kinds = [{ ...circle(1), capsule: 10, angle: 0 }, circle(0.5)];

  it("are long along their angle and thin across it", () => {
    const ball = (x: number, y: number) => ({ kind: 2, x, y });
    const hits = (x: number, y: number, angle: number) => {
      const { step } = world(WORLD, kinds, [{ kind: 1, x: 50, y: 50, angle }, ball(x, y)]);
      let count = 0;
      step(() => count++);
      return count;
    };
    expect([hits(56, 50, 0), hits(50, 56, 0), hits(56.6, 50, 0), hits(50, 51.4, 0)]).toEqual([1, 0, 0, 1]);
    expect([hits(56, 50, Math.PI / 2), hits(50, 56, Math.PI / 2)]).toEqual([0, 1]);
  });

  it("meet each other crosswise, in line and side by side, as their closest points say", () => {
    const place = fc.record({
      x: fc.double({ min: 40, max: 60, noNaN: true }),
      y: fc.double({ min: 40, max: 60, noNaN: true }),
      angle: fc.double({ min: -4, max: 4, noNaN: true }),
    });
    fc.assert(
      fc.property(place, place, (a, b) => {
        const { step } = world(WORLD, kinds, [
          { kind: 1, ...a },
          { kind: 1, ...b },
        ]);
        let touched = false;
        step(() => (touched = true));
        const distance = sampled(a, b);
        // 200 samples along each axis are within 0.06 of the truth.
        if (distance < 1.93) expect(touched).toBe(true);
        if (distance > 2.07) expect(touched).toBe(false);
      }),
    );
  });
});

it("the grid finds a superset of the circle, each row once", () => {
  const point = fc.record({
    x: fc.double({ min: 0, max: 100, noNaN: true }),
    y: fc.double({ min: 0, max: 100, noNaN: true }),
  });
  const points = fc.array(point, { minLength: 1, maxLength: 100 });
  fc.assert(
    fc.property(points, fc.double({ min: 0.1, max: 60, noNaN: true }), (given, radius) => {
      const grid = new Grid(100, 100, 5, given.length);
      const xs = given.map((p) => p.x);
      const ys = given.map((p) => p.y);
      grid.build(xs, ys, new Uint8Array(given.length).fill(1), given.length);
      const found: number[] = [];
      grid.around(50, 50, radius, (row) => found.push(row));
      const inside = given.flatMap((p, row) =>
        (p.x - 50) ** 2 + (p.y - 50) ** 2 <= radius ** 2 ? [row] : [],
      );
      expect(new Set(found).size).toBe(found.length);
      expect(inside.filter((row) => !found.includes(row))).toEqual([]);
    }),
  );
});

function contained(given: Body): Body {
  const radius = KINDS[given.kind - 1]?.radius ?? 0;
  const inside = (value: number) => Math.min(100 - radius, Math.max(radius, Math.fround(finite(value))));
  return { ...given, x: inside(given.x), y: inside(given.y) };
}

function overlap(a: Body | undefined, b: Body | undefined): boolean {
  const [first, second] = [KINDS[(a?.kind ?? 0) - 1], KINDS[(b?.kind ?? 0) - 1]];
  if (!a || !b || !first?.collides || !second?.collides) return false;
  const square = (a.x - b.x) ** 2 + (a.y - b.y) ** 2;
  return square < (first.radius + second.radius) ** 2;
}

function pairs(rows: readonly number[], holds: (a: number, b: number) => boolean): string[] {
  return rows.flatMap((a) => rows.filter((b) => a < b && holds(a, b)).map((b) => `${a} ${b}`));
}

interface Line {
  readonly x: number;
  readonly y: number;
  readonly angle: number;
}

/** Distance of two capsule axes of length 10 by looking everywhere. */
function sampled(a: Line, b: Line): number {
  const at = (line: Line, share: number) => [
    line.x + Math.cos(line.angle) * share * 5,
    line.y + Math.sin(line.angle) * share * 5,
  ];
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i <= 200; i++) {
    for (let j = 0; j <= 200; j++) {
      const [ax = 0, ay = 0] = at(a, i / 100 - 1);
      const [bx = 0, by = 0] = at(b, j / 100 - 1);
      least = Math.min(least, (ax - bx) ** 2 + (ay - by) ** 2);
    }
  }
  return Math.sqrt(least);
}
