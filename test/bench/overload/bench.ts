/**
 * `overload`: a pod that has one core takes twice the sessions it was made for, or twice the inputs, and loses nobody.
 *
 * Three phases each: normal load; twice of it; normal again. Latency is tick → client as probes (each twentieth
 * player) see it, over the whole of the second phase, its onset included. An input counts as dropped when it was sent
 * and is not acknowledged after everyone has fallen silent for two seconds. Back to normal is when the p99 of two
 * seconds in a row is no more than a quarter and 5 ms above that of the first phase; counted in whole seconds.
 */
import { Herd, inputMaker, localPlayers, monotonicMs } from "../../bots/lean/herd.ts";
import type { LeanPlayer } from "../../bots/lean/player.ts";
import { Samples } from "../../bots/tally.ts";
import { type Bench, busySeconds, cpuSecondsOf, type Findings } from "../harness.ts";
import { type PodProcess, pin, startPodProcess } from "./pod-process.ts";

const INPUT_HZ = 6;
/** Ticks are told in batches of a second. */
const WINDOW_MS = 1_000;
const SETTLE_MS = 2_000;
const BACK_WITHIN_MS = 15_000;

interface Plan {
  readonly sessions: number;
  readonly normalMs: number;
  readonly overloadMs: number;
}

interface Outcome {
  readonly normalP99Ms: number;
  readonly p99Ms: number;
  readonly p50Ms: number;
  readonly backToNormalSeconds: number;
  readonly disconnects: number;
  readonly inputsDropped: number;
  readonly faults: number;
  readonly refusedJoins: number;
  readonly sessionsHeld: number;
  readonly highestStep: number;
  readonly podCores: number;
  readonly foreignCores: number;
  readonly generatorLateP99Ms: number;
}

const QUICK: Plan = { sessions: 2_000, normalMs: 5_000, overloadMs: 10_000 };
const FULL: Plan = { sessions: 2_000, normalMs: 10_000, overloadMs: 40_000 };

export const bench: Bench = async ({ quick, say }): Promise<Findings> => {
  const plan = quick ? QUICK : FULL;
  pin(process.pid, 1);
  await quietMachine(quick ? 12_000 : 60_000);
  const sessions = await overload("sessions", plan, say);
  await quietMachine(quick ? 12_000 : 60_000);
  const rate = await overload("rate", plan, say);
  const both = [sessions, rate];
  const most = (of: (outcome: Outcome) => number) => Math.max(...both.map(of));
  const sum = (of: (outcome: Outcome) => number) => both.reduce((total, outcome) => total + of(outcome), 0);
  return {
    figures: {
      disconnects: sum((outcome) => outcome.disconnects),
      p99Ms: tenth(most((outcome) => outcome.p99Ms)),
      backToNormalSeconds: tenth(most((outcome) => outcome.backToNormalSeconds)),
      inputsDropped: sum((outcome) => outcome.inputsDropped),
      sessions: plan.sessions,
      sessionsHeldAtTwice: sessions.sessionsHeld,
      refusedJoins: sessions.refusedJoins,
      normalP99Ms: tenth(most((outcome) => outcome.normalP99Ms)),
      twiceSessionsP50Ms: tenth(sessions.p50Ms),
      twiceSessionsP99Ms: tenth(sessions.p99Ms),
      twiceInputsP99Ms: tenth(rate.p99Ms),
      highestLadderStep: most((outcome) => outcome.highestStep),
      podCoresOfOne: tenth(sessions.podCores),
      framesOutOfOrder: sum((outcome) => outcome.faults),
      generatorLateP99Ms: tenth(most((outcome) => outcome.generatorLateP99Ms)),
      foreignCores: tenth(most((outcome) => outcome.foreignCores)),
    },
    ...(disturbed(both) === "" ? {} : { why: disturbed(both) }),
  };
};

const tenth = (value: number) => Math.round(value * 10) / 10;

