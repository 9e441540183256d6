import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { game } from "../testing/arena-game.ts";
import { pushInput } from "./input-ring.ts";
import { engaged, front, type ZoneMemory, zoneMemory } from "./memory.ts";
import { compileGame } from "./schema.ts";
import { SimulatedZone } from "./zone.ts";
import { ZoneApi } from "./zone-api.ts";

const schema = compileGame(game.declaration);
const SLOTS = 6;

interface Running {
  readonly zone: SimulatedZone;
  readonly memory: ZoneMemory;
  readonly faults: string[];
}

/** A zone over fresh memory, or over a copy of another one's state. */
function run(state?: Uint8Array): Running {
  const memory = zoneMemory(schema, SLOTS);
  const faults: string[] = [];
  const onFault = (_zone: string, where: string) => faults.push(where);
  const zone = new SimulatedZone(game, schema, "sol", SLOTS, memory.buffer, onFault);
  if (state) new Uint8Array(memory.buffer).set(state);
  else zone.open(0);
  return { zone, memory, faults };
}

const stateOf = ({ memory }: Running) => new Uint8Array(memory.buffer).slice(0, memory.stateBytes);

/** walk, shout or fail, by one player. */
const input = fc.record({
  slot: fc.integer({ min: 0, max: SLOTS - 1 }),
  kind: fc.integer({ min: 0, max: 2 }),
  a: fc.integer({ min: 0, max: 200 }),
  b: fc.integer({ min: 0, max: 200 }),
});
const script = fc.array(fc.array(input, { maxLength: 8 }), { minLength: 1, maxLength: 30 });
type Script = { slot: number; kind: number; a: number; b: number }[][];

function play(running: Running, ticks: Script): void {
  const sizes = schema.descriptor.inputs.map((spec) => spec.size);
  for (const inputs of ticks) {
    for (const { slot, kind, a, b } of inputs) {
      const seq = (running.memory.accepted[slot] ?? 0) + 1;
      pushInput(running.memory, slot, seq, kind, Uint8Array.of(a, b), 0, sizes[kind] ?? 0);
    }
    running.zone.step(0);
  }
}

describe("a zone", () => {
  it("is the same after the same inputs, and goes on the same from a copy of its state", () => {
    fc.assert(
      fc.property(script, script, (before, after) => {
        const one = run();
        const two = run();
        for (const running of [one, two])
          for (let slot = 0; slot < SLOTS; slot++) running.zone.join(slot, slot);
        play(one, before);
        play(two, before);
        expect(stateOf(two)).toEqual(stateOf(one));
        const copy = run(stateOf(one));
        // Sequences of inputs belong to the sessions, which move with their own hand-over.
        copy.memory.accepted.set(one.memory.accepted);
        play(one, after);
        play(copy, after);
        expect(stateOf(copy)).toEqual(stateOf(one));
      }),
      { numRuns: 40 },
    );
  });

  it("gives a player an entity and takes it back", () => {
    const { zone, memory } = run();
    const id = zone.join(2, 7) ?? 0;
    zone.step(0);
    expect(front(memory).kind[id & 0xffff]).toBe(1);
    expect([memory.head[2], memory.playerRow[2]]).toEqual([1, (id & 0xffff) + 1]);
    zone.leave(2);
    zone.step(0);
    expect(front(memory).kind[id & 0xffff]).toBe(0);
    expect(memory.head[2]).toBe(0);
    expect(zone.join(2, 7)).not.toBe(id);
  });

  it("keeps who is engaged and what a player weighs, for other threads to read", () => {
    const { zone, memory } = run();
    zone.join(1, 0);
    expect([memory.weight[0], memory.weight[1], engaged(memory, 1)]).toEqual([0, 1, false]);
    const api = new ZoneApi("sol", schema, memory);
    api.engage(1, 1);
    api.engage(1, 0.5);
    api.weigh(1, 9);
    for (const player of [-1, SLOTS, Number.NaN]) {
      api.engage(player, 1);
      api.weigh(player, 2);
    }
    for (let tick = 0; tick < 59; tick++) zone.step(0);
    expect([memory.weight[1], engaged(memory, 1), engaged(memory, 0)]).toEqual([4, true, false]);
    zone.step(0);
    expect(engaged(memory, 1)).toBe(false);
    api.engage(1, 1e9);
    expect(memory.engagedUntil[1]).toBe(60 + 3_600);
    zone.leave(1);
    expect([memory.weight[1], memory.engagedUntil[1]]).toEqual([0, 0]);
  });

  it("refuses a player when the table is full", () => {
    const { zone } = run();
    const ids = Array.from({ length: SLOTS }, (_, slot) => zone.join(slot, slot));
    expect(new Set(ids).size).toBe(SLOTS);
  });

  it("reports a rule that throws and goes on; its input counts as applied", () => {
    const running = run();
    running.zone.join(0, 0);
    pushInput(running.memory, 0, 1, 2, new Uint8Array(), 0, 0);
    running.zone.step(0);
    expect(running.faults).toEqual(["input fail"]);
    expect(front(running.memory).applied[0]).toBe(1);
  });

  it("publishes whole ticks: the one being read stays as it is while the next is written", () => {
    const running = run();
    running.zone.join(0, 0);
    running.zone.step(0);
    const seen = front(running.memory);
    const before = [seen.info[0], seen.codes.slice()];
    pushInput(running.memory, 0, 1, 0, Uint8Array.of(200, 100), 0, 2);
    running.zone.step(0);
    expect([seen.info[0], seen.codes]).toEqual(before);
    expect(front(running.memory).info[0]).toBe(2);
  });
});
