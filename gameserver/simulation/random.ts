/**
 * The zone's random generator: sfc32 (Chris Doty-Humphrey, public domain), four words kept in the zone's state, so
 * that it moves and is restored with the zone. Not for secrets.
 */
import { createHash } from "node:crypto";

/** Seeds from any text: the same zone id gives the same world everywhere. */
export function seedRandom(state: Uint32Array, at: number, text: string): void {
  const digest = createHash("sha256").update(text).digest();
  for (let word = 0; word < 4; word++) state[at + word] = digest.readUInt32LE(word * 4);
}

/** 0 ≤ n < 1. */
export function nextRandom(state: Uint32Array, at: number): number {
  const a = state[at] as number;
  const b = state[at + 1] as number;
  const c = state[at + 2] as number;
  const d = state[at + 3] as number;
  const out = (a + b + d) >>> 0;
  state[at] = b ^ (b >>> 9);
  state[at + 1] = (c + (c << 3)) | 0;
  state[at + 2] = ((c << 21) | (c >>> 11)) + out;
  state[at + 3] = d + 1;
  return out / 0x1_0000_0000;
}
