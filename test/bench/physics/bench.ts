/**
 * `physics`: frames within 16 ms at 20,000 awake circles and 5,000 rigid bodies; two workers against one; the own
 * kernel against Rapier on circles; and for how many ticks the digest stays equal on two workers and after a restore.
 */
import { Crew } from "../../../gameserver/physics/crew.ts";
import { loadRapier } from "../../../gameserver/physics/rapier.ts";
import { type Bench, type BenchContext, quantile } from "../harness.ts";
import { machineGain, oneAgainstTwo, type Ratio, rapierAgainstKernel } from "./sides.ts";
import { benchZone } from "./zone.ts";

const FULL_WORLD = { circles: 20_000, rigid: 5_000 };
/** Enough for four rigid regions; small enough for ten thousand ticks three times over. */
const DIGEST_WORLD = { circles: 3_000, rigid: 600 };
const BUDGET_MS = 16;
const WARM_UP = 120;

export const bench: Bench = async ({ quick, say }) => {
  await loadRapier();
  const crew = await Crew.start(true);
  try {
    const frames = measureFrames(quick ? 600 : 3_600, say);
    say(`frames: p50 ${frames.p50.toFixed(2)} ms, p99 ${frames.p99.toFixed(2)} ms`);
    const workers = oneAgainstTwo(FULL_WORLD, crew, quick ? 5 : 9, quick ? 90 : 180);
    say(`one worker ${workers.first.toFixed(2)} ms, two ${workers.second.toFixed(2)} ms`);
    const gain = await machineGain(FULL_WORLD, quick ? 3 : 5, quick ? 60 : 120);
    say(`two threads that share nothing gain ${gain.median.toFixed(2)} here`);
    const kernel = rapierAgainstKernel(FULL_WORLD.circles, quick ? 5 : 9, quick ? 60 : 120);
    say(`circles: Rapier ${kernel.first.toFixed(2)} ms, own kernel ${kernel.second.toFixed(2)} ms`);
    const wanted = quick ? 2_000 : 10_000;
    const digests = equalTicks(wanted, crew, say);
    const disturbed = [workers, kernel].find(({ others }) => others > 0.1);
    const why = disturbed && `others had ${(disturbed.others * 100).toFixed(0)} % of the machine in a round`;
    return {
      ratios: { twoWorkersVsOne: workers.ratio, kernelVsRapier: kernel.ratio },
      figures: {
        framesWithinBudgetPercent: rounded(frames.withinPercent),
        stepP50Ms: rounded(frames.p50),
        stepP99Ms: rounded(frames.p99),
        awakePercent: rounded(frames.awakePercent),
        digestEqualTicks: digests,
        /** Of the quickest twentieth of both sides' steps. */
        twoWorkersVsOneUndisturbed: rounded(workers.undisturbed),
        /** The most that any split could gain on this machine: in the median, and in the quickest twentieth. */
        machineTwoThreadGain: rounded(gain.median),
        machineTwoThreadGainUndisturbed: rounded(gain.undisturbed),
        oneWorkerMs: rounded(workers.first),
        twoWorkersMs: rounded(workers.second),
        rapierCirclesMs: rounded(kernel.first),
        kernelCirclesMs: rounded(kernel.second),
        rounds: roundsOf(workers, kernel),
      },
      ...(why !== undefined && { why }),
    };
  } finally {
    await crew.close();
  }
};

const rounded = (value: number) => Number(value.toPrecision(4));
const roundsOf = (...ratios: readonly Ratio[]) => Math.min(...ratios.map(({ rounds }) => rounds));

function measureFrames(steps: number, say: BenchContext["say"]) {
  const world = benchZone(FULL_WORLD);
  say(`${FULL_WORLD.circles} circles and ${FULL_WORLD.rigid} rigid bodies, one worker`);
  for (let n = 0; n < WARM_UP; n++) world.step();
  const times = Float64Array.from({ length: steps }, world.step).sort();
  const awakePercent = world.awakeShare() * 100;
  world.zone.close();
  return {
    withinPercent: (times.filter((ms) => ms <= BUDGET_MS).length / steps) * 100,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    awakePercent,
  };
}

/** Ticks for which the same world on one worker, on two, and restored at a quarter of the way, was the same. */
function equalTicks(wanted: number, crew: Crew, say: BenchContext["say"]): number {
  const one = benchZone(DIGEST_WORLD);
  const two = benchZone(DIGEST_WORLD, crew);
  let restored: ReturnType<typeof benchZone> | undefined;
  try {
    for (let tick = 1; tick <= wanted; tick++) {
      one.step();
      two.step();
      restored?.step();
      const digest = one.zone.digest();
      if (two.zone.digest() !== digest) return tick - 1;
      if (restored && restored.zone.digest() !== digest) return tick - 1;
      if (tick === Math.floor(wanted / 4)) restored = benchZone(DIGEST_WORLD, undefined, two.zone.snapshot());
      if (tick % 1_000 === 0) say(`digests equal for ${tick} ticks`);
    }
    return wanted;
  } finally {
    for (const side of [one, two, restored]) side?.zone.close();
  }
}
