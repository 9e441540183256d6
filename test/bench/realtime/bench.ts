/**
 * `realtime`: a whole pod with thousands of players in one world, side by side with Colyseus 0.18 and with a bare
 * `net` sender. Method: docs/benchmarks.md and the comments of the sides. All sides are set up first and then measured
 * in turn, at least three rounds; those that are not measured are stopped. Then how many sessions one server holds is
 * searched for, ours and Colyseus', by one rule (held.ts), each count on a fresh server with a world of its size.
 *
 * `figures.sessions` is the most that ours has held at p99 ≤ 35 ms and ≤ 80 % of two cores, in the rounds or in the
 * search; `sessionsHeld` and `colyseusSessionsHeld` are by the rule for both: p99 ≤ 50 ms, at 10 updates a second.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { LeanPlayer } from "../../bots/lean/player.ts";
import type { Bench, Findings } from "../harness.ts";
import type { ColyseusPlayer } from "./colyseus-player.ts";
import { compareColyseus, compareOurs } from "./compare.ts";
import { findings, type Rounds } from "./findings.ts";
import type { FloorPlayer } from "./floor-player.ts";
import { mostHeld } from "./held.ts";
import type { Side } from "./side.ts";
import { bareNet, ours, theirs } from "./sides.ts";

interface Plan {
  /** Sessions of the full pod and of the floor. */
  readonly sessions: number;
  /** Sessions at which both are compared: what Colyseus holds. */
  readonly small: number;
  readonly rounds: number;
  /** Of a new server before anything is measured: its code is not optimised yet (p99 three times as long, seen). */
  readonly warmMs: number;
  /** After a side was woken. */
  readonly settleMs: number;
  readonly windowMs: number;
  /** For each of the two searches. */
  readonly searchMs: number;
}

const QUICK: Plan = {
  sessions: 2_500,
  small: 1_000,
  rounds: 3,
  warmMs: 4_000,
  settleMs: 900,
  windowMs: 2_000,
  searchMs: 9_000,
};
const FULL: Plan = {
  sessions: 5_000,
  small: 1_000,
  rounds: 3,
  warmMs: 10_000,
  settleMs: 3_000,
  windowMs: 12_000,
  searchMs: 150_000,
};

export const bench: Bench = async ({ quick, say }): Promise<Findings> => {
  const plan = quick ? QUICK : FULL;
  const sides = await startAll(plan, say);
  try {
    const rounds: Rounds = { full: [], floor: [], colyseus: [], small: [], flat: [] };
    for (let round = 1; round <= plan.rounds; round++) {
      for (const key of ["full", "floor", "colyseus", "small", "flat"] as const) {
        const side = sides[key];
        side.resume();
        const result = await side.measure(plan.settleMs, plan.windowMs);
        side.pause();
        rounds[key].push(result);
        const us = ((result.cpu / result.updates) * 1e6).toFixed(1);
        say(
          `round ${round} ${side.name}: ${(result.updates / result.seconds).toFixed(0)} updates/s, ${us} us each, ` +
            `p99 ${result.p99Ms.toFixed(1)} ms, ${(result.cpu / result.seconds).toFixed(2)} cores, generator ` +
            `${result.generatorCores.toFixed(2)}, others ${result.foreignCores.toFixed(2)}`,
        );
      }
    }
    const { rssMB } = sides.full;
    for (const side of Object.values(sides)) side.stop();
    const held = {
      ours: await mostHeld(plan, rounds.full, ours, say),
      colyseus: await mostHeld(plan, rounds.colyseus, theirs, say),
    };
    return findings(rounds, { rssMB, held });
  } finally {
    for (const side of Object.values(sides)) side.stop();
  }
};

async function startAll(plan: Plan, say: (text: string) => void) {
  const full = await ours(plan.sessions);
  full.compare = compareOurs;
  await settle(full, plan.warmMs, say);
  const bytes = await frameBytes(full);
  const floor = await bareNet(plan.sessions, bytes);
  await settle(floor, plan.warmMs, say);
  const colyseus = await theirs(plan.small);
  colyseus.compare = compareColyseus;
  await settle(colyseus, plan.warmMs, say);
  const small = await ours(plan.small, "gamefleet, as few");
  small.compare = compareOurs;
  await settle(small, plan.warmMs, say);
  const flat = await ours(plan.small, "gamefleet, no rings", false);
  flat.compare = compareOurs;
  await settle(flat, plan.warmMs, say);
  return { full, floor, colyseus, small, flat };
}

async function settle(
  side: Side<LeanPlayer> | Side<FloorPlayer> | Side<ColyseusPlayer>,
  warmMs: number,
  say: (text: string) => void,
) {
  await side.join(30_000);
  say(`${side.name}: ${side.herd.playing} play`);
  await sleep(warmMs);
  if (side.name !== "gamefleet") side.pause();
}

/** Mean length of our frames, for the floor; leaves the side stopped. */
async function frameBytes(side: Side<LeanPlayer>): Promise<number> {
  const { bytes, updates } = await side.measure(500, 1_000);
  side.pause();
  return Math.min(127, Math.max(8, Math.round(bytes / updates)));
}
