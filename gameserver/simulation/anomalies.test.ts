/** Physics that goes wrong, and physics at its peak: the requirement is that nobody else notices. */
import { beforeAll, describe, expect, it } from "vitest";
import { defineGame, type GameDeclaration } from "../game.ts";
import { Anomalies } from "../physics/anomalies.ts";
import { loadRapier } from "../physics/rapier.ts";
import { circle, world } from "../physics/testing.ts";
import { game as crates } from "../testing/crates-game.ts";
import { type ZoneMemory, zoneMemory } from "./memory.ts";
import { guardRegion, type RegionGuard, UNGUARDED } from "./region-guard.ts";
import { compileGame } from "./schema.ts";
import { SimulatedZone } from "./zone.ts";

beforeAll(loadRapier);

const SPACE = { width: 400, height: 400, maxSpeed: 30, bounce: true, interest: 100 };
const KINDS = [circle(1), circle(0.25, 10)];

interface Running {
  readonly zone: SimulatedZone;
  readonly memory: ZoneMemory;
  readonly faults: string[];
  readonly column: (name: string) => Float32Array;
}

/** The crates game, empty but for two players far apart. */
function yard(
  spawn: readonly (readonly [kind: string, at: Readonly<Record<string, number>>])[] = [],
): Running {
  const game = defineGame(crates.declaration as GameDeclaration, {
    ...crates.rules,
    open(zone) {
      for (const [kind, at] of spawn) zone.spawn(kind, at);
    },
  });
  const schema = compileGame(game.declaration);
  const memory = zoneMemory(schema, 4);
  const faults: string[] = [];
  const onFault = (_: string, where: string) => void faults.push(where);
  const zone = new SimulatedZone(game, schema, "yard", 4, memory.buffer, onFault);
  zone.open(0);
  for (let slot = 0; slot < 2; slot++) zone.join(slot, slot);
  const column = (name: string) =>
    memory.columns[schema.columns.findIndex((entry) => entry.name === name)] as Float32Array;
  return { zone, memory, faults, column };
}

const rowOf = ({ memory }: Running, slot: number) => (memory.playerRow[slot] ?? 0) - 1;

