/**
 * `realtime`: a whole pod with thousands of players in one world, side by side with Colyseus 0.18 and with a bare
 * `net` sender. Method: docs/benchmarks.md and the comments of the sides. All sides are set up first and then measured
 * in turn, at least three rounds; those that are not measured are stopped. Then how many sessions one server holds is
 * searched for, ours and Colyseus' (search.ts), each count on a fresh server with a world of its size.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../../platform/errors.ts";
import { seededRandom } from "../../../platform/random.ts";
import { type Herd, inputMaker, localPlayers } from "../../bots/lean/herd.ts";
import type { LeanPlayer } from "../../bots/lean/player.ts";
import { type Bench, type BenchContext, type Findings } from "../harness.ts";
import { ColyseusPlayer } from "./colyseus-player.ts";
import { compareColyseus, compareOurs } from "./compare.ts";
import { disturbed, findings, type Rounds, trialOf } from "./findings.ts";
import { FloorPlayer } from "./floor-player.ts";
import { type Found, searchHeld } from "./search.ts";
import { type Round, Side } from "./side.ts";

const INPUT_HZ = 6;
const PROBE_EVERY = 20;

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
      ours: await search(plan, rounds.full, ours, say),
      colyseus: await search(plan, rounds.colyseus, theirs, say),
    };
    return findings(rounds, { rssMB, held });
  } finally {
    for (const side of Object.values(sides)) side.stop();
  }
};

/** The most sessions held, from what the rounds have shown of one count. */
async function search(
  { warmMs, windowMs, searchMs }: Plan,
  rounds: readonly Round[],
  start: (sessions: number) => Promise<Side<LeanPlayer> | Side<ColyseusPlayer>>,
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
  const trial = async (sessions: number) => {
    try {
      let round = await once(sessions);
      if (disturbed(round) && performance.now() < until) round = await once(sessions);
      const result = trialOf([round]);
      say(`${sessions} sessions: ${result.held ? "held" : "not held"}, p99 ${round.p99Ms.toFixed(1)} ms`);
      return { ...result, sessions };
    } catch (error) {
      // Not even all of them could join.
      say(`${sessions} sessions: ${messageOf(error)}`);
      return { sessions, held: false, perCore: Number.NaN };
    }
  };
  return searchHeld(trialOf(rounds), trial, () => performance.now() < until);
}

const ours = (sessions: number, name = "gamefleet", rings = true) =>
  Side.start<LeanPlayer>({
    name,
    server: "pod.ts",
    env: podEnv(sessions, rings),
    sessions,
    inputHz: INPUT_HZ,
    joinsPerSecond: 1_500,
    make: localPlayers({ zone: "sol", seed: 7, probeEvery: PROBE_EVERY }),
    start: walk,
  });

const theirs = (sessions: number) =>
  Side.start<ColyseusPlayer>({
    name: "colyseus",
    server: "colyseus.ts",
    env: {},
    sessions,
    inputHz: INPUT_HZ,
    joinsPerSecond: 300,
    reserve: true,
    make: (index, shared, paths) =>
      new ColyseusPlayer(shared, paths[index] ?? "", index % PROBE_EVERY === 0, seededRandom(7_000 + index)),
  });

async function startAll(plan: Plan, say: (text: string) => void) {
  const full = await ours(plan.sessions);
  full.compare = compareOurs;
  await settle(full, plan.warmMs, say);
  const bytes = await frameBytes(full);
  const floor = await Side.start<FloorPlayer>({
    name: "bare net",
    server: "floor.ts",
    env: { GAMEFLEET_BENCH_BYTES: String(bytes) },
    sessions: plan.sessions,
    inputHz: INPUT_HZ,
    joinsPerSecond: 3_000,
    make: (index, shared) => new FloorPlayer(shared, index % PROBE_EVERY === 0),
  });
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

function podEnv(sessions: number, rings: boolean): Record<string, string> {
  return {
    GAMEFLEET_LOCAL: "true",
    GAMEFLEET_GAME: "test/bench/realtime/game.ts",
    GAMEFLEET_LOCAL_ZONES: `sol:${sessions}`,
    GAMEFLEET_CAPACITY_SESSIONS: String(sessions),
    GAMEFLEET_HOST: "127.0.0.1",
    GAMEFLEET_PORT: "0",
    GAMEFLEET_ADMIN_PORT: "0",
    GAMEFLEET_DETAIL_RINGS: String(rings),
  };
}

/** Seven of ten walk, and turn every two seconds or so; all send at each beat. */
function walk(herd: Herd): void {
  const [first] = herd.players;
  if (!first) return;
  const make = inputMaker(first);
  const ways = Array.from({ length: 64 }, (_, n) => {
    const angle = (n / 64) * Math.PI * 2;
    return make("walk", {
      dx: Math.round(Math.cos(angle) * 100) / 100,
      dy: Math.round(Math.sin(angle) * 100) / 100,
    });
  });
  const still = make("walk", { dx: 0, dy: 0 });
  const going = new Map<LeanPlayer, Uint8Array>();
  herd.deed = (player) => {
    const way = going.get(player);
    if (way && (way === still || player.random() > 0.08)) return way;
    const idle = !way && player.random() < 0.3;
    const next = idle ? still : (ways[Math.floor(player.random() * ways.length)] ?? still);
    going.set(player, next);
    return next;
  };
}
