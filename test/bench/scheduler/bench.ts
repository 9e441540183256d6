/**
 * `scheduler`: what a task and a boost cost, and whether the order is right.
 *
 * Cost: CPU time of this thread, submission and run together, handlers that do nothing, 1,000 tasks waiting of which
 * seven in ten are player-facing (a crowded tick of one I/O thread); also with 10,000. A boost gives a waiting task of
 * 5,000 another deadline. Order: traces run in virtual time by ours, FIFO and static priority (sides.ts), at 80 % load
 * for missed deadlines, and at 108 % (players 78 %) for the ratios; three seeds each.
 */

import { BAND } from "../../../gameserver/scheduler/bands.ts";
import { Scheduler } from "../../../gameserver/scheduler/scheduler.ts";
import { DEFAULT_SHARES } from "../../../gameserver/scheduler/shares.ts";
import { seededRandom } from "../../../platform/random.ts";
import { type Bench, type BenchContext, median, quantile } from "../harness.ts";
import { DISCIPLINES, heldShare, type Played } from "./sides.ts";
import { KINDS, makeTrace } from "./trace.ts";

const SEEDS = [1, 2, 3];
const NORMAL = { players: 0.64, others: 0.16 };
const CROWDED = { players: 0.78, others: 0.3 };
/** More than there is for players alone with the others' minimum: how each discipline gives way. */
const BEYOND = { players: 0.95, others: 0.3 };

export const bench: Bench = async (context) => {
  const { quick, say } = context;
  const rounds = quick ? 9 : 25;
  const costs = measure(rounds, context);
  const seconds = quick ? 20 : 60;
  const normal = SEEDS.map((seed) => DISCIPLINES.ours.play(makeTrace(seconds, NORMAL, seed)));
  const missed = normal.reduce((sum, played) => sum + played.missed, 0);
  say(`80 % load: ${missed} player deadlines missed`);
  const crowded = SEEDS.map((seed) => playAll(seconds, CROWDED, seed));
  const beyond = SEEDS.map((seed) => playAll(seconds, BEYOND, seed));
  const p99 = (all: readonly Record<keyof typeof DISCIPLINES, Played>[], who: keyof typeof DISCIPLINES) =>
    median(all.map((one) => quantile(one[who].lateness, 0.99)));
  const held = crowded.every(({ ours }) =>
    heldShare(ours, DEFAULT_SHARES[BAND.background] as number, seconds),
  );
  const longest = (who: keyof typeof DISCIPLINES) =>
    Math.max(...crowded.map((one) => one[who].longestWait[BAND.background] as number)) / 1_000;
  return {
    ratios: {
      p99LatenessVsFifo: p99(crowded, "ours") / p99(crowded, "fifo"),
      p99LatenessVsStaticPriority: p99(crowded, "ours") / p99(crowded, "staticPriority"),
    },
    figures: {
      ...costs,
      missedPlayerDeadlines: missed,
      playerTasksAt80Percent: normal.reduce((sum, played) => sum + played.lateness.length, 0),
      backgroundShareHeld: held,
      p99LatenessMs: hundredth(p99(crowded, "ours")),
      p99LatenessMsFifo: hundredth(p99(crowded, "fifo")),
      p99LatenessMsStaticPriority: hundredth(p99(crowded, "staticPriority")),
      missedOurs: sumOf(crowded, "ours"),
      missedStaticPriority: sumOf(crowded, "staticPriority"),
      backgroundLongestWaitSeconds: hundredth(longest("ours")),
      backgroundLongestWaitSecondsStaticPriority: hundredth(longest("staticPriority")),
      p99LatenessMsBeyond: hundredth(p99(beyond, "ours")),
      p99LatenessMsBeyondFifo: hundredth(p99(beyond, "fifo")),
      p99LatenessMsBeyondStaticPriority: hundredth(p99(beyond, "staticPriority")),
      traceSeconds: seconds,
    },
  };
};

const hundredth = (value: number) => Math.round(value * 100) / 100;

function playAll(seconds: number, load: { players: number; others: number }, seed: number) {
  const trace = makeTrace(seconds, load, seed);
  const { ours, fifo, staticPriority } = DISCIPLINES;
  return { ours: ours.play(trace), fifo: fifo.play(trace), staticPriority: staticPriority.play(trace) };
}

function sumOf(
  all: readonly Record<keyof typeof DISCIPLINES, Played>[],
  who: keyof typeof DISCIPLINES,
): number {
  return all.reduce((sum, one) => sum + one[who].missed, 0);
}

function measure(rounds: number, { say }: BenchContext) {
  const tasks = { few: [] as number[], many: [] as number[] };
  const boosts: number[] = [];
  const few = crowd(1_000);
  const many = crowd(10_000);
  for (let round = 0; round < rounds; round++) {
    tasks.few.push(few.tasks());
    tasks.many.push(many.tasks());
    boosts.push(many.boosts());
  }
  // The first rounds are compiled while they run.
  const warm = Math.floor(rounds / 3);
  const of = (values: readonly number[]) => Math.round(median(values.slice(warm)) * 10) / 10;
  const found = {
    nsPerTask: of(tasks.few),
    nsPerBoost: of(boosts),
    nsPerTaskOf10000: of(tasks.many),
    nsPerTaskBest: Math.round(Math.min(...tasks.few)),
  };
  say(`${found.nsPerTask} ns a task (${found.nsPerTaskOf10000} of 10,000), ${found.nsPerBoost} ns a boost`);
  return found;
}

/** ns of CPU of this thread. */
function cpuNs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) * 1_000;
}

function crowd(waiting: number) {
  let sum = 0;
  const scheduler = new Scheduler({
    capacity: 16_384,
    kinds: KINDS.map((kind) => ({
      ...kind,
      run: (owner: number) => {
        // Kept small: a larger number would be a new object each time, which is not the scheduler's.
        sum = (sum + owner) | 0;
      },
    })),
    onError: (_kind, error) => {
      throw error;
    },
  });
  const random = seededRandom(waiting);
  const spread = Float64Array.from({ length: waiting }, () => random() * 1_000);
  const kinds = Uint8Array.from({ length: waiting }, (_, i) => (i % 10 < 7 ? 0 : 1 + (i % 4)));
  const far = performance.now() + 1e7;
  const fill = () => {
    for (let i = 0; i < waiting; i++) scheduler.submit(kinds[i] as number, i, 0, far + (spread[i] as number));
  };
  return {
    tasks(): number {
      let ran = 0;
      const from = cpuNs();
      while (ran < 200_000) {
        fill();
        ran += scheduler.run(1e6);
      }
      const ns = (cpuNs() - from) / ran;
      if (sum === 0) throw new Error("nothing ran");
      return ns;
    },
    boosts(): number {
      const handles = Array.from({ length: 5_000 }, (_, i) =>
        scheduler.submit(0, i, 0, far + (spread[i] as number)),
      );
      const times = 400_000;
      const from = cpuNs();
      for (let i = 0; i < times; i++)
        scheduler.change(handles[i % 5_000] as number, far + (spread[(i * 7) % waiting] as number));
      const ns = (cpuNs() - from) / times;
      scheduler.run(1e6);
      return ns;
    },
  };
}
