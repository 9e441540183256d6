/** Runs a recording again and compares the state after every tick with the one recorded. */
import { fail, messageOf } from "../../platform/errors.ts";
import { EASE } from "../ai/rates.ts";
import type { Game } from "../game.ts";
import { partHashes, stateParts } from "./digest.ts";
import { pushInput } from "./input-ring.ts";
import { zoneMemory } from "./memory.ts";
import type { RecordedTick, RecordingHeader } from "./recorder.ts";
import { compileGame } from "./schema.ts";
import { fingerprintOf } from "./snapshot.ts";
import { SimulatedZone } from "./zone.ts";

export interface ReplayResult {
  readonly ticks: number;
  /** The first tick whose state differs, and the parts of the state that do. */
  readonly difference?: { readonly tick: number; readonly parts: readonly string[] };
  /** What rules and physics reported meanwhile. */
  readonly faults: readonly string[];
}

const MOST_FAULTS = 20;

export function readHeader(line: string): RecordingHeader {
  const header = parse(line, 1) as Partial<RecordingHeader>;
  if (header.gamefleet !== "recording" || header.v !== 1) {
    throw fail("RECORDING_INVALID", "line 1 must be the header of a recording of version 1");
  }
  return header as RecordingHeader;
}

/** Throws `RECORDING_INVALID`, and `SNAPSHOT_INVALID` when its beginning does not fit the game. */
export function replay(game: Game, lines: readonly string[]): ReplayResult {
  const header = readHeader(lines[0] ?? "");
  const schema = compileGame(game.declaration);
  if (fingerprintOf(schema) !== header.fingerprint) {
    throw fail("RECORDING_INVALID", `it was made under another declaration of ${game.declaration.name}`);
  }
  const memory = zoneMemory(schema, header.slots);
  const faults: string[] = [];
  const zone = new SimulatedZone(
    game,
    schema,
    header.zone,
    header.slots,
    memory.buffer,
    (_, where, error) => {
      if (faults.length < MOST_FAULTS) faults.push(`${where}: ${messageOf(error)}`);
    },
  );
  try {
    if (header.from === undefined) zone.open(0);
    else zone.restore(Buffer.from(header.from, "base64"));
    const parts = stateParts(schema, memory);
    const names = parts.map(({ name }) => name);
    let ticks = 0;
    for (const [index, line] of lines.entries()) {
      if (index === 0 || line === "") continue;
      const recorded = parse(line, index + 1) as RecordedTick;
      for (const event of recorded.sessions ?? []) {
        if (event[0] === "join") zone.join(event[1], event[2]);
        else if (event[0] === "leave") zone.leave(event[1]);
        else zone.purchased(event[1], event[2], event[3]);
      }
      for (const [slot, seq, kind, fields] of recorded.inputs ?? []) {
        const bytes = Buffer.from(fields, "hex");
        pushInput(memory, slot, seq, kind, bytes, 0, bytes.length);
      }
      zone.ladder = recorded.ladder;
      zone.ease = recorded.ease ?? EASE;
      memory.rigid.period.fill(0);
      if (recorded.periods) memory.rigid.period.set(recorded.periods);
      zone.step(0);
      ticks++;
      const hashes = partHashes(parts);
      const differing = names.filter((_, part) => hashes[part] !== recorded.hashes[part]);
      if (differing.length > 0)
        return { ticks, difference: { tick: recorded.tick, parts: differing }, faults };
    }
    return { ticks, faults };
  } finally {
    zone.close();
  }
}

function parse(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw fail("RECORDING_INVALID", `line ${number} is not JSON: the recording is cut off there`, {
      cause: error,
    });
  }
}