function disturbed(outcomes: readonly Outcome[]): string {
  if (outcomes.some((outcome) => outcome.foreignCores > 0.25)) return "others used the machine";
  if (outcomes.some((outcome) => outcome.generatorLateP99Ms > 50)) return "the load generator was late";
  if (outcomes.every((outcome) => outcome.highestStep === 0)) return "the pod was not overloaded";
  return "";
}

async function overload(
  kind: "sessions" | "rate",
  plan: Plan,
  say: (text: string) => void,
): Promise<Outcome> {
  const twice = plan.sessions * 2;
  let herd: Herd | undefined;
  const pod = await startPodProcess(podEnv(twice), (ticks) => {
    for (let i = 0; i < ticks.length; i += 2) herd?.ticks.add(ticks[i] as number, ticks[i + 1] as number);
    herd?.settle();
  });
  try {
    // Twice the inputs: each player has two beats' worth, and uses one of them while the load is normal.
    const inputHz = kind === "rate" ? INPUT_HZ * 2 : INPUT_HZ;
    herd = new Herd({ port: pod.port, inputHz }, localPlayers({ zone: "sol", seed: 7, probeEvery: 20 }));
    const load = walk(herd, kind === "rate" ? 2 : 1);
    return await phases(kind, plan, pod, herd, load, say);
  } finally {
    herd?.close();
    await pod.stop();
  }
}

async function phases(
  kind: "sessions" | "rate",
  plan: Plan,
  pod: PodProcess,
  herd: Herd,
  load: Load,
  say: (text: string) => void,
): Promise<Outcome> {
  const { tally } = herd;
  await grow(herd, plan.sessions);
  load.begin();
  await sleep(SETTLE_MS);
  const normal = await watch(herd, plan.normalMs);
  const machine = busySeconds();
  const own = process.cpuUsage();
  const podCpu = cpuSecondsOf(pod.child.pid ?? 0);
  const from = monotonicMs();
  tally.late = new Samples();
  if (kind === "sessions") herd.grow(plan.sessions * 2, 1_000);
  else load.every = 1;
  const during = await watch(herd, plan.overloadMs, () => again(herd));
  const seconds = (monotonicMs() - from) / 1_000;
  const used = cpuSecondsOf(pod.child.pid ?? 0) - podCpu;
  const { user, system } = process.cpuUsage(own);
  const foreign = (busySeconds() - machine - used - (user + system) / 1e6) / seconds;
  const held = herd.playing;
  const highestStep = pod.ladder.highest;
  if (kind === "sessions") for (const player of herd.players.slice(plan.sessions)) player.close();
  else load.every = 2;
  const back = await backToNormal(herd, normal.p99 * 1.25 + 5);
  load.silent = true;
  await sleep(SETTLE_MS);
  // Everyone reads what has come: lazy players by turns.
  for (let round = 0; round < 4; round++) {
    for (const player of herd.players) player.poll();
    await sleep(100);
  }
  const dropped = herd.players.reduce(
    (sum, player) => sum + (player.playing ? player.inputSeq - player.ack : 0),
    0,
  );
  say(
    `twice the ${kind}: p99 ${normal.p99.toFixed(1)} → ${during.p99.toFixed(1)} ms, ladder up to ${highestStep}, ` +
      `back in ${back.toFixed(1)} s, lost ${tally.lost}, inputs dropped ${dropped}, others ${foreign.toFixed(2)} cores`,
  );
  if (tally.reasons.size > 0) say(`  ${reasons(herd)}`);
  return {
    normalP99Ms: normal.p99,
    p99Ms: during.p99,
    p50Ms: during.p50,
    backToNormalSeconds: back,
    disconnects: tally.lost,
    inputsDropped: dropped + tally.wrongAcks,
    faults: tally.faults,
    refusedJoins: tally.refused,
    sessionsHeld: held,
    highestStep,
    podCores: used / seconds,
    foreignCores: Math.max(0, foreign),
    generatorLateP99Ms: tally.late.quantile(0.99),
  };
}

