/** Carries what zones' NPCs have thought into the simulation thread's counters, from where metrics take it. */
import { TALLY_BANDS } from "../ai/tally.ts";
import type { Counters } from "../shared-stats.ts";
import { AI_COUNTERS, type SimulationCounter } from "./messages.ts";
import type { SimulatedZone } from "./zone.ts";

type ZoneAi = SimulatedZone["ai"];

/** Answers what to call now and then with all open zones. What a zone that has closed did since the last call is lost. */
export function aiStats(stats: Counters<SimulationCounter>): (zones: readonly ZoneAi[]) => void {
  const before = new WeakMap<ZoneAi["thinking"], readonly number[]>();
  return (zones) => {
    for (const { npcs } of AI_COUNTERS) stats.set(npcs, 0);
    stats.set("pathsWaiting", 0);
    for (const { thinking, navigation } of zones) {
      for (const [band, { npcs }] of AI_COUNTERS.entries()) stats.add(npcs, thinking.npcs[band]);
      stats.add("pathsWaiting", navigation?.waiting ?? 0);
      const now = [
        ...thinking.thoughts,
        thinking.wantedUnits,
        thinking.spentUnits,
        ...(navigation ? [navigation.tally.found, navigation.tally.none, navigation.tally.spent] : []),
      ];
      const last = before.get(thinking);
      before.set(thinking, now);
      for (const [index, name] of GROWING.entries())
        stats.add(name, (now[index] ?? 0) - (last?.[index] ?? 0));
    }
  };
}

/** In the order of the numbers above. */
const GROWING: readonly SimulationCounter[] = [
  ...AI_COUNTERS.slice(0, TALLY_BANDS.length).map(({ thoughts }) => thoughts),
  "aiWantedUnits",
  "aiSpentUnits",
  "pathsFound",
  "pathsNone",
  "pathSlicesSpent",
];
