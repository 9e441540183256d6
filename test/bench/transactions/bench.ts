/**
 * Purchases a second, durably and once each, against what one would use instead: a statement of its own for each, and
 * four queues. All on the same stores with the same durability, in turns within one run.
 */
import { Redis } from "ioredis";
import { type Bench, median } from "../harness.ts";
import { closedLoop, openLoop, type Rate, zipf } from "./load.ts";
import { ours, settleAlone } from "./ours.ts";
import * as peers from "./peers.ts";
import type { Side } from "./side.ts";
import { openWorld } from "./world.ts";

const DEPTH = 256;
const DEEP = 2_048;
const OPEN_RATE = 2_000;

export const bench: Bench = async ({ quick, say }) => {
  const world = await openWorld();
  const redis = new Redis(world.redisUrl);
  const opened: Side[] = [];
  const open = async (make: (w: typeof world) => Promise<Side>) => {
    const side = await make(world);
    opened.push(side);
    return side;
  };
  try {
    const us = await open(ours);
    const direct = await open(peers.direct);
    const bullmq = await open(peers.bullmq);
    const graphile = await open(peers.graphile);
    const boss = await open(peers.pgBoss);
    const dbos = await open(peers.dbos);
    const ceiling = await open(peers.groupCommit);
    const alone = await open(settleAlone);
    const seconds = quick ? 1.4 : 8;
    const rounds = quick ? 3 : 5;
    const skewed = zipf(1.5);
    const runs: Readonly<Record<string, () => Promise<Rate>>> = {
      us: () => closedLoop(us, DEPTH, seconds),
      direct: () => closedLoop(direct, DEPTH, seconds),
      bullmq: () => closedLoop(bullmq, DEPTH, seconds),
      graphile: () => closedLoop(graphile, DEPTH, seconds),
      dbos: () => closedLoop(dbos, DEPTH, seconds),
      usDeep: () => closedLoop(us, DEEP, seconds),
      bossDeep: () => closedLoop(boss, DEEP, seconds),
      ceiling: () => closedLoop(ceiling, DEPTH, seconds),
      alone: () => closedLoop(alone, DEPTH, seconds),
      usZipf: () => closedLoop(us, DEPTH, seconds, skewed),
      directZipf: () => closedLoop(direct, DEPTH, seconds, skewed),
      usEverysec: async () => {
        await redis.config("SET", "appendfsync", "everysec");
        const rate = await closedLoop(us, DEPTH, seconds);
        await redis.config("SET", "appendfsync", "always");
        return rate;
      },
    };
    const rates = new Map<string, Rate[]>();
    for (const run of [runs["us"], runs["direct"], runs["bullmq"]]) await run?.();
    for (let round = 1; round <= rounds; round++) {
      const line: string[] = [];
      for (const [name, run] of Object.entries(runs)) {
        const rate = await run();
        rates.set(name, [...(rates.get(name) ?? []), rate]);
        line.push(`${name} ${rate.perSecond.toFixed(0)}`);
      }
      say(`round ${round}/${rounds}, purchases a second: ${line.join(", ")}`);
    }
    const p99 = { us: [] as number[], bullmq: [] as number[] };
    for (let round = 0; round < 3; round++) {
      p99.us.push(await openLoop(us, OPEN_RATE, quick ? 2 : 10));
      p99.bullmq.push(await openLoop(bullmq, OPEN_RATE, quick ? 2 : 10));
    }
    say(
      `open loop ${OPEN_RATE}/s: p99 ours ${median(p99.us).toFixed(1)} ms, BullMQ ${median(p99.bullmq).toFixed(1)} ms`,
    );
    const of = (name: string) => rates.get(name) ?? [];
    const ratio = (a: string, b: string, what: keyof Rate = "perSecond") =>
      median(of(a).map((rate, index) => rate[what] / (of(b)[index]?.[what] ?? Number.NaN)));
    const perSecond = (name: string) => Math.round(median(of(name).map((rate) => rate.perSecond)));
    return {
      ratios: {
        vsDirectPostgres: ratio("us", "direct"),
        vsBullMQ: ratio("us", "bullmq"),
        vsGraphileWorker: ratio("us", "graphile"),
        vsDbos: ratio("us", "dbos"),
        vsPgBoss: ratio("usDeep", "bossDeep"),
        p99VsBestQueue: median(p99.us.map((value, index) => value / (p99.bullmq[index] ?? Number.NaN))),
        zipfVsUniform: ratio("usZipf", "us"),
        vsDirectPostgresZipf: ratio("usZipf", "directZipf"),
        vsGroupCommitCeiling: ratio("usDeep", "ceiling"),
        journalOverhead: ratio("alone", "us"),
        everysecVsAlways: ratio("usEverysec", "us"),
        cpuVsLeanestQueue: ratio("us", "bullmq", "cpuMicros"),
      },
      figures: {
        purchasesPerSecond: perSecond("us"),
        purchasesPerSecondDeep: perSecond("usDeep"),
        directPerSecond: perSecond("direct"),
        bullmqPerSecond: perSecond("bullmq"),
        graphilePerSecond: perSecond("graphile"),
        dbosPerSecond: perSecond("dbos"),
        pgBossPerSecondDeep: perSecond("bossDeep"),
        groupCommitsPerSecond: perSecond("ceiling"),
        p99MsAt2000: Number(median(p99.us).toFixed(1)),
        cpuMicrosPerPurchase: Number(median(of("us").map((rate) => rate.cpuMicros)).toFixed(1)),
      },
    };
  } finally {
    await Promise.allSettled(opened.map((side) => side.close()));
    redis.disconnect();
    await world.stop();
  }
};
