/**
 * Deterministic simulation: the real processor and takeover over simulated stores, with kills, pauses, outages, lost
 * answers, duplicates and unknown commits. GAMEFLEET_SEEDS says how many runs, GAMEFLEET_SEED which is the first: a
 * failure names its seed and is repeated by it alone.
 */
import { expect, it } from "vitest";
import { ANSWER_MS } from "../processor.ts";
import { runSeed } from "./run.ts";

const SEEDS = Number(process.env["GAMEFLEET_SEEDS"] ?? 1_000);
const FIRST = Number(process.env["GAMEFLEET_SEED"] ?? Date.now() % 1_000_000);
/** Played every time besides: what they reach does not depend on luck, which the gate of coverage counts on. */
const ALWAYS = process.env["GAMEFLEET_SEED"] ? 0 : 100;

it(
  "loses nothing, does nothing twice and tells nobody two things, whatever happens to pods and stores",
  async () => {
    const answers = new Map<string, number>();
    let kills = 0;
    const seeds = Array.from({ length: ALWAYS + SEEDS }, (_, n) => (n < ALWAYS ? n : FIRST + n - ALWAYS));
    for (const seed of seeds) {
      const outcome = await runSeed(seed);
      if (outcome.wrong.length > 0) throw new Error(`GAMEFLEET_SEED=${seed}: ${outcome.wrong.join("; ")}`);
      kills += outcome.kills;
      // By virtual time: exact, whatever the machine does.
      expect(outcome.longest, `GAMEFLEET_SEED=${seed}: answered in time`).toBeLessThanOrEqual(ANSWER_MS + 1);
      for (const [status, count] of outcome.answers) answers.set(status, (answers.get(status) ?? 0) + count);
    }
    console.log(`seeds ${FIRST} to ${FIRST + SEEDS - 1}: ${kills} kills, ${JSON.stringify([...answers])}`);
    // A run in which nothing went wrong, or nothing went right, would prove nothing.
    for (const status of ["settled", "declined", "pending", "refused", "quarantined", "conflict"])
      expect(answers.get(status) ?? 0, status).toBeGreaterThan(0);
    expect(kills).toBeGreaterThan(SEEDS);
  },
  60_000 + SEEDS * 200,
);

it("a seed tells the same story each time", async () => {
  const [first, second] = [await runSeed(FIRST), await runSeed(FIRST)];
  expect(first.answers).toEqual(second.answers);
  expect(first.kills).toBe(second.kills);
});
