/** The reference game, loaded by its path as a pod does, played in a zone without threads. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Game } from "../game.ts";
import { loadGame } from "../load-game.ts";
import { loadRapier } from "../physics/rapier.ts";
import { EventReader } from "./event-log.ts";
import { pushInput } from "./input-ring.ts";
import { engaged, type ZoneMemory, zoneMemory } from "./memory.ts";
import { Recorder } from "./recorder.ts";
import { replay } from "./replay.ts";
import { compileGame, type Schema } from "./schema.ts";
import { SimulatedZone } from "./zone.ts";

let game: Game;
let schema: Schema;
beforeAll(async () => {
  await loadRapier();
  game = await loadGame("games/starlanes/game.ts");
  schema = compileGame(game.declaration);
});

function open(slots = 4) {
  const memory = zoneMemory(schema, slots);
  const faults: unknown[] = [];
  const onFault = (_zone: string, where: string, error: unknown) => faults.push([where, error]);
  const zone = new SimulatedZone(game, schema, "sol", slots, memory.buffer, onFault);
  zone.open(0);
  return { zone, memory, faults };
}

const column = (memory: ZoneMemory, name: string) => {
  const found = memory.columns[schema.columns.findIndex((entry) => entry.name === name)];
  if (!found) throw new Error(`no column ${name}`);
  return found;
};
const base64 = (zone: SimulatedZone) => Buffer.from(zone.snapshot()).toString("base64");
const steps = (zone: SimulatedZone, seconds: number) => {
  for (let tick = 0; tick < seconds * 60; tick++) zone.step(0);
};

describe("starlanes in a zone", () => {
  it("has ships that fly where they point, drag that caps them, and fuel that burns", () => {
    const { zone, memory, faults } = open();
    const row = (zone.join(0, 0) ?? 0) & 0xffff;
    column(memory, "x")[row] = 500;
    column(memory, "y")[row] = 100;
    column(memory, "heading")[row] = 0;
    pushInput(memory, 0, 1, 0, Uint8Array.of(200, 100), 0, 2);
    steps(zone, 5);
    expect(column(memory, "x")[row]).toBeGreaterThan(560);
    expect(Math.hypot(column(memory, "vx")[row] ?? 0, column(memory, "vy")[row] ?? 0)).toBeLessThan(38);
    expect(column(memory, "fuel")[row]).toBeLessThan(99);
    expect(faults).toEqual([]);
  });

  it("has guns: a shot strikes, is told to those near, and is spent", () => {
    const { zone, memory, faults } = open();
    const [a, b] = [0, 1].map((slot) => (zone.join(slot, slot) ?? 0) & 0xffff) as [number, number];
    for (const [row, x] of [
      [a, 500],
      [b, 520],
    ] as const) {
      column(memory, "x")[row] = x;
      column(memory, "y")[row] = 100;
      column(memory, "heading")[row] = 0;
    }
    const reader = new EventReader(
      memory,
      schema.descriptor.events.map((spec) => spec.size),
    );
    const from = reader.head;
    pushInput(memory, 0, 1, 1, new Uint8Array(), 0, 0);
    steps(zone, 2);
    expect(column(memory, "hull")[b]).toBe(80);
    expect([engaged(memory, 0), engaged(memory, 1), engaged(memory, 2)]).toEqual([true, true, false]);
    const kinds: number[] = [];
    reader.read(from, reader.head, (event) => kinds.push(event.kind));
    expect(kinds).toContain(schema.descriptor.events.findIndex((spec) => spec.name === "hit"));
    expect(memory.kind.filter((kind) => kind === 4).length).toBe(0);
    expect(faults).toEqual([]);
  });

  it("has drones that hunt a ship, round the station between them, and the same under load and in a replay", () => {
    for (const ladder of [0, 2]) {
      const { zone, memory, faults } = open(1);
      const row = (zone.join(0, 0) ?? 0) & 0xffff;
      const drone = memory.kind.indexOf(2);
      const [x, y] = [column(memory, "x"), column(memory, "y")];
      for (let other = drone + 1; other < memory.rows; other++) if (memory.kind[other] === 2) x[other] = 990;
      let text = "";
      const onFault = (error: unknown) => faults.push(error);
      zone.ladder = ladder;
      Object.assign(x, { [row]: 284, [drone]: 262 });
      Object.assign(y, { [row]: 240, [drone]: 212 });
      const header = zone.recordingHeader("starlanes");
      zone.recorders = [new Recorder({ ...header, from: base64(zone) }, (lines) => (text += lines), onFault)];
      let nearest = Number.POSITIVE_INFINITY;
      for (let tick = 0; tick < 900; tick++) {
        zone.step(0);
        const apart = Math.hypot((x[drone] ?? 0) - (x[row] ?? 0), (y[drone] ?? 0) - (y[row] ?? 0));
        nearest = Math.min(nearest, apart);
      }
      zone.close();
      expect(faults).toEqual([]);
      // Two ships that touch are 4 m apart.
      expect(nearest).toBeLessThan(6);
      expect(replay(game, text.split("\n"))).toEqual({ ticks: 900, faults: [] });
    }
  });

  it("goes on for minutes without a fault, drones and waves included", () => {
    const { zone, memory, faults } = open();
    for (let slot = 0; slot < 4; slot++) zone.join(slot, slot);
    for (let round = 1; round <= 130; round++) {
      for (let slot = 0; slot < 4; slot++) {
        pushInput(memory, slot, 2 * round - 1, 0, Uint8Array.of(200, (round * 37 + slot * 50) % 201), 0, 2);
        pushInput(memory, slot, 2 * round, 1, new Uint8Array(), 0, 0);
      }
      steps(zone, 1);
    }
    expect(faults).toEqual([]);
    expect(memory.records[0]).toBe(2);
    expect(memory.kind.filter((kind) => kind === 2).length).toBe(16);
  });
});
