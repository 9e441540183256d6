/** Metrics of NPCs and their ways, from what the simulation thread counts. Copied over each second. */
import { counter, gauge, type Registry } from "../../platform/metrics.ts";
import { TALLY_BANDS } from "../ai/tally.ts";
import type { Counters } from "../shared-stats.ts";
import { AI_COUNTERS, type SimulationCounter } from "../simulation/messages.ts";

/** Answers what to call each second. */
export function aiMetrics(registry: Registry, simulation: Counters<SimulationCounter>): () => void {
  const npcs = gauge(registry, "gamefleet_ai_npcs", "NPCs that think, by how close players are.", ["band"]);
  const thoughts = counter(
    registry,
    "gamefleet_ai_thoughts_total",
    "Thoughts of NPCs, by how close players are.",
    ["band"],
  );
  const saved = gauge(
    registry,
    "gamefleet_ai_saved_share",
    "Share of the thinking at everyone's own rate that was left out in the last second.",
  );
  const searches = counter(
    registry,
    "gamefleet_path_searches_total",
    "Searches for a way that ended: found, or none.",
    ["result"],
  );
  const waiting = gauge(registry, "gamefleet_path_waiting", "Requests for a way that wait for their search.");
  const spent = counter(
    registry,
    "gamefleet_path_slices_spent_total",
    "Ticks of a zone in which searches for ways used all they may.",
  );
  /** What a counter has grown by since the last call. */
  const before = new Map<SimulationCounter, number>();
  const grown = (name: SimulationCounter): number => {
    const now = simulation.get(name);
    const by = now - (before.get(name) ?? 0);
    before.set(name, now);
    return Math.max(0, by);
  };
  return () => {
    for (const [index, names] of AI_COUNTERS.entries()) {
      const band = TALLY_BANDS[index] as string;
      npcs.set({ band }, simulation.get(names.npcs));
      thoughts.inc({ band }, grown(names.thoughts));
    }
    const wanted = grown("aiWantedUnits");
    const had = grown("aiSpentUnits");
    saved.set(wanted === 0 ? 0 : Math.max(0, 1 - had / wanted));
    searches.inc({ result: "found" }, grown("pathsFound"));
    searches.inc({ result: "none" }, grown("pathsNone"));
    waiting.set(simulation.get("pathsWaiting"));
    spent.inc(grown("pathSlicesSpent"));
  };
}
