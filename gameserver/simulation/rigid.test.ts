/** Rigid bodies in a zone: what Rapier and the circle kernel do to each other through the columns. */
import { beforeAll, describe, expect, it } from "vitest";
import type { GameDeclaration } from "../game.ts";
import { defineGame } from "../game.ts";
import { loadRapier } from "../physics/rapier.ts";
import { rigidBody } from "../physics/shapes.ts";
import { game as crates } from "../testing/crates-game.ts";
import { zoneMemory } from "./memory.ts";
import { compileGame } from "./schema.ts";
import { SimulatedZone } from "./zone.ts";

beforeAll(loadRapier);

type Place = Readonly<Record<string, number>>;

/** The crates game with nothing in it but what is given. */
function yard(given: readonly (readonly [kind: string, at: Place])[], players = 1) {
  const game = defineGame(crates.declaration as GameDeclaration, {
    ...crates.rules,
    open(zone) {
      for (const [kind, at] of given) zone.spawn(kind, at);
    },
  });
  const schema = compileGame(game.declaration);
  const memory = zoneMemory(schema, 8);
  const faults: string[] = [];
  const zone = new SimulatedZone(game, schema, "yard", 8, memory.buffer, (_, where) => faults.push(where));
  zone.open(0);
  for (let slot = 0; slot < players; slot++) zone.join(slot, slot);
  const column = (name: string) => {
    const found = memory.columns[schema.columns.findIndex((entry) => entry.name === name)];
    if (!found) throw new Error(`no column ${name}`);
    return found;
  };
  const rows = (kind: string) => {
    const number = schema.kinds.findIndex((entry) => entry.name === kind) + 1;
    return Array.from(memory.kind.keys()).filter((row) => memory.kind[row] === number);
  };
  const steps = (count: number) => {
    for (let n = 0; n < count; n++) zone.step(0);
  };
  return { zone, memory, column, rows, steps, faults };
}

describe("rigid bodies", () => {
  it("move, collide with each other and with walls, and keep their momentum", () => {
    const { column, rows, steps, zone, faults } = yard([
      ["crate", { x: 20, y: 30, vx: 20 }],
      ["crate", { x: 30, y: 30.5 }],
    ]);
    const [a = -1, b = -1] = rows("crate");
    const momentum = () => (column("vx")[a] ?? 0) + (column("vx")[b] ?? 0);
    steps(20);
    const before = momentum();
    steps(15);
    expect(column("vx")[b]).toBeGreaterThan(5);
    expect(column("spin")[b]).not.toBe(0);
    expect(momentum()).toBeLessThanOrEqual(before);
    expect(momentum()).toBeGreaterThan(before * 0.8);
    steps(1_200);
    for (const row of [a, b]) {
      expect(column("x")[row]).toBeGreaterThan(0);
      expect(column("x")[row]).toBeLessThan(400);
    }
    expect(faults).toEqual([]);
    zone.close();
  });

  it("are pushed by a circle, off-centre so that they turn, and push it back", () => {
    const { memory, column, rows, steps, zone } = yard([["crate", { x: 40, y: 40 }]]);
    const player = (memory.playerRow[0] ?? 0) - 1;
    const [crate = -1] = rows("crate");
    column("x")[player] = 36;
    column("y")[player] = 40.6;
    column("vx")[player] = 30;
    steps(12);
    expect(column("vx")[crate]).toBeGreaterThan(1);
    expect(Math.abs(column("spin")[crate] ?? 0)).toBeGreaterThan(0.1);
    expect(column("vx")[player]).toBeLessThan(30);
    expect(column("hits")[player]).toBeGreaterThan(0);
    zone.close();
  });

  it("are not passed through by something fast, and stop at what never moves", () => {
    const { memory, column, rows, steps, zone } = yard([
      ["crate", { x: 60, y: 30, vx: -38 }],
      ["pillar", { x: 30, y: 30 }],
      ["crate", { x: 100, y: 100 }],
      ["bolt", { x: 90, y: 100.2, vx: 40 }],
    ]);
    const [thrown = -1] = rows("crate");
    let least = Number.POSITIVE_INFINITY;
    for (let n = 0; n < 90; n++) {
      steps(1);
      least = Math.min(least, (column("x")[thrown] ?? 0) - 30);
    }
    expect(least).toBeGreaterThan(12);
    expect(column("vx")[thrown]).toBeGreaterThan(0);
    // The bolt struck the other crate, and the rule took it away.
    expect(rows("bolt")).toEqual([]);
    expect(memory.kind.filter((kind) => kind !== 0).length).toBe(4);
    zone.close();
  });

  it("cross from region to region without losing their way, and meet across the border", () => {
    const given = [
      ["crate", { x: 80, y: 60, vx: 30 }],
      ["crate", { x: 101.5, y: 120 }],
      ["crate", { x: 90, y: 120, vx: 20 }],
    ] as const;
    // The third player is near all of them: nothing is slowed.
    const { memory, column, rows, steps, zone } = yard(given, 3);
    const [crosser = -1, still = -1] = rows("crate");
    expect(memory.rigid.regions).toBe(4);
    const { first } = memory.rigid;
    const xs: number[] = [];
    const owners = new Set<number>();
    for (let n = 0; n < 200; n++) {
      steps(1);
      xs.push(column("x")[crosser] ?? 0);
      owners.add(memory.rigid.owner[crosser - first] ?? 0);
    }
    const jumps = xs.slice(1).map((x, i) => x - (xs[i] ?? 0));
    expect(Math.min(...jumps)).toBeGreaterThan(0);
    expect(Math.max(...jumps)).toBeLessThan(31 / 60);
    expect([...owners]).toEqual([1, 2]);
    // The third was in region 0, the second in region 1: it was hit all the same.
    expect(column("vx")[still]).toBeGreaterThan(1);
    zone.close();
  });
});

describe("a rigid shape", () => {
  it("has the mass and inertia of the books", () => {
    const box = rigidBody({ shape: { box: [2, 4] }, density: 3 });
    const ball = rigidBody({ shape: { circle: 2 } });
    if (typeof box === "string" || typeof ball === "string") throw new Error("refused");
    expect(1 / box.inverseMass).toBeCloseTo(24, 9);
    expect(1 / box.inverseInertia).toBeCloseTo((24 * (4 + 16)) / 12, 9);
    expect(box.radius).toBeCloseTo(Math.sqrt(5), 9);
    expect(1 / ball.inverseInertia).toBeCloseTo((Math.PI * 4 * 4) / 2, 9);
  });

  it.each([
    [
      "clockwise",
      {
        polygon: [
          [0, 1],
          [1, -1],
          [-1, -1],
        ] as const,
      },
    ],
    [
      "dented",
      {
        polygon: [
          [-2, -1],
          [0, 0],
          [2, -1],
          [0, 2],
        ] as const,
      },
    ],
    [
      "off-centre",
      {
        polygon: [
          [0, 0],
          [2, 0],
          [2, 2],
          [0, 2],
        ] as const,
      },
    ],
    ["too small", { circle: 0 }],
    [
      "too few corners",
      {
        polygon: [
          [0, 0],
          [1, 1],
        ] as const,
      },
    ],
  ])("that is %s is refused", (_, shape) => {
    expect(typeof rigidBody({ shape })).toBe("string");
  });
});
