import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Circles } from "./circles.ts";
import { Grid } from "./grid.ts";

const WORLD = { width: 100, height: 100, maxSpeed: 50, bounce: true };
const KINDS = [
  { radius: 1, inverseMass: 1, collides: true },
  { radius: 12, inverseMass: 0, collides: true },
  { radius: 1, inverseMass: 1, collides: false },
];
const odd = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1e9, 1e9);
const place = fc.oneof({ weight: 20, arbitrary: fc.double({ min: 0, max: 100, noNaN: true }) }, odd);
const body = fc.record({ x: place, y: place, vx: place, vy: place, kind: fc.integer({ min: 0, max: 3 }) });

type Body = { x: number; y: number; vx: number; vy: number; kind: number };

function columns(bodies: readonly Body[]) {
  return {
    x: Float32Array.from(bodies, (b) => b.x),
    y: Float32Array.from(bodies, (b) => b.y),
    vx: Float32Array.from(bodies, (b) => b.vx),
    vy: Float32Array.from(bodies, (b) => b.vy),
    kind: Uint8Array.from(bodies, (b) => b.kind),
  };
}

describe("circles", () => {
  it("touch exactly those that overlap, each pair once, lower row first", () => {
    fc.assert(
      fc.property(fc.array(body, { maxLength: 60 }), (given) => {
        // Standing still, so that positions after the move are the given ones, contained.
        const bodies = columns(given.map((b) => ({ ...b, vx: 0, vy: 0 })));
        const circles = new Circles(bodies, WORLD, KINDS);
        const touched: string[] = [];
        const x = bodies.x.map((value, i) => contained(value, bodies.kind[i] ?? 0));
        const y = bodies.y.map((value, i) => contained(value, bodies.kind[i] ?? 0));
        circles.step(given.length, 1 / 60, (a, b) => touched.push(`${a} ${b}`));
        expect(new Set(touched).size).toBe(touched.length);
        // Pushes move neighbours within the step, so only pairs far from the border are certain.
        const deep = pairs(given.length, (a, b) => overlap(bodies.kind, x, y, a, b));
        const mobile = (pair: string) =>
          pair.split(" ").every((row) => (bodies.kind[Number(row)] ?? 0) !== 0);
        expect(touched.filter((pair) => !mobile(pair))).toEqual([]);
        if (deep.length <= 1) expect(touched).toEqual(deep);
      }),
    );
  });

  it("stay inside the world whatever they are given, and nothing becomes NaN", () => {
    fc.assert(
      fc.property(fc.array(body, { maxLength: 40 }), (given) => {
        const bodies = columns(given);
        const circles = new Circles(bodies, WORLD, KINDS);
        for (let step = 0; step < 5; step++) circles.step(given.length, 1 / 60, () => {});
        // The last push may leave a circle a little outside until the next move.
        circles.step(given.length, 0, () => {});
        for (let row = 0; row < given.length; row++) {
          if (bodies.kind[row] === 0) continue;
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
    const bodies = columns([
      { x: 50, y: 50, vx: 5, vy: 0, kind: 1 },
      { x: 51, y: 50, vx: -5, vy: 0, kind: 1 },
    ]);
    const circles = new Circles(bodies, WORLD, KINDS);
    for (let step = 0; step < 30; step++) circles.step(2, 1 / 60, () => {});
    expect((bodies.x[1] ?? 0) - (bodies.x[0] ?? 0)).toBeGreaterThanOrEqual(1.99);
    expect(bodies.vx[0]).toBeLessThan(0);
    expect(bodies.vx[1]).toBeGreaterThan(0);
  });

  it("what has no mass is not moved by what bumps into it", () => {
    const bodies = columns([
      { x: 50, y: 50, vx: 0, vy: 0, kind: 2 },
      { x: 62, y: 50, vx: -20, vy: 0, kind: 1 },
    ]);
    const circles = new Circles(bodies, WORLD, KINDS);
    for (let step = 0; step < 60; step++) circles.step(2, 1 / 60, () => {});
    expect([bodies.x[0], bodies.y[0]]).toEqual([50, 50]);
    expect(bodies.x[1]).toBeGreaterThanOrEqual(62.9);
  });
});

it("the grid finds a superset of the circle, each row once", () => {
  const points = fc.array(
    fc.record({
      x: fc.double({ min: 0, max: 100, noNaN: true }),
      y: fc.double({ min: 0, max: 100, noNaN: true }),
    }),
    {
      minLength: 1,
      maxLength: 100,
    },
  );
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

function contained(value: number, kind: number): number {
  const radius = KINDS[kind - 1]?.radius ?? 0;
  if (value >= radius && value <= 100 - radius) return value;
  return value > 100 - radius ? 100 - radius : radius;
}

function overlap(
  kind: Uint8Array,
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  a: number,
  b: number,
): boolean {
  const [first, second] = [KINDS[(kind[a] ?? 0) - 1], KINDS[(kind[b] ?? 0) - 1]];
  if (!first?.collides || !second?.collides) return false;
  const square = ((x[a] ?? 0) - (x[b] ?? 0)) ** 2 + ((y[a] ?? 0) - (y[b] ?? 0)) ** 2;
  return square < (first.radius + second.radius) ** 2;
}

function pairs(count: number, holds: (a: number, b: number) => boolean): string[] {
  const found: string[] = [];
  for (let a = 0; a < count; a++)
    for (let b = a + 1; b < count; b++) if (holds(a, b)) found.push(`${a} ${b}`);
  return found;
}