describe("physics anomaly", () => {
  it("not a number: the body stands still inside the world, is reported, and no other body differs", () => {
    const [sick, well] = [yard(), yard()];
    for (const { column } of [sick, well]) column("vx")[1] = 12;
    sick.column("x")[rowOf(sick, 0)] = Number.NaN;
    sick.column("vy")[rowOf(sick, 0)] = Number.POSITIVE_INFINITY;
    for (let tick = 0; tick < 30; tick++) {
      sick.zone.step(0);
      well.zone.step(0);
    }
    const row = rowOf(sick, 0);
    for (const name of ["x", "y", "vx", "vy"]) expect(Number.isFinite(sick.column(name)[row])).toBe(true);
    expect(sick.column("x")[row]).toBeGreaterThanOrEqual(0);
    const other = rowOf(sick, 1);
    for (const name of ["x", "y", "vx", "vy"]) {
      expect(sick.column(name)[other]).toBe(well.column(name)[other]);
    }
    expect([sick.faults, well.faults]).toEqual([["physics not-a-number"], []]);
  });

  it("explosion: a speed beyond all bounds is brought down to the limit and reported once a second", () => {
    const running = yard();
    for (let tick = 0; tick < 90; tick++) {
      // In one place: a report is due once a second for each tile.
      running.column("x")[rowOf(running, 0)] = 20;
      running.column("vx")[rowOf(running, 0)] = 1e30;
      running.zone.step(0);
      expect(running.column("vx")[rowOf(running, 0)]).toBeLessThanOrEqual(40);
    }
    expect(running.faults).toEqual(["physics explosion", "physics explosion"]);
  });

  it("rigid bodies spoilt by a rule go on from where they were; the others do not notice", () => {
    const given = [
      ["crate", { x: 60, y: 60, vx: 3 }],
      ["crate", { x: 20, y: 180, vx: 3 }],
    ] as const;
    const [sick, well] = [yard(given), yard(given)];
    const [bad = -1, good = -1] = [...sick.memory.kind.keys()].filter((row) => sick.memory.kind[row] === 3);
    for (let tick = 0; tick < 60; tick++) {
      if (tick === 30) {
        sick.column("x")[bad] = Number.NaN;
        sick.column("spin")[bad] = Number.POSITIVE_INFINITY;
      }
      sick.zone.step(0);
      well.zone.step(0);
      expect(sick.column("x")[good]).toBe(well.column("x")[good]);
    }
    expect(Math.abs((sick.column("x")[bad] ?? Number.NaN) - 62.5)).toBeLessThan(1);
    expect(Number.isFinite(sick.column("spin")[bad])).toBe(true);
    expect(sick.faults).toEqual(["physics not-a-number"]);
    sick.zone.close();
    well.zone.close();
  });

  it("tunnelling: nothing fast passes through anything, from any side, at any speed up to the limit", () => {
    for (let angle = 0; angle < 6.28; angle += 0.13) {
      for (const speed of [15, 22.5, 30]) {
        const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
        const from = { x: 200 - dx * 20, y: 200 - dy * 20, vx: dx * speed, vy: dy * speed };
        const { step } = world({ ...SPACE, maxSpeed: 240 }, KINDS, [
          { kind: 1, x: 200, y: 200 },
          { kind: 2, ...from, vx: from.vx * 8, vy: from.vy * 8 },
        ]);
        let touched = 0;
        for (let n = 0; n < 30; n++) step(() => touched++);
        expect(touched).toBe(1);
      }
    }
  });

  it("pile: two thousand bodies in one place cost in proportion to their number, and come apart", () => {
    const heap = Array.from({ length: 2_000 }, (_, n) => ({
      kind: 1,
      x: 200 + (n % 40) * 0.05,
      y: 200 + Math.floor(n / 40) * 0.05,
    }));
    const { step, bodies, data } = world(SPACE, KINDS, heap);
    const spread = () => Math.max(...bodies.x) - Math.min(...bodies.x);
    const before = spread();
    let touches = 0;
    step(() => touches++);
    // No more told than each finder may tell, however deep the heap.
    expect(touches).toBeLessThanOrEqual(2_000 * 8);
    expect(Math.max(...data.tests)).toBeGreaterThan(100_000);
    for (let n = 0; n < 400; n++) step();
    expect(spread()).toBeGreaterThan(before * 5);
    for (const column of [bodies.x, bodies.y, bodies.vx, bodies.vy]) {
      expect(column.every((value) => Number.isFinite(value))).toBe(true);
    }
  });

  it("pile: its tile is slowed, reported, and freed again; a body elsewhere moves as if it were not there", () => {
    const lone = { kind: 1, x: 50, y: 50, vx: 4, vy: 3 };
    const heap = Array.from({ length: 1_000 }, (_, n) => ({ kind: 1, x: 300 + (n % 10) * 0.1, y: 300 }));
    const apart = heap.map((body, n) => ({
      ...body,
      x: 210 + (n % 40) * 4.5,
      y: 210 + Math.floor(n / 40) * 7,
    }));
    const [sick, well] = [world(SPACE, KINDS, [lone, ...heap]), world(SPACE, KINDS, [lone, ...apart])];
    const found = [sick, well].map(({ data }) => new Anomalies(data));
    const names: string[][] = [[], []];
    const slowed = () => sick.bodies.slowed.filter((steps) => steps > 0).length;
    for (let tick = 1; tick <= 50; tick++) {
      for (const [side, made] of [sick, well].entries()) {
        made.step();
        for (const { name } of found[side]?.look(tick) ?? []) names[side]?.push(name);
      }
      for (const column of ["x", "y", "vx", "vy"] as const) {
        expect(sick.bodies[column][0]).toBe(well.bodies[column][0]);
      }
    }
    expect([new Set(names[0]), names[1]]).toEqual([new Set(["pile"]), []]);
    expect(slowed()).toBeGreaterThan(0);
    for (const [n, { x, y }] of apart.entries()) {
      sick.bodies.x[n + 1] = x;
      sick.bodies.y[n + 1] = y;
    }
    for (let tick = 51; tick <= 90; tick++) {
      sick.step();
      found[0]?.look(tick);
    }
    expect(slowed()).toBe(0);
  });

  it("a rigid region that eats the frame is slowed in steps, with patience, and freed when it is calm", () => {
    let guard: RegionGuard = UNGUARDED;
    const periods: number[] = [];
    const run = (ms: number, steps: number) => {
      for (let n = 0; n < steps; n++) {
        guard = guardRegion(guard, ms);
        if (periods.at(-1) !== guard.period) periods.push(guard.period);
      }
    };
    run(2, 200);
    run(12, 400);
    expect(periods).toEqual([1, 2, 4]);
    run(4, 400);
    expect(guard.period).toBe(4);
    run(1, 400);
    expect(periods).toEqual([1, 2, 4, 2, 1]);
  });

  it("an isolated region runs slower; its neighbours do not", () => {
    const given = [
      ["crate", { x: 30, y: 60, vx: 6 }],
      ["crate", { x: 330, y: 60, vx: 6 }],
    ] as const;
    const running = yard(given);
    const [slow = -1, free = -1] = [...running.memory.kind.keys()].filter(
      (row) => running.memory.kind[row] === 3,
    );
    // A player beside each: neither is far from everybody.
    running.column("x")[rowOf(running, 0)] = 30;
    running.column("x")[rowOf(running, 1)] = 330;
    running.column("y").fill(140, 0, 2);
    running.zone.isolate(0, 4);
    for (let tick = 0; tick < 60; tick++) running.zone.step(0);
    const moved = [slow, free].map((row, at) => (running.column("x")[row] ?? 0) - [30, 330][at]!);
    expect(moved[1]! / moved[0]!).toBeGreaterThan(3.5);
    running.zone.close();
  });
});

