/**
 * Crowds on a whole pod with both I/O threads: what players are promised while everyone moves at once. A few hundred
 * here; `npm run bots -- --scenario …` plays the same scripts with thousands.
 */
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { readGameserverConfig } from "../../../gameserver/config.ts";
import { type Pod, startPod } from "../../../gameserver/control/pod.ts";
import { silentLog } from "../../../platform/log.ts";
import { Herd, localPlayers } from "./herd.ts";
import { wait } from "./run.ts";
import { SCENARIOS } from "./scenarios.ts";

const PLAYERS = 240;
const SEED = Number(process.env.GAMEFLEET_SEED ?? 5);

let pod: Pod;
let herd: Herd;
let zones = 0;

beforeAll(async () => {
  process.env.GAMEFLEET_BENCH_PLAYERS = String(PLAYERS);
  const config = readGameserverConfig({
    GAMEFLEET_LOCAL: "true",
    GAMEFLEET_GAME: fileURLToPath(new URL("../../bench/realtime/game.ts", import.meta.url)),
    GAMEFLEET_HOST: "127.0.0.1",
    GAMEFLEET_PORT: "0",
    GAMEFLEET_ADMIN_PORT: "0",
    GAMEFLEET_IO_THREADS: "2",
    GAMEFLEET_CAPACITY_SESSIONS: "5000",
    // A zone of its own for each scenario.
    GAMEFLEET_LOCAL_ZONES: Object.keys(SCENARIOS)
      .map((_, index) => `z${index}:${PLAYERS}`)
      .join(","),
  });
  pod = await startPod(config, silentLog(), (error) => {
    throw error;
  });
});
afterAll(() => pod.stop());
afterEach(() => herd.close());

/** Plays the scenario out, then lets everyone rest until all that was sent has been answered. */
async function play(name: string, seconds = 3): Promise<Herd> {
  const scenario = SCENARIOS[name];
  if (!scenario) throw new Error(`no scenario ${name}`);
  const zone = `z${zones++}`;
  const spectatorEvery = name === "spectators" ? 3 : 0;
  const make = localPlayers({ zone, seed: SEED + zones, probeEvery: 4, spectatorEvery });
  herd = new Herd({ port: pod.playerPort, inputHz: 6, lazyHz: 5 }, make);
  await scenario({ herd, players: PLAYERS, seed: SEED, seconds, wait });
  herd.deed = () => undefined;
  await wait(20_000, () => herd.players.every((player) => player.ack === player.inputSeq));
  return herd;
}

/** What holds whatever happens: order without gaps, every input answered once, everyone still in the game. */
function sound({ players, tally, playing }: Herd): void {
  expect([tally.faults, tally.wrongAcks, tally.refused, tally.lost]).toEqual([0, 0, 0, 0]);
  expect([...tally.reasons]).toEqual([]);
  expect(playing).toBe(PLAYERS);
  expect(players.filter((player) => player.ack !== player.inputSeq)).toEqual([]);
  expect(tally.restarted).toBe(0);
}

describe(`a crowd (seed ${SEED})`, () => {
  it("influx: everyone walks into one region, and each still sees itself and the nearest, in order", async () => {
    const { players } = await play("influx", 4);
    sound(herd);
    const probes = players.filter((player) => player.probe);
    for (const { view } of probes) {
      expect(view?.own).toBeDefined();
      expect(view?.entities.size).toBeLessThanOrEqual(64);
    }
  });

  it("reconnect storm: all lines break at once, all come back within seconds, all sessions go on", async () => {
    const { tally } = await play("storm");
    sound(herd);
    expect(tally.resumed).toBe(PLAYERS);
  });

  it("server-wide event: what is said to everyone is heard by everyone, once each, with play going on", async () => {
    const { players, tally } = await play("event");
    sound(herd);
    const [heard = 0] = players.map((player) => player.events);
    expect(heard).toBeGreaterThan(5);
    expect(players.filter((player) => player.events !== heard)).toEqual([]);
    expect(tally.events).toBe(heard * PLAYERS);
  });

  it("promotional spike: three times as many players join while the others play on", async () => {
    const { tally } = await play("spike");
    sound(herd);
    expect(tally.joined).toBe(PLAYERS);
  });

  it("partition: half of the players hear nothing for a while; they resume without a gap, the others never notice", async () => {
    const { players, tally } = await play("partition");
    sound(herd);
    expect(tally.resumed).toBe(players.length / 2);
  });

  it("loss of connection: again and again, for one here and one there", async () => {
    const { tally } = await play("loss", 4);
    sound(herd);
    expect(tally.resumed).toBeGreaterThan(0);
  });

  it("spectators: a third watches and changes whom it follows; nobody plays worse for it", async () => {
    const { players } = await play("spectators");
    sound(herd);
    const watching = players.filter((player) => player.spectator && player.probe);
    expect(watching.length).toBeGreaterThan(0);
    for (const { view } of watching) {
      expect(view?.own).toBeUndefined();
      expect(view?.entities.size).toBeGreaterThan(0);
    }
  });

  it.each(["roam", "combat", "afk", "jitter"])("%s", async (name) => {
    await play(name);
    sound(herd);
    expect(herd.tally.updates).toBeGreaterThan(PLAYERS);
  });
});
