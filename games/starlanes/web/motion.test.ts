/** Smooth motion out of twelve updates a second: the clock, the history, the scene, in made-up time. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { View, ViewEntity } from "../../../protocol/view.ts";
import { between, History, turnBetween } from "./history.ts";
import { Scene } from "./scene.ts";
import { TickClock } from "./tick-clock.ts";

interface Seen {
  readonly id: number;
  readonly x: number;
  readonly heading?: number;
  readonly own?: boolean;
  readonly kind?: string;
}

/** As much of a view as motion needs. */
function viewAt(tick: number, seen: readonly Seen[]): View {
  const entities = new Map<number, ViewEntity>();
  for (const { id, x, heading = 0, own = false, kind = "ship" } of seen) {
    entities.set(id, { id, kind, own, tick, values: { x, y: 0, heading } });
  }
  return { tick, entities, welcome: { tickHz: 60 } } as unknown as View;
}

describe("the tick clock", () => {
  it("runs evenly although updates come unevenly", () => {
    const clock = new TickClock(60);
    for (let tick = 0; tick < 3_000; tick += 5) clock.heard(tick, (tick / 60) * 1_000 + (tick % 3) * 20);
    const now = 50_000;
    // Late by 20 ms in the mean: 1.2 ticks.
    expect(clock.at(now)).toBeGreaterThan(3_000 - 3);
    expect(clock.at(now)).toBeLessThan(3_000);
    expect(clock.at(now + 100) - clock.at(now)).toBeCloseTo(6);
  });

  it("jumps to another server's ticks", () => {
    const clock = new TickClock(60);
    clock.heard(100_000, 0);
    clock.heard(10, 100);
    expect(clock.at(100)).toBe(10);
  });
});

describe("the history", () => {
  it("finds the place between two updates, and a little beyond the last", () => {
    const history = new History();
    history.record(viewAt(100, [{ id: 1, x: 0 }]));
    history.record(viewAt(105, [{ id: 1, x: 10 }]));
    expect([102.5, 105, 107.5].map((tick) => history.poseAt(1, tick)?.x)).toEqual([5, 10, 15]);
    // What lies far ahead is not made up.
    expect(history.poseAt(1, 1_000)?.x).toBe(28);
  });

  it("shows who has just come where first seen, and forgets who was never there", () => {
    const history = new History();
    history.record(viewAt(100, []));
    history.record(viewAt(105, [{ id: 1, x: 7 }]));
    expect(history.poseAt(1, 98)?.x).toBe(7);
    expect(history.poseAt(2, 98)).toBeUndefined();
  });

  it("draws no flight across the map when a ship starts anew", () => {
    const history = new History();
    history.record(viewAt(100, [{ id: 1, x: 0 }]));
    history.record(viewAt(105, [{ id: 1, x: 500 }]));
    expect([104, 105, 108].map((tick) => history.poseAt(1, tick)?.x)).toEqual([0, 500, 500]);
  });

  it("begins again when ticks run from the start: that is another server", () => {
    const history = new History();
    history.record(viewAt(100_000, [{ id: 1, x: 0 }]));
    history.record(viewAt(5, [{ id: 1, x: 3 }]));
    expect(history.poseAt(1, 5)?.x).toBe(3);
  });
});

it("turns the shorter way round", () => {
  expect(turnBetween(6.2, 0.1)).toBeCloseTo(2 * Math.PI - 6.1);
  const angle = fc.double({ min: -10, max: 10, noNaN: true });
  fc.assert(
    fc.property(angle, angle, (from, to) => {
      const turn = turnBetween(from, to);
      expect(Math.abs(turn)).toBeLessThanOrEqual(Math.PI + 1e-9);
      expect(Math.cos(from + turn)).toBeCloseTo(Math.cos(to));
      const end = between({ x: 0, y: 0, heading: from }, { x: 1, y: 1, heading: to }, 1);
      expect(Math.sin(end.heading)).toBeCloseTo(Math.sin(to));
    }),
  );
});

describe("the scene", () => {
  /** Ten updates, five ticks apart, of two ships side by side at 30 m/s. */
  function flown(): Scene {
    const scene = new Scene();
    scene.begin(viewAt(0, []));
    for (let tick = 0; tick <= 50; tick += 5) {
      const x = tick / 2;
      scene.update(
        viewAt(tick, [
          { id: 1, x, own: true },
          { id: 2, x },
        ]),
        (tick / 60) * 1_000,
      );
    }
    return scene;
  }
  const now = (50 / 60) * 1_000;

  it("shows the own ship now and others a tenth of a second ago", () => {
    const [own, other] = flown().bodies(now);
    expect(own?.x).toBeCloseTo(25, 0);
    expect(other?.x).toBeCloseTo(22, 0);
  });

  it("lets the own ship glide where an update corrects it", () => {
    const scene = flown();
    const before = scene.bodies(now)[0]?.x ?? 0;
    scene.update(viewAt(55, [{ id: 1, x: 22, own: true }]), now + 83);
    const after = scene.bodies(now + 84)[0]?.x ?? 0;
    const last = scene.bodies(now + 100)[0]?.x ?? 0;
    expect(Math.abs(after - before)).toBeLessThan(5);
    expect(last).toBeLessThanOrEqual(Math.max(after, before));
  });
});
