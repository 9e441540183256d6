/** Rigid cargo in the reference game: pushed, turned, delivered, seen by clients, and the same on any way through. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Game } from "../../gameserver/game.ts";
import { loadGame } from "../../gameserver/load-game.ts";
import { Crew } from "../../gameserver/physics/crew.ts";
import { loadRapier } from "../../gameserver/physics/rapier.ts";
import { Interest } from "../../gameserver/replication/interest.ts";
import { FULL_DETAIL, SessionView } from "../../gameserver/replication/session-view.ts";
import { wireKinds } from "../../gameserver/replication/wire-kinds.ts";
import { ZonePicture } from "../../gameserver/replication/zone-picture.ts";
import { EventReader } from "../../gameserver/simulation/event-log.ts";
import { pushInput } from "../../gameserver/simulation/input-ring.ts";
import { zoneMemory } from "../../gameserver/simulation/memory.ts";
import { compileGame, type Schema } from "../../gameserver/simulation/schema.ts";
import { SimulatedZone } from "../../gameserver/simulation/zone.ts";
import type { Welcome } from "../../protocol/frames.ts";
import { ByteWriter } from "../../protocol/frames-bytes.ts";
import { View } from "../../protocol/view.ts";

const SLOTS = 4;
const FORWARD = Uint8Array.of(200, 100);

let game: Game;
let schema: Schema;
let crew: Crew;
beforeAll(async () => {
  await loadRapier();
  game = await loadGame("games/starlanes/game.ts");
  schema = compileGame(game.declaration);
  crew = await Crew.start(true);
});
afterAll(() => crew.close());

function open(worker?: Crew) {
  const memory = zoneMemory(schema, SLOTS);
  const faults: unknown[] = [];
  const zone = new SimulatedZone(
    game,
    schema,
    "sol",
    SLOTS,
    memory.buffer,
    (_zone, where, error) => faults.push([where, error]),
    worker,
  );
  zone.open(0);
  const column = (name: string) => {
    const found = memory.columns[schema.columns.findIndex((entry) => entry.name === name)];
    if (!found) throw new Error(`no column ${name}`);
    return found;
  };
  const rows = (kind: string) => {
    const number = schema.kinds.findIndex(({ name }) => name === kind) + 1;
    return [...memory.kind.keys()].filter((row) => memory.kind[row] === number);
  };
  const put = (row: number, values: Readonly<Record<string, number>>) => {
    for (const [name, value] of Object.entries(values)) column(name)[row] = value;
  };
  const steps = (count: number) => {
    for (let tick = 0; tick < count; tick++) zone.step(0);
  };
  return { zone, memory, faults, column, rows, put, steps };
}

/** One crate in free space and a ship that flies against its upper corner; all others far off. */
function pushing() {
  const all = open();
  const ship = (all.zone.join(0, 0) ?? 0) & 0xffff;
  const [crate = -1, ...others] = all.rows("crate");
  for (const [n, row] of others.entries()) all.put(row, { x: 20 + n * 8, y: 980, vx: 0, vy: 0, spin: 0 });
  for (const [n, row] of all.rows("drone").entries()) all.put(row, { x: 20 + n * 8, y: 20, hull: 100 });
  all.put(crate, { x: 500, y: 500, vx: 0, vy: 0, heading: 0, spin: 0 });
  all.put(ship, { x: 490, y: 498.7, vx: 0, vy: 0, heading: 0 });
  return { ...all, ship, crate };
}

