/**
 * `realtime`: a whole pod with thousands of players in one world, side by side with Colyseus 0.18 and with a bare
 * `net` sender. Method: docs/benchmarks.md and the comments of the sides. All sides are set up first and then measured
 * in turn, at least three rounds; those that are not measured are stopped.
 */
import { seededRandom } from "../../../platform/random.ts";
import { type Herd, inputMaker, localPlayers } from "../../bots/lean/herd.ts";
import type { LeanPlayer } from "../../bots/lean/player.ts";
import { type Bench, type Findings, median } from "../harness.ts";
import { ColyseusPlayer } from "./colyseus-player.ts";
import { compareColyseus, compareOurs } from "./compare.ts";
import { findings, type Rounds } from "./findings.ts";
import { FloorPlayer } from "./floor-player.ts";
import { Side } from "./side.ts";

const INPUT_HZ = 6;
const PROBE_EVERY = 20;

interface Plan {
  /** Sessions of the full pod and of the floor. */
  readonly sessions: number;
  /** Sessions at which both are compared: what Colyseus holds. */
  readonly small: number;
  readonly rounds: number;
  readonly settleMs: number;
  readonly windowMs: number;
}

const QUICK: Plan = { sessions: 2_500, small: 1_000, rounds: 3, settleMs: 900, windowMs: 3_200 };
const FULL: Plan = { sessions: 5_000, small: 1_000, rounds: 3, settleMs: 3_000, windowMs: 12_000 };

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
    return findings(rounds, { rssMB: sides.full.rssMB, median });
  } finally {
    for (const side of Object.values(sides)) side.stop();
  }
};

async function startAll(plan: Plan, say: (text: string) => void) {
  const ours = (name: string, sessions: number, rings: boolean) =>
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
  const full = await ours("gamefleet", plan.sessions, true);
  full.compare = compareOurs;
  await settle(full, say);
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
  await settle(floor, say);
  const colyseus = await Side.start<ColyseusPlayer>({
    name: "colyseus",
    server: "colyseus.ts",
    env: {},
    sessions: plan.small,
    inputHz: INPUT_HZ,
    joinsPerSecond: 300,
    reserve: true,
    make: (index, shared, paths) =>
      new ColyseusPlayer(shared, paths[index] ?? "", index % PROBE_EVERY === 0, seededRandom(7_000 + index)),
  });
  colyseus.compare = compareColyseus;
  await settle(colyseus, say);
  const small = await ours("gamefleet, as few", plan.small, true);
  small.compare = compareOurs;
  await settle(small, say);
  const flat = await ours("gamefleet, no rings", plan.small, false);
  flat.compare = compareOurs;
  await settle(flat, say);
  return { full, floor, colyseus, small, flat };
}

async function settle(
  side: Side<LeanPlayer> | Side<FloorPlayer> | Side<ColyseusPlayer>,
  say: (text: string) => void,
) {
  await side.join(30_000);
  say(`${side.name}: ${side.herd.playing} play`);
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
