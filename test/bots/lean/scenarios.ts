/**
 * What crowds do, as scripts with a seed: each sets the herd going and answers when it is done. The same scripts run
 * with a few hundred players in tests and with thousands from the command line.
 */

import { seededRandom } from "../../../platform/random.ts";
import { encodePing, encodeWatch } from "../../../protocol/frames.ts";
import { type Herd, inputMaker } from "./herd.ts";
import type { LeanPlayer } from "./player.ts";

export interface ScenarioContext {
  readonly herd: Herd;
  readonly players: number;
  readonly seed: number;
  /** Length of the main part, seconds. */
  readonly seconds: number;
  /** Resolves after `ms`, or when `until` holds. */
  readonly wait: (ms: number, until?: () => boolean) => Promise<void>;
}

export type Scenario = (context: ScenarioContext) => Promise<void>;

type Make = ReturnType<typeof inputMaker>;

/** Everyone joins in about `seconds`. */
async function gather({ herd, players, wait }: ScenarioContext, seconds: number): Promise<Make> {
  herd.grow(players, Math.max(50, players / seconds));
  await wait(120_000, () => herd.playing >= players);
  const [first] = herd.players;
  if (!first) throw new Error("nobody joined");
  return inputMaker(first);
}

/** One of 64 ways to walk. */
function wayOf(make: Make, random: () => number): Uint8Array {
  const angle = (Math.floor(random() * 64) / 64) * Math.PI * 2;
  const part = (value: number) => Math.round(value * 100) / 100;
  return make("walk", { dx: part(Math.cos(angle)), dy: part(Math.sin(angle)) });
}

/** Seven of ten walk, and turn now and then. */
function roaming(make: Make): (player: LeanPlayer) => Uint8Array {
  const going = new Map<LeanPlayer, Uint8Array>();
  const still = make("walk", { dx: 0, dy: 0 });
  return (player) => {
    const before = going.get(player);
    if (before && (before === still || player.random() > 0.08)) return before;
    const next = !before && player.random() < 0.3 ? still : wayOf(make, player.random);
    going.set(player, next);
    return next;
  };
}

/** Each of `all` at its own moment within `seconds`. */
async function spread(
  all: readonly LeanPlayer[],
  seconds: number,
  wait: ScenarioContext["wait"],
  act: (player: LeanPlayer) => void,
): Promise<void> {
  const started = performance.now();
  for (const [index, player] of all.entries()) {
    const due = started + (index / all.length) * seconds * 1_000;
    const early = due - performance.now();
    if (early > 2) await wait(early);
    act(player);
  }
}

const roam: Scenario = async (context) => {
  context.herd.deed = roaming(await gather(context, 3));
  await context.wait(context.seconds * 1_000);
};

/** Everyone into one region within ten seconds (or `seconds`), and on with the play there. */
const influx: Scenario = async (context) => {
  const { herd, seconds, wait } = context;
  const make = await gather(context, 3);
  const roams = roaming(make);
  const called = new Set<LeanPlayer>();
  const call = make("gather");
  herd.deed = (player) => {
    if (called.delete(player)) return call;
    return roams(player);
  };
  await spread(herd.players, Math.min(10, seconds), wait, (player) => called.add(player));
  await wait(seconds * 1_000);
};

const combat: Scenario = async (context) => {
  const make = await gather(context, 3);
  const roams = roaming(make);
  const hit = make("hit");
  context.herd.deed = (player) => (player.random() < 0.5 ? hit : roams(player));
  await context.wait(context.seconds * 1_000);
};

/** Nobody does anything; the heartbeat alone keeps the line. */
const afk: Scenario = async (context) => {
  const { herd, seconds, wait } = context;
  await gather(context, 3);
  herd.deed = () => undefined;
  const ping = encodePing(0);
  for (let second = 0; second < seconds; second++) {
    if (second % 20 === 0) for (const player of herd.players) player.write(ping);
    await wait(1_000);
  }
};

/** Inputs come late and in bunches, as over a bad radio link. */
const jitter: Scenario = async (context) => {
  const { herd, wait, seconds } = context;
  const roams = roaming(await gather(context, 3));
  const held = new Map<LeanPlayer, number>();
  herd.deed = (player) => {
    const waiting = held.get(player) ?? 0;
    if (waiting < 6 && player.random() < 0.4) {
      held.set(player, waiting + 1);
      return undefined;
    }
    for (let n = 0; n < waiting; n++) player.sendRaw(roams(player), performance.now());
    held.set(player, 0);
    return roams(player);
  };
  await wait(seconds * 1_000);
};

/** Two in a hundred lose their line each second, and are back within half a second. */
const loss: Scenario = async (context) => {
  const { herd, seed, seconds, wait } = context;
  herd.deed = roaming(await gather(context, 3));
  const random = seededRandom(seed);
  for (let second = 0; second < seconds; second++) {
    const unlucky = herd.players.filter(() => random() < 0.02);
    for (const player of unlucky) player.drop();
    await wait(random() * 500);
    for (const player of unlucky) player.connect();
    await wait(500);
  }
  await wait(30_000, () => herd.playing >= herd.players.length);
};

/** Every line breaks at once; all come back within five seconds. */
const storm: Scenario = async (context) => {
  const { herd, seconds, wait } = context;
  herd.deed = roaming(await gather(context, 3));
  await wait(1_000);
  for (const player of herd.players) player.drop();
  await spread(herd.players, Math.min(5, seconds), wait, (player) => player.connect());
  await wait(60_000, () => herd.playing >= herd.players.length);
  await wait(1_000);
};

/** A third plays; then three times as many as before want to. */
const spike: Scenario = async (context) => {
  const { herd, players, seconds, wait } = context;
  herd.deed = roaming(await gather({ ...context, players: Math.ceil(players / 3) }, 3));
  await wait(1_000);
  herd.grow(players, players / Math.min(5, seconds));
  await wait(60_000, () => herd.playing >= players);
  await wait(1_000);
};

/** Something that everyone in the world hears, several times a second. */
const event: Scenario = async (context) => {
  const { herd, seconds, wait } = context;
  const make = await gather(context, 3);
  const roams = roaming(make);
  const [caller] = herd.players;
  const cheer = make("cheer");
  herd.deed = (player) => (player === caller ? cheer : roams(player));
  await wait(seconds * 1_000);
  // Silence, so that all that was said is heard before anyone counts.
  herd.deed = roams;
  await wait(2_000);
};

/** Half of the world stops reading, as when the network between is cut; later they come back on new lines. */
const partition: Scenario = async (context) => {
  const { herd, seconds, wait } = context;
  herd.deed = roaming(await gather(context, 3));
  const cut = herd.players.filter((_, index) => index % 2 === 1);
  for (const player of cut) player.stall();
  await wait(seconds * 1_000);
  for (const player of cut) player.drop();
  await spread(cut, 1, wait, (player) => player.connect());
  await wait(60_000, () => herd.playing >= herd.players.length);
  await wait(1_000);
};

/** Spectators (the herd's players say who is one) change whom they follow twice a second. */
const spectators: Scenario = async (context) => {
  const { herd, seconds, wait } = context;
  const make = await gather(context, 3);
  const roams = roaming(make);
  herd.deed = (player) => (player.spectator ? undefined : roams(player));
  const next = encodeWatch(0);
  for (let n = 0; n < seconds * 2; n++) {
    for (const player of herd.players) if (player.spectator) player.write(next);
    await wait(500);
  }
};

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  roam,
  influx,
  combat,
  afk,
  jitter,
  loss,
  storm,
  spike,
  event,
  partition,
  spectators,
};
