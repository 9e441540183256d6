/** From rounds to the keys of the issue. Pure. */
import type { Findings } from "../harness.ts";
import { median } from "../harness.ts";
import { CORES, cores, hz, MOST_FOREIGN, MOST_GENERATOR } from "./held.ts";
import type { Found } from "./search.ts";
import type { Round } from "./side.ts";

export interface Rounds {
  readonly full: Round[];
  readonly floor: Round[];
  readonly colyseus: Round[];
  readonly small: Round[];
  readonly flat: Round[];
}

interface Context {
  readonly rssMB: number;
  readonly held: { readonly ours: Found; readonly colyseus: Found };
}

export function findings(rounds: Rounds, { rssMB, held }: Context): Findings {
  const of = (side: keyof Rounds, value: (round: Round) => number) => median(rounds[side].map(value));
  const perUpdate = (round: Round) => (round.cpu / round.updates) * 1e6;
  const rate = (round: Round) => round.bytes / round.seconds / round.playing;
  // Each pair of neighbours in time, then the median: the host's own speed drifts between rounds.
  const ratio = (above: keyof Rounds, below: keyof Rounds, value: (round: Round) => number) =>
    median(rounds[above].map((round, n) => value(round) / value(rounds[below][n] as Round)));
  const two = (value: number) => Number(value.toFixed(2));
  return {
    ratios: {
      cpuPerUpdateVsColyseus: ratio("colyseus", "small", perUpdate),
      bytesVsColyseus: ratio("colyseus", "flat", rate),
      bytesVsColyseusLod: ratio("colyseus", "small", rate),
      sessionsPerCoreVsColyseus: held.ours.perCore / held.colyseus.perCore,
      cpuPerSendVsRawNet: ratio("full", "floor", perUpdate),
    },
    figures: {
      sessions: held.ours.goal,
      sessionsHeld: held.ours.sessions,
      sessionsNotHeld: reached(held.ours.above),
      sessionsPerCore: Math.round(held.ours.perCore),
      colyseusSessionsHeld: held.colyseus.sessions,
      colyseusSessionsNotHeld: reached(held.colyseus.above),
      colyseusSessionsPerCore: Math.round(held.colyseus.perCore),
      searchTrials: held.ours.trials + held.colyseus.trials,
      updatesHz: two(of("full", hz)),
      inputsHz: two(of("full", (round) => round.inputs / round.seconds / round.playing)),
      p50Ms: two(of("full", (round) => round.p50Ms)),
      p99Ms: two(of("full", (round) => round.p99Ms)),
      p999Ms: two(of("full", (round) => round.p999Ms)),
      inputToSeenP99Ms: two(of("full", (round) => round.inputToSeenP99Ms)),
      podCpuPercent: two((of("full", cores) / CORES) * 100),
      cpuUsPerUpdate: two(of("full", perUpdate)),
      bytesPerSessionSecond: Math.round(of("full", rate)),
      entitiesInView: two(of("full", (round) => round.inView)),
      rssMB: Math.round(rssMB),
      gcMaxMs: two(Math.max(...rounds.full.map((round) => round.gcMaxMs))),
      nearErrorM: two(of("full", (round) => round.errors[0] ?? Number.NaN)),
      middleErrorM: two(of("full", (round) => round.errors[1] ?? Number.NaN)),
      farErrorM: two(of("full", (round) => round.errors[2] ?? Number.NaN)),
      nearStalenessMs: two(of("full", (round) => round.staleness[0] ?? Number.NaN)),
      middleStalenessMs: two(of("full", (round) => round.staleness[1] ?? Number.NaN)),
      farStalenessMs: two(of("full", (round) => round.staleness[2] ?? Number.NaN)),
      generatorCores: two(of("full", (round) => round.generatorCores)),
      foreignCores: two(of("full", (round) => round.foreignCores)),
      floorUsPerUpdate: two(of("floor", perUpdate)),
      comparedSessions: of("colyseus", (round) => round.playing),
      colyseusUsPerUpdate: two(of("colyseus", perUpdate)),
      oursUsPerUpdateAsFew: two(of("small", perUpdate)),
      colyseusP99Ms: two(of("colyseus", (round) => round.p99Ms)),
      colyseusHz: two(of("colyseus", hz)),
      colyseusBytesPerSessionSecond: Math.round(of("colyseus", rate)),
      colyseusInView: two(of("colyseus", (round) => round.inView)),
      colyseusNearErrorM: two(of("colyseus", (round) => round.errors[0] ?? Number.NaN)),
      flatNearErrorM: two(of("flat", (round) => round.errors[0] ?? Number.NaN)),
      asFewNearErrorM: two(of("small", (round) => round.errors[0] ?? Number.NaN)),
    },
    ...why(rounds, held),
  };
}

/** A count that the search came to before its time was over. */
const reached = (sessions: number) => (Number.isFinite(sessions) ? sessions : "not reached");

/** What makes a run void: others on the machine, a generator at its end, players lost, frames that made no sense. */
function why(rounds: Rounds, held: Context["held"]): { readonly why?: string } {
  for (const [side, all] of Object.entries(rounds) as [string, readonly Round[]][]) {
    const foreign = median(all.map((round) => round.foreignCores));
    const generator = median(all.map((round) => round.generatorCores));
    if (foreign > MOST_FOREIGN) return { why: `others used ${foreign.toFixed(2)} cores while ${side} ran` };
    if (generator > MOST_GENERATOR)
      return { why: `the generator used ${generator.toFixed(2)} cores for ${side}` };
    if (all.some((round) => round.faults > 0)) return { why: `${side}: frames out of order or unreadable` };
    if (all.some((round) => round.lost > 0)) return { why: `${side}: players were lost` };
  }
  for (const [side, { sessions }] of Object.entries(held))
    if (sessions === 0) return { why: `no count of sessions was held by ${side}` };
  return {};
}
