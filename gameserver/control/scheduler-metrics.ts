/** The scheduler's, the ladder's and the governors' metrics. Copied over each second; see docs/scheduler.md. */
import { counter, gauge, type Registry } from "../../platform/metrics.ts";
import { BAND_NAMES } from "../scheduler/bands.ts";
import { LADDER } from "../scheduler/effects.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { Pressure } from "./pressure.ts";

export interface SchedulerSources {
  readonly pressure: Pick<
    Pressure,
    "step" | "timeScale" | "duty" | "memoryLevel" | "strain" | "moves" | "effects"
  >;
  /** Of the control thread. */
  readonly chores: Scheduler;
}

/** Answers what to call each second: hands on what `total` has grown by since the last call. */
function grow(total: () => number, add: (by: number) => void): () => void {
  let before = 0;
  return () => {
    const now = total();
    add(Math.max(0, now - before));
    before = now;
  };
}

/** Answers what to call each second. */
export function schedulerMetrics(registry: Registry, { pressure, chores }: SchedulerSources): () => void {
  const copies = [...pressureMetrics(registry, pressure), ...taskMetrics(registry, chores)];
  return () => {
    for (const copy of copies) copy();
  };
}

function pressureMetrics(registry: Registry, pressure: SchedulerSources["pressure"]): (() => void)[] {
  const step = gauge(registry, "gamefleet_ladder_step", "Step of the degradation ladder, 0 is normal.");
  const at = gauge(registry, "gamefleet_ladder_at", "1 for the step the pod stands on.", ["step"]);
  const moves = counter(registry, "gamefleet_ladder_moves_total", "Steps taken, down towards less or up.", [
    "direction",
  ]);
  const scale = gauge(registry, "gamefleet_time_scale", "World seconds per real second.");
  const duty = gauge(registry, "gamefleet_governor_duty", "Share of their time left to AI and background.");
  const level = gauge(
    registry,
    "gamefleet_memory_level",
    "0 fine, 1 joins refused, 2 caches shed, 3 ladder.",
  );
  const strain = gauge(registry, "gamefleet_strain", "What is used of what the pod may use, 0 to 1.", ["of"]);
  const busy = gauge(registry, "gamefleet_thread_busy", "Busy share of a thread, 0 to 1.", ["thread"]);
  return [
    () => {
      step.set(pressure.step);
      for (const { name } of LADDER) at.set({ step: name }, name === pressure.effects.name ? 1 : 0);
      scale.set(pressure.timeScale);
      duty.set(pressure.duty);
      level.set(pressure.memoryLevel);
      const { tick, cpu, memory, threads } = pressure.strain;
      strain.set({ of: "tick" }, tick);
      strain.set({ of: "cpu" }, cpu);
      strain.set({ of: "memory" }, memory);
      for (const [thread, share] of threads) busy.set({ thread }, share);
    },
    grow(
      () => pressure.moves.down,
      (by) => moves.inc({ direction: "down" }, by),
    ),
    grow(
      () => pressure.moves.up,
      (by) => moves.inc({ direction: "up" }, by),
    ),
  ];
}

function taskMetrics(registry: Registry, scheduler: Scheduler): (() => void)[] {
  const labels = ["thread", "band"] as const;
  const ran = counter(registry, "gamefleet_scheduler_tasks_total", "Tasks run.", labels);
  const refused = counter(registry, "gamefleet_scheduler_refused_total", "Tasks refused: band full.", labels);
  const depth = gauge(registry, "gamefleet_scheduler_depth", "Tasks that are due and wait.", labels);
  const cost = gauge(registry, "gamefleet_scheduler_cost_seconds", "Learned cost of a task.", ["kind"]);
  const copies = BAND_NAMES.flatMap((band, index) => {
    const of = { thread: "control", band };
    return [
      grow(
        () => scheduler.tally.runs[index] as number,
        (by) => ran.inc(of, by),
      ),
      grow(
        () => scheduler.tally.refused[index] as number,
        (by) => refused.inc(of, by),
      ),
      () => depth.set(of, scheduler.depth(index)),
    ];
  });
  const boosts = counter(registry, "gamefleet_scheduler_boosts_total", "Times a task inherited urgency.");
  const costs = () => {
    for (const [kind, seconds] of scheduler.tally.costs(scheduler.costs)) cost.set({ kind }, seconds);
  };
  const boosted = grow(
    () => scheduler.tally.boosts,
    (by) => boosts.inc(by),
  );
  return [...copies, boosted, costs];
}
