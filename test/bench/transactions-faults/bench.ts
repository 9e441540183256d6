/**
 * Purchases while everything is killed: the kill loop of test/faults/transactions, then how fast a backlog drains after
 * an outage of PostgreSQL, then twice the load that a pod can settle. `--quick`: 12 kills; the full form: 1,000.
 */
import { availableParallelism, loadavg } from "node:os";
import { seededRandom } from "../../../platform/random.ts";
import { runKillLoop } from "../../faults/transactions/kill-loop.ts";
import { openStage } from "../../faults/transactions/stage.ts";
import { type Bench, median } from "../harness.ts";
import { drainAfterOutage } from "./drain.ts";
import { overload } from "./overload.ts";

const PLAYERS = 2_000;
const CREDITS = 100_000_000;
const QUICK = { kills: 12, rate: 1_000, everyMs: [1_500, 3_000] } as const;
const FULL = { kills: 1_000, rate: 2_000, everyMs: [1_000, 2_200] } as const;

export const bench: Bench = async ({ quick, say }) => {
  const seed = Number(process.env["GAMEFLEET_SEED"] ?? Date.now() % 1_000_000);
  const form = { ...(quick ? QUICK : FULL), ...kills() };
  const [busy = 0] = loadavg();
  say(`GAMEFLEET_SEED=${seed}, ${form.kills} kills`);
  const stage = await openStage(PLAYERS, CREDITS);
  try {
    const options = { ...form, players: PLAYERS, seed, random: seededRandom(seed), say };
    const loop = await runKillLoop(stage, options);
    say(
      `kill loop: ${loop.asked} asked, p99 ${loop.p99Ms.toFixed(0)} ms, longest ${loop.maxMs.toFixed(0)} ms`,
    );
    const drain = await drainAfterOutage(stage, { players: PLAYERS, seed, rate: form.rate, outageMs: 8_000 });
    say(`drain: ${drain.backlog} waiting, settled ${drain.seconds.toFixed(2)} s after PostgreSQL was back`);
    const pressed = await overload(stage, { players: PLAYERS, rounds: 3, seconds: quick ? 3 : 20, say });
    const rounded = (value: number, digits: number) => Number(value.toFixed(digits));
    const recoveries = loop.kills.map((kill) => kill.recoveryMs / 1_000);
    const cores = availableParallelism();
    const why = [
      ...(busy > cores
        ? [`${busy.toFixed(1)} processes were at work on ${cores} cores before it began`]
        : []),
      ...(loop.skipped > 0 ? [`${loop.skipped} purchases were not asked for, because too many waited`] : []),
    ];
    return {
      ...(why.length > 0 ? { why: why.join("; ") } : {}),
      figures: {
        kills: loop.kills.length,
        accepted: loop.final + drain.accepted,
        lost: loop.lost + drain.lost + loop.journaled,
        doubled: loop.doubled + drain.doubled,
        booksBalance: loop.imbalance === undefined && drain.imbalance === undefined,
        within2sPercent: rounded(loop.within2sPercent, 4),
        finalWithin2sPercent: rounded(loop.finalWithin2sPercent, 4),
        p50Ms: rounded(loop.p50Ms, 1),
        p99Ms: rounded(loop.p99Ms, 0),
        maxMs: rounded(loop.maxMs, 0),
        recoverySeconds: rounded(Math.max(...recoveries), 2),
        recoverySecondsMedian: rounded(median(recoveries), 2),
        drainVsArrival: rounded(drain.vsArrival, 1),
        drainSeconds: rounded(drain.seconds, 2),
        overloadP99Ms: rounded(pressed.p99Ms, 0),
        overloadGoodput: rounded(pressed.goodput, 3),
        peakPerSecond: Math.round(pressed.peakPerSecond),
        offeredPerSecond: form.rate,
        seed,
      },
    };
  } finally {
    await stage.close();
  }
};

const kills = () => (process.env["GAMEFLEET_KILLS"] ? { kills: Number(process.env["GAMEFLEET_KILLS"]) } : {});
