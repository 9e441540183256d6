/** One seed for a run of faults: from GAMEFLEET_SEED, or drawn and printed, so that a failure can be repeated. */
import { seededRandom } from "../../platform/random.ts";

export function faultSeed(name: string): () => number {
  const seed = Number(process.env.GAMEFLEET_SEED ?? Date.now() % 1_000_000);
  console.log(`${name}: GAMEFLEET_SEED=${seed}`);
  return seededRandom(seed);
}

/** How many kills: a few in CI, GAMEFLEET_KILLS for a long run. */
export const kills = (): number => Number(process.env.GAMEFLEET_KILLS ?? 4);
