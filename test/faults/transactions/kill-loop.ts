/**
 * The kill loop: players buy at a fixed rate while pods, Redis and PostgreSQL are killed (kill -9) at random, one at a
 * time; then the books are held against what the players were told.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { journalKeys } from "../../../gameserver/transactions/journal/redis-journal.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { type Audit, audit, readLog } from "./audit.ts";
import { startCaller } from "./processes.ts";
import type { Stage } from "./stage.ts";

export interface KillLoopOptions {
  readonly kills: number;
  /** Requests a second. */
  readonly rate: number;
  readonly players: number;
  readonly seed: number;
  readonly random: () => number;
  readonly say: (text: string) => void;
  /** Time between two kills, ms. Default 2,000 to 4,000. */
  readonly everyMs?: readonly [number, number];
}

const VICTIMS = ["pod 0", "pod 1", "redis", "postgres"] as const;
type Victim = (typeof VICTIMS)[number];

export interface Kill {
  readonly victim: Victim;
  readonly at: number;
  /** Until all that was under way at that moment had its final answer, and a dead pod's journals were settled; ms. */
  readonly recoveryMs: number;
}

export interface KillLoopOutcome extends Audit {
  readonly kills: readonly Kill[];
  readonly asked: number;
  /** Not asked, because too many waited: the machine was too slow for the rate. */
  readonly skipped: number;
  /** With a final answer. */
  readonly final: number;
  /** Final within 2 s, and final or "pending" within 2 s: per cent of all. From the intended moment. */
  readonly finalWithin2sPercent: number;
  readonly within2sPercent: number;
  /** To the final answer, from the intended moment. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Entries that still stand in a journal at the end. */
  readonly journaled: number;
}

const RESTART_MS = [50, 350] as const;
const SETTLED_MS = 30_000;
const PROMISE_MS = 2_000;

export async function runKillLoop(stage: Stage, options: KillLoopOptions): Promise<KillLoopOutcome> {
  const { random, say, rate, players, seed } = options;
  const between = ([low, high]: readonly [number, number]) => low + (high - low) * random();
  const ports = stage.pods.map((pod) => pod.port);
  const caller = await startCaller({ ports, rate, players, seed, logFile: stage.logFile });
  const kills: { victim: Victim; at: number; drained: Promise<number> }[] = [];
  const nextVictim = shuffler(random);
  try {
    for (let n = 1; n <= options.kills; n++) {
      await sleep(between(options.everyMs ?? [2_000, 4_000]));
      if (!caller.alive) throw new Error(`the players' process ended before kill ${n}`);
      const victim = nextVictim();
      const life = stage.pods[VICTIMS.indexOf(victim)]?.life;
      let streams: readonly number[] = [];
      // PostgreSQL may have been killed a moment ago: that it does not answer yet says nothing of the players.
      if (life) await eventually(async () => (streams = await stage.streamsOf(life)), "PostgreSQL's answer");
      await parts(stage, victim).kill();
      const at = Date.now();
      kills.push({ victim, at, drained: drained(stage, streams) });
      await sleep(between(RESTART_MS));
      await parts(stage, victim).start();
      say(`kill ${n}/${options.kills}: ${victim}, back after ${Date.now() - at} ms`);
    }
    await sleep(PROMISE_MS);
    const summary = await caller.finish();
    await eventually(async () => (await stage.journaled()) === 0).catch(() => {});
    const journaled = await stage.journaled();
    const books = await audit(stage.pool, stage.logFile, summary, stage.before);
    const { recoveries, ...figures } = await figuresOf(
      stage.logFile,
      summary.asked,
      kills.map(({ at }) => at),
    );
    const recovered: Kill[] = [];
    for (const [index, { victim, at, drained: gone }] of kills.entries()) {
      const drainedMs = Math.max(0, (await gone) - at);
      const answeredMs = recoveries[index] ?? 0;
      if (Math.max(drainedMs, answeredMs) > PROMISE_MS)
        say(
          `slow: kill ${index + 1} (${victim} at ${new Date(at).toISOString()}): all answered after ` +
            `${answeredMs.toFixed(0)} ms, its journals settled after ${drainedMs.toFixed(0)} ms`,
        );
      recovered.push({ victim, at, recoveryMs: Math.max(drainedMs, answeredMs) });
    }
    return {
      ...books,
      ...figures,
      kills: recovered,
      asked: summary.asked,
      skipped: summary.skipped,
      journaled,
    };
  } finally {
    caller.kill();
  }
}

/** Each victim as often as the others, in no order that could be foreseen. */
function shuffler(random: () => number): () => Victim {
  let bag: Victim[] = [];
  return () => {
    if (bag.length === 0) bag = [...VICTIMS];
    return bag.splice(Math.floor(random() * bag.length), 1)[0] as Victim;
  };
}

function parts(stage: Stage, victim: Victim): { kill(): Promise<void>; start(): Promise<void> } {
  if (victim === "redis") return stage.redis;
  if (victim === "postgres") return stage.postgres;
  return stage.pods[VICTIMS.indexOf(victim)] as (typeof stage.pods)[number];
}

/** When the journals of a dead pod were settled and removed, Unix ms; 0 when there were none. */
async function drained(stage: Stage, streams: readonly number[]): Promise<number> {
  if (streams.length === 0) return 0;
  const keys = streams.map(journalKeys.stream);
  const end = Date.now() + SETTLED_MS;
  while (Date.now() < end) {
    const left = await stage.eye.exists(...keys).catch(() => 1);
    if (left === 0) return Date.now();
    await sleep(10);
  }
  return Number.POSITIVE_INFINITY;
}

async function figuresOf(logFile: string, asked: number, killedAt: readonly number[]) {
  const latencies: number[] = [];
  const recoveries = killedAt.map(() => 0);
  let within = 0;
  let finalWithin = 0;
  for await (const { arrival, final, pending } of readLog(logFile)) {
    const took = final ? final - arrival : Number.POSITIVE_INFINITY;
    latencies.push(took);
    if (took <= PROMISE_MS) finalWithin += 1;
    if (took <= PROMISE_MS || (pending && pending - arrival <= PROMISE_MS)) within += 1;
    for (const [index, at] of killedAt.entries()) {
      if (arrival <= at && at < arrival + took)
        recoveries[index] = Math.max(recoveries[index] ?? 0, arrival + took - at);
    }
  }
  const sorted = Float64Array.from(latencies).sort();
  const quantile = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    final: latencies.filter(Number.isFinite).length,
    finalWithin2sPercent: (finalWithin / asked) * 100,
    within2sPercent: (within / asked) * 100,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: quantile(1),
    recoveries,
  };
}