describe("starlanes' cargo", () => {
  it("moves and turns when a ship pushes it, slows the ship, and clients see it so", () => {
    const { zone, memory, ship, crate, column, faults } = pushing();
    const picture = new ZonePicture(schema, memory);
    const { interest, width, height } = schema.descriptor;
    const near = new Interest(interest, width, height, picture);
    const entity = ((memory.generation[ship] ?? 0) << 16) | ship;
    const session = new SessionView(wireKinds(schema.descriptor), schema.viewCap, entity);
    const start = { game: schema.descriptor, entity, seq: 0, tick: 0, inputSeq: 0, replay: 0 };
    const view = new View(start as Welcome);
    const out = new ByteWriter(new Uint8Array(8_192));
    const seen = () =>
      [...view.entities.values()].find(({ id, kind }) => kind === "crate" && (id & 0xffff) === crate)?.values;
    pushInput(memory, 0, 1, 0, FORWARD, 0, 2);
    const headings: number[] = [];
    let fastest = 0;
    let slowedBy = 0;
    for (let tick = 0; tick < 180; tick++) {
      const before = column("vx")[ship] ?? 0;
      zone.step(0);
      fastest = Math.max(fastest, column("vx")[crate] ?? 0);
      slowedBy = Math.max(slowedBy, before - (column("vx")[ship] ?? 0));
      if (tick % 5 !== 0) continue;
      picture.refresh();
      out.at = 0;
      if (session.encode(out, view.seq + 1, 0, picture, near, FULL_DETAIL, 1_100, false))
        view.apply(out.written());
      const values = seen();
      expect(values).toBeDefined();
      headings.push(values?.heading ?? Number.NaN);
      expect(Math.abs((values?.x ?? 0) - (column("x")[crate] ?? 0))).toBeLessThanOrEqual(0.125 + 1e-4);
    }
    expect(fastest).toBeGreaterThan(5);
    // One step of drag takes half a metre a second at most: this was the crate.
    expect(slowedBy).toBeGreaterThan(2);
    expect(column("x")[crate]).toBeGreaterThan(505);
    expect(new Set(headings).size).toBeGreaterThan(5);
    expect(column("pushedBy")[crate]).toBe(entity);
    expect(faults).toEqual([]);
    zone.close();
  });

  it("is paid for at a station, once, to the last who pushed it, and drifts in again", () => {
    const { zone, memory, ship, crate, column, put, rows, steps, faults } = pushing();
    const entity = ((memory.generation[ship] ?? 0) << 16) | ship;
    const reader = new EventReader(
      memory,
      schema.descriptor.events.map((spec) => spec.size),
    );
    zone.takeRewards();
    const [station = -1] = rows("station");
    const [x = 0, y = 0] = [column("x")[station], column("y")[station]];
    put(crate, { x: x + 32, y, vx: -10, vy: 0, pushedBy: entity });
    // One that nobody pushed is nobody's.
    const orphan = rows("crate")[1] as number;
    put(orphan, { x, y: y + 32, vx: 0, vy: -10 });
    steps(120);
    const rewards = zone.takeRewards();
    expect(rewards.map(({ slot, reward: { name, goods } }) => [slot, name, goods])).toEqual([
      [0, "delivery", { credits: 25 }],
    ]);
    const kinds: number[] = [];
    reader.read(0, reader.head, (event) => kinds.push(event.kind));
    const delivered = schema.descriptor.events.findIndex(({ name }) => name === "delivered");
    expect(kinds.filter((kind) => kind === delivered).length).toBe(1);
    for (const row of [crate, orphan]) {
      expect(Math.hypot((column("x")[row] ?? 0) - 500, (column("y")[row] ?? 0) - 500)).toBeLessThan(130);
      expect(column("pushedBy")[row]).toBe(0);
    }
    expect(faults).toEqual([]);
    zone.close();
  });

  it("has the same digests on two physics workers and after a restore, shots and pushes and all", {
    timeout: 60_000,
  }, () => {
    const sides = [open(), open(crew)];
    const play = ({ zone, memory, put }: ReturnType<typeof open>, tick: number) => {
      if (tick === 1) {
        for (let slot = 0; slot < SLOTS; slot++) {
          const row = (zone.join(slot, slot) ?? 0) & 0xffff;
          put(row, { x: 400 + slot * 60, y: 500, heading: slot });
        }
      }
      if (tick % 20 !== 2) return;
      for (let slot = 0; slot < SLOTS; slot++) {
        const seq = memory.accepted[slot] ?? 0;
        pushInput(memory, slot, seq + 1, 0, Uint8Array.of(200, (tick * 7 + slot * 50) % 201), 0, 2);
        pushInput(memory, slot, seq + 2, 1, new Uint8Array(), 0, 0);
      }
    };
    let digest = "";
    let restored = false;
    for (let tick = 1; tick <= 420; tick++) {
      for (const side of sides) {
        play(side, tick);
        side.zone.step(0);
      }
      digest = sides[0]?.zone.digest() ?? "";
      expect(sides.map(({ zone }) => zone.digest())).toEqual(sides.map(() => digest));
      if (tick !== 150) continue;
      const bytes = sides[1]?.zone.snapshot() ?? new Uint8Array();
      for (const worker of [undefined, crew]) {
        const side = open(worker);
        side.zone.restore(bytes);
        // What has come in but is not in a snapshot goes on from the same number.
        side.memory.accepted.set(side.memory.applied);
        sides.push(side);
      }
      restored = true;
    }
    const { rows, column } = sides[0] as ReturnType<typeof open>;
    // Something happened to be compared.
    expect(restored && rows("crate").some((row) => column("pushedBy")[row] !== 0)).toBe(true);
    for (const { zone, faults } of sides) {
      zone.close();
      expect(faults).toEqual([]);
    }
  });
});
