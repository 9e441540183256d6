/**
 * Two pods, Redis and PostgreSQL, killed in turns (kill -9) while players buy. Nothing that was accepted is lost,
 * nothing happens twice, the books balance. GAMEFLEET_KILLS says how many, GAMEFLEET_SEED repeats a run's chances.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { seededRandom } from "../../../platform/random.ts";
import { runKillLoop } from "./kill-loop.ts";
import { openStage, type Stage } from "./stage.ts";

const KILLS = Number(process.env["GAMEFLEET_KILLS"] ?? 12);
const SEED = Number(process.env["GAMEFLEET_SEED"] ?? Date.now() % 1_000_000);
const RATE = 200;
const PLAYERS = 400;
let stage: Stage;

beforeAll(async () => {
  stage = await openStage(PLAYERS, 200);
});
afterAll(() => stage.close());

it(
  "nothing is lost and nothing happens twice, whoever is killed",
  async () => {
    console.log(`kill loop: GAMEFLEET_SEED=${SEED}, ${KILLS} kills`);
    const random = seededRandom(SEED);
    const say = (text: string) => console.log(text);
    const outcome = await runKillLoop(stage, {
      kills: KILLS,
      rate: RATE,
      players: PLAYERS,
      seed: SEED,
      random,
      say,
    });
    const { kills, ...figures } = outcome;
    console.log(JSON.stringify({ ...figures, recoveryMs: kills.map((kill) => Math.round(kill.recoveryMs)) }));
    expect(outcome).toMatchObject({ lost: 0, doubled: 0, imbalance: undefined, journaled: 0 });
    // All that was asked for came to an end, and much was: a run in which nothing happened would prove nothing.
    expect(outcome.final).toBe(outcome.asked);
    expect(outcome.asked).toBeGreaterThan(KILLS * RATE);
    expect(new Set(kills.map((kill) => kill.victim)).size).toBe(Math.min(4, KILLS));
  },
  60_000 + KILLS * 6_000,
);
