/**
 * Whether so many sessions are *held*, and the most that are. One rule for both sides:
 *
 * - everyone gets at least 9.8 updates a second (98 % of 10), and nobody is lost;
 * - p99 from the tick an update shows to its arrival is at most 50 ms. Both sides send what their newest step has just
 *   brought about, so that none has the wait for its own next patch counted against it (colyseus.ts);
 * - the load generator was not at its end: it would be measured itself.
 *
 * Sessions per core are those held ÷ the cores used for them. Colyseus has one thread, so its core is its limit; ours has
 * to share both cores with the load generator. What the pod itself is asked for is more (`meetsGoal`): p99 ≤ 35 ms, and
 * at most 80 % of both cores.
 */
import { messageOf } from "../../../platform/errors.ts";
import type { HerdPlayer } from "../../bots/lean/herd.ts";
import { type BenchContext, median } from "../harness.ts";
import { type Found, searchHeld, type Trial } from "./search.ts";
import type { Round, Side } from "./side.ts";

export const CORES = 2;
const LEAST_HZ = 9.8;
const P99_MS = 50;
const GOAL_P99_MS = 35;
const GOAL_CPU = 0.8;
export const MOST_GENERATOR = 0.85;
export const MOST_FOREIGN = 0.2;

/** Cores used, and updates a second of each session. */
export const cores = (round: Round): number => round.cpu / round.seconds;
export const hz = (round: Round): number => round.updates / round.seconds / round.playing;

/** By the median of the rounds. */
export function trialOf(rounds: readonly Round[]): Trial {
  const of = (value: (round: Round) => number) => median(rounds.map(value));
  const held =
    of(hz) >= LEAST_HZ &&
    of((round) => round.p99Ms) <= P99_MS &&
    of((round) => round.generatorCores) <= MOST_GENERATOR &&
    rounds.every(({ lost }) => lost === 0);
  const goal =
    held && of((round) => round.p99Ms) <= GOAL_P99_MS && of((round) => cores(round) / CORES) <= GOAL_CPU;
  return {
    sessions: of(({ playing }) => playing),
    held,
    goal,
    perCore: of((round) => round.playing / cores(round)),
  };
}

export interface SearchPlan {
  /** Of a new server before it is measured. */
  readonly warmMs: number;
  readonly windowMs: number;
  /** For the whole search. */
  readonly searchMs: number;
}

/** The most sessions held, from what the rounds have shown of one count; each other count on a server of its own. */
export async function mostHeld<P extends HerdPlayer>(
  { warmMs, windowMs, searchMs }: SearchPlan,
  rounds: readonly Round[],
  start: (sessions: number) => Promise<Side<P>>,
  say: BenchContext["say"],
): Promise<Found> {
  const once = async (sessions: number) => {
    const side = await start(sessions);
    try {
      await side.join(30_000);
      return await side.measure(warmMs, windowMs);
    } finally {
      side.stop();
    }
  };
  const until = performance.now() + searchMs;
  const trial = async (sessions: number): Promise<Trial> => {
    try {
      let round = await once(sessions);
      if (round.foreignCores > MOST_FOREIGN && performance.now() < until) round = await once(sessions);
      const result = trialOf([round]);
      say(
        `${sessions} sessions: ${result.held ? "held" : "not held"}, p99 ${round.p99Ms.toFixed(1)} ms, ` +
          `${hz(round).toFixed(2)} Hz, ${cores(round).toFixed(2)} cores`,
      );
      return { ...result, sessions };
    } catch (error) {
      // Not even all of them could join.
      say(`${sessions} sessions: ${messageOf(error)}`);
      return { sessions, held: false, goal: false, perCore: Number.NaN };
    }
  };
  return searchHeld(trialOf(rounds), trial, () => performance.now() < until);
}
