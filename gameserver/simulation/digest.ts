/**
 * The digest of a zone: a hash of its whole state, part by part, so that two runs can be compared tick by tick and
 * the part that differs can be named.
 *
 * Two lanes of FNV-1a over 32-bit words with different offsets and a final mix: not against malice, only to tell
 * equal from unequal. ~1 ns a word.
 */
import { navigationParts } from "../ai/navigation-state.ts";
import type { NumberArray, ZoneMemory } from "./memory.ts";
import type { Schema } from "./schema.ts";

export interface StatePart {
  /** Such as `tick and head`, `columns.hull`, `timers`. */
  readonly name: string;
  readonly words: Uint32Array;
}

/** The state's parts in the order they lie in memory. */
export function stateParts(schema: Schema, memory: ZoneMemory): StatePart[] {
  const { rigid } = memory;
  const arrays: readonly (readonly [string, NumberArray])[] = [
    ["tick and head", memory.head],
    ["timers", memory.timers],
    ["records", memory.records],
    ["rows by kind", memory.kindHigh],
    ["kinds", memory.kind],
    ["generations", memory.generation],
    ["owners", memory.owner],
    ...memory.columns.map((array, index) => [`columns.${schema.columns[index]?.name}`, array] as const),
    ["last thoughts", memory.thought],
    ["motion owed", memory.debt],
    ["slowed tiles", memory.slowed],
    ["rigid owners", rigid.owner],
    ["rigid values", rigid.seen],
    ["rigid presence", rigid.presence],
    ["rigid generations", rigid.generation],
    ["rigid handles", rigid.handle],
    ["rigid debt", rigid.debt],
    ["rigid periods", rigid.period],
    ...navigationParts(memory.navigation),
    ["player rows", memory.playerRow],
    ["player seeds", memory.playerSeed],
    ["inputs applied", memory.applied],
    ["engaged", memory.engagedUntil],
    ["weights", memory.weight],
  ];
  // Every part begins at a multiple of 8 and is padded with zeros to one.
  return arrays.map(([name, array]) => ({
    name,
    words: new Uint32Array(array.buffer, array.byteOffset, Math.ceil(array.byteLength / 4)),
  }));
}

/** 16 hexadecimal digits. */
export function digestOf(parts: readonly StatePart[]): string {
  let a = 0x811c9dc5;
  let b = 0x050c5d1f;
  for (const { words } of parts) {
    for (let i = 0; i < words.length; i++) {
      const word = words[i] as number;
      a = Math.imul(a ^ word, 0x01000193);
      b = Math.imul(b ^ word, 0x85ebca6b) + 1;
    }
  }
  return hex(mix(a)) + hex(mix(b ^ a));
}

/** One number per part: the same for the same words. */
export function partHashes(parts: readonly StatePart[]): number[] {
  return parts.map(({ words }) => {
    let a = 0x811c9dc5;
    for (let i = 0; i < words.length; i++) a = Math.imul(a ^ (words[i] as number), 0x01000193) + 1;
    return mix(a);
  });
}

/** Spreads the last words' bits over the whole number (murmur3's finaliser). */
function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}
