/**
 * `ai`: what throttling saves at peak, that those in a fight think as before, that no band falls below its floor;
 * and path requests.
 *
 * CPU of AI = CPU of a step − CPU of a step of the same world without brains, interleaved. *Full* is every NPC at its
 * own rate (ladder below `ai-throttled`), *throttled* the ladder's step `ai-throttled`.
 */
import { type Bench, median } from "../harness.ts";
import { watchOthers } from "../physics/quiet.ts";
import { measurePaths } from "./paths.ts";
import { side } from "./side.ts";

const THROTTLED = 2;
const ROUND_TICKS = 60;
const MOST_OTHERS = 0.1;

export const bench: Bench = async ({ quick, say }) => {
  const sides = {
    none: side("none", 0),
    full: side("all", 0),
    throttled: side("all", THROTTLED),
    oneForm: side("full", THROTTLED),
  };
  const names = Object.keys(sides) as (keyof typeof sides)[];
  // Until all newcomers are in step and far ones have had their turn.
  for (const name of names) sides[name].round(300);
  for (const name of names) sides[name].begin();
  const rounds = quick ? 20 : 60;
  const kept: (Record<keyof typeof sides, number> & { others: number })[] = [];
  for (let n = 0; n < rounds; n++) {
    const watch = watchOthers();
    const ms = Object.fromEntries(names.map((name) => [name, sides[name].round(ROUND_TICKS)]));
    kept.push({ ...(ms as Record<keyof typeof sides, number>), others: watch.stop() });
  }
  const saved = (name: "throttled" | "oneForm") =>
    median(kept.map((round) => 100 * (1 - (round[name] - round.none) / (round.full - round.none))));
  const ms = (name: keyof typeof sides) => median(kept.map((round) => round[name]));
  const full = sides.full.findings();
  const throttled = sides.throttled.findings();
  const oneForm = sides.oneForm.findings();
  for (const found of throttled) say(JSON.stringify(found));
  const slices = quick ? 1_200 : 6_000;
  const near = measurePaths(slices, { reach: 40 });
  const far = measurePaths(slices, { reach: 250 });
  const shared = measurePaths(slices, { shared: 10 });
  const paths = [near, far, shared];
  const others = median(kept.map((round) => round.others));
  return {
    ratios: { engagedThinkGap: (throttled[0]?.gapP99Ms ?? Number.NaN) / (full[0]?.gapP99Ms ?? Number.NaN) },
    figures: {
      cpuSavedPercent: rounded(saved("throttled")),
      /** The brain has no cheaper forms: what rates and the budget save alone. */
      cpuSavedPercentOneForm: rounded(saved("oneForm")),
      bandsBelowFloor: [...throttled, ...oneForm].filter(({ below }) => below).length,
      fullMsPerTick: rounded(ms("full") - ms("none")),
      throttledMsPerTick: rounded(ms("throttled") - ms("none")),
      oneFormMsPerTick: rounded(ms("oneForm") - ms("none")),
      ...Object.fromEntries(throttled.map(({ band, hounds }) => [`${band}Npcs`, hounds])),
      ...Object.fromEntries(throttled.map(({ band, hz }) => [`${band}Hz`, rounded(hz)])),
      ...Object.fromEntries(oneForm.map(({ band, hz }) => [`${band}HzOneForm`, rounded(hz)])),
      engagedGapP99Ms: rounded(throttled[0]?.gapP99Ms ?? Number.NaN),
      pathRequestsPerSecond: rounded(near.perSecond),
      pathFarRequestsPerSecond: rounded(far.perSecond),
      pathSharedRequestsPerSecond: rounded(shared.perSecond),
      pathRequestsPerCpuSecond: rounded(near.perCpuSecond),
      pathWorstSliceMs: rounded(Math.max(...paths.map(({ worstSliceMs }) => worstSliceMs))),
      pathWorstSliceWallMs: rounded(Math.max(...paths.map(({ worstSliceWallMs }) => worstSliceWallMs))),
      othersPercent: rounded(others * 100),
      rounds,
    },
    ...(others > MOST_OTHERS && { why: `others had ${(others * 100).toFixed(0)} % of the machine` }),
  };
};

const rounded = (value: number) => Number(value.toPrecision(4));
