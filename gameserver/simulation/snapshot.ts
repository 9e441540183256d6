/**
 * A zone's snapshot: its state as it lies in memory, and the Rapier worlds of its rigid regions. Little-endian.
 *
 * Header, u32 words: magic, format, fingerprint of the declaration (2), slots, bytes of state, number of regions,
 * bytes of each region's world; then state and worlds. The same zone in the same tick gives the same bytes.
 * A snapshot fits only a game with the same declaration: upgraders belong to migration.
 */
import { createHash } from "node:crypto";
import { fail } from "../../platform/errors.ts";
import type { ZoneMemory } from "./memory.ts";
import type { Schema } from "./schema.ts";

const MAGIC = 0x315a4647;
const FORMAT = 2;
const FIXED_WORDS = 7;

/** Changes with anything in the declaration that changes the meaning of state. 8 bytes, hexadecimal. */
export function fingerprintOf(schema: Schema): string {
  const { descriptor, columns, kinds, records, timers, navigation, maxSpeed, bounce } = schema;
  const { name, version, width, height, interest } = descriptor;
  const world = { name, version, width, height, interest, navigation, maxSpeed, bounce };
  const shape = { ...world, columns, kinds, records, timers };
  return createHash("sha256").update(JSON.stringify(shape)).digest("hex").slice(0, 16);
}

export function encodeSnapshot(
  schema: Schema,
  memory: ZoneMemory,
  worlds: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const headBytes = (FIXED_WORDS + worlds.length) * 4;
  const worldBytes = worlds.reduce((sum, world) => sum + world.length, 0);
  const bytes = new Uint8Array(headBytes + memory.stateBytes + worldBytes);
  const head = new DataView(bytes.buffer);
  const fingerprint = fingerprintOf(schema);
  const words = [
    MAGIC,
    FORMAT,
    Number.parseInt(fingerprint.slice(0, 8), 16),
    Number.parseInt(fingerprint.slice(8), 16),
    memory.slots,
    memory.stateBytes,
    worlds.length,
    ...worlds.map((world) => world.length),
  ];
  for (const [index, word] of words.entries()) head.setUint32(index * 4, word, true);
  bytes.set(new Uint8Array(memory.buffer, 0, memory.stateBytes), headBytes);
  let at = headBytes + memory.stateBytes;
  for (const world of worlds) {
    bytes.set(world, at);
    at += world.length;
  }
  return bytes;
}

/** Overwrites the state of `memory`; answers the regions' worlds. Throws `SNAPSHOT_INVALID`, with nothing changed. */
export function decodeSnapshot(schema: Schema, memory: ZoneMemory, bytes: Uint8Array): Uint8Array[] {
  const refuse = (why: string) => fail("SNAPSHOT_INVALID", `snapshot: ${why}`);
  if (bytes.length < FIXED_WORDS * 4) throw refuse("it is cut off");
  const head = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (index: number) => head.getUint32(index * 4, true);
  if (word(0) !== MAGIC || word(1) !== FORMAT) throw refuse(`not of format ${FORMAT}`);
  const fingerprint = [word(2), word(3)].map((part) => part.toString(16).padStart(8, "0")).join("");
  const { name, version } = schema.descriptor;
  if (fingerprint !== fingerprintOf(schema)) {
    throw refuse(`made under another declaration than ${name} version ${version}`);
  }
  if (word(4) !== memory.slots) throw refuse(`for ${word(4)} player places, the zone has ${memory.slots}`);
  if (word(5) !== memory.stateBytes) throw refuse("its state has another size");
  if (word(6) !== memory.rigid.regions) throw refuse("it has another number of rigid regions");
  const headBytes = (FIXED_WORDS + word(6)) * 4;
  if (bytes.length < headBytes) throw refuse("it is cut off");
  const sizes = Array.from({ length: word(6) }, (_, region) => word(FIXED_WORDS + region));
  const total = headBytes + memory.stateBytes + sizes.reduce((sum, size) => sum + size, 0);
  if (bytes.length !== total) throw refuse(`${bytes.length} bytes, must be ${total}`);
  let at = headBytes + memory.stateBytes;
  new Uint8Array(memory.buffer).set(bytes.subarray(headBytes, at));
  return sizes.map((size) => {
    at += size;
    return bytes.slice(at - size, at);
  });
}