describe("complex physics at peak", () => {
  it("a crowd, a storm of shots and four hundred crates in one place: all inside, all told, all the same twice", () => {
    const crowd = Array.from({ length: 400 }, (_, n) => {
      const at = { x: 180 + (n % 20) * 2, y: 60 + Math.floor(n / 20) * 4, vx: (n % 7) - 3, angle: n };
      return ["crate", at] as const;
    });
    const shots = Array.from({ length: 32 }, (_, n) => ["bolt", { x: 100, y: 60 + n * 2, vx: 40 }] as const);
    const runs = [yard([...crowd, ...shots]), yard([...crowd, ...shots])];
    for (let tick = 0; tick < 180; tick++) {
      const [a, b] = runs.map(({ zone }) => {
        zone.step(0);
        return zone.digest();
      });
      expect(a).toBe(b);
    }
    for (const { memory, column, faults, zone } of runs) {
      for (const [row, kind] of memory.kind.entries()) {
        if (kind === 0) continue;
        expect(column("x")[row]).toBeGreaterThanOrEqual(0);
        expect(column("x")[row]).toBeLessThanOrEqual(400);
        expect(Math.abs(column("vx")[row] ?? Number.NaN)).toBeLessThanOrEqual(40);
      }
      expect(faults).toEqual([]);
      zone.close();
    }
  });
});

describe("level of detail", () => {
  const far = { ...SPACE, width: 2_000, height: 200, bounce: false };

  it("near a player moves in every step; far away every fourth, and loses no way", () => {
    const { bodies, step, rows } = world(
      far,
      KINDS,
      [
        { kind: 1, x: 20, y: 100 },
        { kind: 1, x: 40, y: 100, vx: 6 },
        { kind: 1, x: 1_800, y: 100, vx: 6 },
      ],
      { players: [0] },
    );
    const [, near = -1, distant = -1] = rows;
    const steps = { near: 0, distant: 0 };
    for (let n = 0; n < 120; n++) {
      const before = [bodies.x[near], bodies.x[distant]];
      step();
      if (bodies.x[near] !== before[0]) steps.near++;
      if (bodies.x[distant] !== before[1]) steps.distant++;
    }
    expect(steps).toEqual({ near: 120, distant: 30 });
    expect(bodies.x[near]).toBeCloseTo(52, 2);
    expect(Math.abs((bodies.x[distant] ?? 0) - 1_812)).toBeLessThan(0.4);
  });

  it("wakes as a player comes near without a jump that its speed does not explain", () => {
    const players = [0];
    const made = world(
      far,
      KINDS,
      [
        { kind: 1, x: 20, y: 30, vx: 30 },
        { kind: 1, x: 1_500, y: 150, vx: -10 },
      ],
      { players },
    );
    const [walker = -1, other = -1] = made.rows;
    let largest = 0;
    for (let n = 0; n < 1_800; n++) {
      made.bodies.vx[walker] = 30;
      const before = made.bodies.x[other] ?? 0;
      made.step(undefined, n % 600 < 300 ? 1 : 2);
      const distance = Math.abs((made.bodies.x[walker] ?? 0) - (made.bodies.x[other] ?? 0));
      const moved = Math.abs((made.bodies.x[other] ?? 0) - before);
      largest = Math.max(largest, moved);
      // Within sight it moves as in any step: what it owed was made up for before.
      if (distance < SPACE.interest) expect(moved).toBeLessThan(10 / 60 + 1e-3);
    }
    expect(largest).toBeLessThanOrEqual((10 * 8) / 60 + 1e-3);
    expect(made.bodies.x[other]).toBeCloseTo(1_500 - 300, 0);
  });
});
