/** Same start and same inputs, same world: from a copy, from a snapshot, from a recording, with rigid bodies and all. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { hasCode } from "../../platform/errors.ts";
import { loadRapier } from "../physics/rapier.ts";
import { game as arena } from "../testing/arena-game.ts";
import { game as crates } from "../testing/crates-game.ts";
import { pushInput } from "./input-ring.ts";
import { type ZoneMemory, zoneMemory } from "./memory.ts";
import { Recorder } from "./recorder.ts";
import { replay } from "./replay.ts";
import { compileGame } from "./schema.ts";
import { SimulatedZone } from "./zone.ts";

const schema = compileGame(crates.declaration);
const SLOTS = 5;
beforeAll(loadRapier);

interface Running {
  readonly zone: SimulatedZone;
  readonly memory: ZoneMemory;
  readonly faults: string[];
  readonly seq: number[];
}

function run(from?: Uint8Array): Running {
  const memory = zoneMemory(schema, SLOTS);
  const faults: string[] = [];
  const zone = new SimulatedZone(crates, schema, "yard", SLOTS, memory.buffer, (_, where) =>
    faults.push(where),
  );
  if (from) zone.restore(from);
  else {
    zone.open(0);
    for (let slot = 0; slot < SLOTS; slot++) zone.join(slot, slot);
  }
  return { zone, memory, faults, seq: Array.from({ length: SLOTS }, () => 0) };
}

/** push, shoot or spoil, at a tick, by a player; or the ladder moves. */
const happening = fc.record({
  after: fc.integer({ min: 0, max: 12 }),
  slot: fc.integer({ min: 0, max: SLOTS - 1 }),
  kind: fc.integer({ min: 0, max: 2 }),
  a: fc.integer({ min: 0, max: 200 }),
  b: fc.integer({ min: 0, max: 200 }),
  ladder: fc.constantFrom(0, 0, 7),
});
type Happening = { after: number; slot: number; kind: number; a: number; b: number; ladder: number };
const script = fc.array(happening, { minLength: 1, maxLength: 12 });
const SIZES = schema.descriptor.inputs.map((spec) => spec.size);

function play(running: Running, happenings: readonly Happening[]): string[] {
  const digests: string[] = [];
  const step = () => {
    running.zone.step(0);
    digests.push(running.zone.digest());
  };
  for (const { after, slot, kind, a, b, ladder } of happenings) {
    for (let n = 0; n < after; n++) step();
    const seq = (running.seq[slot] ?? 0) + 1;
    running.seq[slot] = seq;
    pushInput(running.memory, slot, seq, kind, Uint8Array.of(kind === 2 ? a % 5 : a, b), 0, SIZES[kind] ?? 0);
    running.zone.ladder = ladder;
    step();
  }
  return digests;
}

describe("a zone with rigid bodies", () => {
  it("gives the same digests for the same inputs, and after a restore", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(script, script, (before, after) => {
        const one = run();
        const two = run();
        try {
          expect(play(one, before)).toEqual(play(two, before));
          const bytes = one.zone.snapshot();
          expect(Buffer.compare(bytes, two.zone.snapshot())).toBe(0);
          const copy = run(bytes);
          copy.seq.splice(0, SLOTS, ...one.seq);
          copy.zone.ladder = one.zone.ladder;
          expect(copy.zone.digest()).toBe(one.zone.digest());
          expect(play(copy, after)).toEqual(play(one, after));
          expect(Buffer.compare(copy.zone.snapshot(), one.zone.snapshot())).toBe(0);
          copy.zone.close();
        } finally {
          one.zone.close();
          two.zone.close();
        }
      }),
      { numRuns: 8 },
    );
  });

  it("replays from a recording; a changed input is found at its tick, with what differs", () => {
    let text = "";
    const running = run();
    running.zone.step(0);
    const recorder = new Recorder(
      running.zone.recordingHeader("crates"),
      (lines) => (text += lines),
      (error) => expect(error).toBeUndefined(),
    );
    running.zone.recorders = [recorder];
    const push = (slot: number, a: number) => ({ after: 20, slot, kind: 0, a, b: 100, ladder: 0 });
    play(running, [push(0, 200), push(1, 0), push(2, 200), { ...push(3, 0), kind: 1 }]);
    running.zone.leave(4);
    running.zone.step(0);
    running.zone.join(4, 9);
    running.zone.step(0);
    running.zone.close();
    expect(replay(crates, text.split("\n"))).toEqual({ ticks: 86, faults: [] });

    const lines = text.split("\n");
    const at = lines.findIndex((line) => line.includes('"inputs":[[2'));
    lines[at] = (lines[at] ?? "").replace("c864", "c764");
    const { tick } = JSON.parse(lines[at] ?? "{}") as { tick: number };
    const { difference } = replay(crates, lines);
    expect(difference?.tick).toBe(tick);
    expect(difference?.parts).toContain("columns.vx");
    expect(difference?.parts).not.toContain("columns.hits");
  });

  it("refuses what is not its own snapshot or recording, naming why, and stays as it was", () => {
    const { zone, memory } = run();
    zone.step(0);
    const good = zone.snapshot();
    const before = zone.digest();
    const other = compileGame(arena.declaration);
    const foreign = new SimulatedZone(arena, other, "x", SLOTS, zoneMemory(other, SLOTS).buffer, () => {});
    foreign.open(0);
    const bad = [
      new Uint8Array(3),
      good.subarray(0, good.length - 1),
      foreign.snapshot(),
      Uint8Array.from(good, (byte, at) => (at === 0 ? 0 : byte)),
    ];
    for (const bytes of bad) {
      expect(codeOf(() => zone.restore(bytes))).toBe("SNAPSHOT_INVALID");
    }
    expect(codeOf(() => replay(crates, ["{}"]))).toBe("RECORDING_INVALID");
    expect(codeOf(() => replay(crates, ["{"]))).toBe("RECORDING_INVALID");
    expect(zone.digest()).toBe(before);
    expect(memory.head[0]).toBe(1);
    zone.close();
  });
});

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    for (const code of ["SNAPSHOT_INVALID", "RECORDING_INVALID"] as const)
      if (hasCode(error, code)) return code;
    throw error;
  }
  return "none";
}
