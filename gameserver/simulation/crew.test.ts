/** The second physics worker: the same world, whoever does the work. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evenBalance, rebalance } from "../physics/balance.ts";
import { Crew } from "../physics/crew.ts";
import { loadRapier } from "../physics/rapier.ts";
import { type Body, circle, world } from "../physics/testing.ts";
import { game as crates } from "../testing/crates-game.ts";
import { pushInput } from "./input-ring.ts";
import { type ZoneMemory, zoneMemory } from "./memory.ts";
import { compileGame } from "./schema.ts";
import { SimulatedZone } from "./zone.ts";

let crew: Crew;
beforeAll(async () => {
  await loadRapier();
  crew = await Crew.start(true);
});
afterAll(() => crew.close());

const SPACE = { width: 300, height: 120, maxSpeed: 50, bounce: true, interest: 40 };
const KINDS = [circle(1), circle(0.4, 3), circle(14, 0), { ...circle(1, 0.5), capsule: 3, angle: 0 }];
const coordinate = (most: number) => fc.double({ min: 0, max: most, noNaN: true });
const body = fc.record({
  kind: fc.integer({ min: 1, max: 4 }),
  // Half of them in a crowd across several borders.
  x: fc.oneof(coordinate(300), fc.double({ min: 140, max: 160, noNaN: true })),
  y: coordinate(120),
  vx: fc.double({ min: -60, max: 60, noNaN: true }),
  vy: fc.double({ min: -60, max: 60, noNaN: true }),
  angle: fc.double({ min: 0, max: 6, noNaN: true }),
});

describe("two physics workers", () => {
  it("give what one gives, body by body and touch by touch", () => {
    fc.assert(
      fc.property(
        fc.array(body, { minLength: 100, maxLength: 300, size: "max" }),
        fc.nat(1),
        (given, watched) => {
          const players = watched === 1 ? undefined : [0];
          const one = scene(given, players);
          const two = scene(given, players, crew);
          try {
            // As text: a difference of this size is not worth showing, and shrinking it takes for ever.
            for (let step = 0; step < 12; step++) expect(two.next() === one.next()).toBe(true);
          } finally {
            two.close();
          }
        },
      ),
      { numRuns: 20, endOnFailure: true },
    );
  });

  it("give what one gives with rigid bodies, through a snapshot taken by two and restored by one", () => {
    const one = yard();
    const two = yard(crew);
    for (let tick = 1; tick <= 240; tick++) {
      if (tick % 5 === 0) for (const running of [one, two]) push(running, tick);
      one.zone.step(0);
      two.zone.step(0);
      expect(two.zone.digest()).toBe(one.zone.digest());
    }
    const bytes = two.zone.snapshot();
    expect(Buffer.compare(bytes, one.zone.snapshot())).toBe(0);
    const alone = yard();
    const again = yard(crew);
    alone.zone.restore(bytes);
    again.zone.restore(bytes);
    for (let tick = 0; tick < 60; tick++) {
      for (const { zone } of [two, alone, again]) zone.step(0);
      expect([alone.zone.digest(), again.zone.digest()]).toEqual([two.zone.digest(), two.zone.digest()]);
    }
    for (const { zone } of [one, two, alone, again]) zone.close();
  });
});

describe("the balance between workers", () => {
  it("moves one strip when one worker is slower by far for half a second, and not before", () => {
    let balance = evenBalance(32);
    for (let step = 0; step < 29; step++) balance = rebalance(balance, 32, 1.3, 1);
    expect(balance.split).toBe(16);
    balance = rebalance(balance, 32, 1.3, 1);
    expect(balance).toEqual({ split: 15, streak: 0 });
    for (let step = 0; step < 300; step++) balance = rebalance(balance, 32, step % 29 === 0 ? 1 : 1.3, 1);
    expect(balance.split).toBe(15);
  });

  it("finds its place for any distribution of cost, stays there, and never leaves the bounds", () => {
    const costs = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 32 });
    fc.assert(
      fc.property(costs, (costs) => {
        const { length } = costs;
        const cost = (from: number, to: number) => costs.slice(from, to).reduce((sum, each) => sum + each, 0);
        let balance = evenBalance(length);
        const visited: number[] = [];
        for (let step = 0; step < 30 * 80; step++) {
          balance = rebalance(balance, length, cost(0, balance.split), cost(balance.split, length));
          visited.push(balance.split);
        }
        expect(Math.min(...visited)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...visited)).toBeLessThanOrEqual(length);
        // At rest, or one strip to and fro where no cut is even.
        const last = visited.slice(-300);
        expect(Math.max(...last) - Math.min(...last)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

function scene(given: readonly Body[], players: readonly number[] | undefined, crew?: Crew) {
  let close = () => {};
  const made = world(SPACE, KINDS, given, {
    ...(players && { players }),
    ...(crew && {
      team: (data) => {
        const team = crew.team(data, undefined);
        close = () => team.close();
        return team;
      },
    }),
  });
  const next = () => {
    const touches: string[] = [];
    made.step((a, b) => touches.push(`${a} ${b}`));
    const { x, y, vx, vy, debt } = made.bodies;
    return JSON.stringify([touches, ...[x, y, vx, vy, debt].map((column) => Array.from(column))]);
  };
  return { next, close: () => close() };
}

interface Yard {
  readonly zone: SimulatedZone;
  readonly memory: ZoneMemory;
}

function yard(crew?: Crew): Yard {
  const schema = compileGame(crates.declaration);
  const memory = zoneMemory(schema, 3);
  const zone = new SimulatedZone(crates, schema, "yard", 3, memory.buffer, () => {}, crew);
  zone.open(0);
  for (let slot = 0; slot < 3; slot++) zone.join(slot, slot);
  return { zone, memory };
}

function push({ memory }: Yard, tick: number): void {
  const slot = tick % 3;
  const seq = (memory.accepted[slot] ?? 0) + 1;
  pushInput(
    memory,
    slot,
    seq,
    tick % 4 === 0 ? 1 : 0,
    Uint8Array.of((tick * 7) % 201, (tick * 13) % 201),
    0,
    2,
  );
}
