/** How each side of the `realtime` bench is started, and what its players do. */
import { seededRandom } from "../../../platform/random.ts";
import { type Herd, inputMaker, localPlayers } from "../../bots/lean/herd.ts";
import type { LeanPlayer } from "../../bots/lean/player.ts";
import { ColyseusPlayer } from "./colyseus-player.ts";
import { FloorPlayer } from "./floor-player.ts";
import { Side } from "./side.ts";

const INPUT_HZ = 6;
const PROBE_EVERY = 20;

export const ours = (sessions: number, name = "gamefleet", rings = true) =>
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

export const theirs = (sessions: number) =>
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

/** The floor; its frames have so many bytes. */
export const bareNet = (sessions: number, bytes: number) =>
  Side.start<FloorPlayer>({
    name: "bare net",
    server: "floor.ts",
    env: { GAMEFLEET_BENCH_BYTES: String(bytes) },
    sessions,
    inputHz: INPUT_HZ,
    joinsPerSecond: 3_000,
    make: (index, shared) => new FloorPlayer(shared, index % PROBE_EVERY === 0),
  });

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