/** Lets sessions in and waits until they play. */
async function grow(herd: Herd, target: number): Promise<void> {
  herd.grow(target, 500);
  const end = monotonicMs() + 30_000;
  while (herd.playing < target) {
    await sleep(200);
    again(herd);
    if (monotonicMs() > end)
      throw new Error(`${herd.playing} of ${target} play after 30 s; ${reasons(herd)}`);
  }
}

const reasons = (herd: Herd) => [...herd.tally.reasons].map(([why, count]) => `${count} x ${why}`).join(", ");

/** Who was refused comes again, as the SDK would. */
function again(herd: Herd): void {
  for (const player of herd.players) if (player.idle) player.connect();
}

interface Watched {
  readonly p50: number;
  readonly p99: number;
}

/** Latency over `ms`. `each` is called once a second. */
async function watch(herd: Herd, ms: number, each: () => void = () => {}): Promise<Watched> {
  herd.tally.tickToClient = new Samples();
  const end = monotonicMs() + ms;
  while (monotonicMs() < end) {
    await sleep(Math.min(1_000, Math.max(1, end - monotonicMs())));
    each();
  }
  await sleep(WINDOW_MS);
  const { tickToClient } = herd.tally;
  return { p50: tickToClient.quantile(0.5), p99: tickToClient.quantile(0.99) };
}

/** Seconds until latency is as before for two seconds in a row, or the longest that was waited. */
async function backToNormal(herd: Herd, limitMs: number): Promise<number> {
  const from = monotonicMs();
  for (let calmFrom = Number.NaN; monotonicMs() - from < BACK_WITHIN_MS; ) {
    const at = monotonicMs();
    herd.tally.tickToClient = new Samples();
    await sleep(WINDOW_MS);
    if (herd.tally.tickToClient.quantile(0.99) > limitMs) calmFrom = Number.NaN;
    else if (Number.isNaN(calmFrom)) calmFrom = at;
    else return (calmFrom - from) / 1_000;
  }
  return BACK_WITHIN_MS / 1_000;
}

interface Load {
  /** Each n-th beat of a player is an input. */
  every: number;
  silent: boolean;
  begin(): void;
}

/** Everyone walks, and turns now and then. */
function walk(herd: Herd, every: number): Load {
  const load: Load = {
    every,
    silent: false,
    begin() {
      const make = inputMaker(herd.players[0] as LeanPlayer);
      const ways = Array.from({ length: 32 }, (_, n) => {
        const angle = (n / 32) * Math.PI * 2;
        return make("walk", {
          dx: Math.round(Math.cos(angle) * 100) / 100,
          dy: Math.round(Math.sin(angle) * 100) / 100,
        });
      });
      const beats = new Map<LeanPlayer, number>();
      herd.deed = (player) => {
        const beat = (beats.get(player) ?? 0) + 1;
        beats.set(player, beat);
        if (load.silent || beat % load.every !== 0) return undefined;
        return ways[Math.floor(player.random() * ways.length)];
      };
    },
  };
  return load;
}

function podEnv(sessions: number): Record<string, string> {
  return {
    GAMEFLEET_LOCAL: "true",
    GAMEFLEET_GAME: "test/bench/realtime/game.ts",
    GAMEFLEET_BENCH_PLAYERS: String(sessions),
    GAMEFLEET_LOCAL_ZONES: `sol:${sessions}`,
    GAMEFLEET_CAPACITY_SESSIONS: String(sessions),
    GAMEFLEET_HOST: "127.0.0.1",
    GAMEFLEET_PORT: "0",
    GAMEFLEET_ADMIN_PORT: "0",
  };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until nobody else works for a second, or so long. */
async function quietMachine(withinMs: number): Promise<void> {
  for (const end = monotonicMs() + withinMs; monotonicMs() < end; ) {
    const busy = busySeconds();
    await sleep(1_000);
    if (busySeconds() - busy < 0.3) return;
  }
}
