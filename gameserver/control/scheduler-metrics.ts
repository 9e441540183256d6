/** The scheduler's, the ladder's and the governors' metrics. Copied over each second; see docs/scheduler.md. */
import { counter, gauge, type Registry } from "../../platform/metrics.ts";
import { BAND_NAMES } from "../scheduler/bands.ts";
import { criticalPath } from "../scheduler/critical-path.ts";
import { LADDER } from "../scheduler/effects.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { aiMetrics } from "./ai-metrics.ts";
import type { Pressure } from "./pressure.ts";
import type { ThreadStats } from "./threads.ts";

export interface SchedulerSources {
  readonly pressure: Pick<
    Pressure,
    "step" | "timeScale" | "duty" | "memoryLevel" | "strain" | "moves" | "effects"
  >;
  /** Of the control thread. */
  readonly chores: Scheduler;
  readonly stats: Pick<ThreadStats, "simulation" | "transports">;
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
export function schedulerMetrics(
  registry: Registry,
  { pressure, chores, stats }: SchedulerSources,
): () => void {
  const copies = [
    ...pressureMetrics(registry, pressure),
    ...taskMetrics(registry, chores),
    ...updateMetrics(registry, stats),
    pathMetrics(registry, stats),
    aiMetrics(registry, stats.simulation),
  ];
  return () => {
    for (const copy of copies) copy();
  };
}

function pressureMetrics(registry: Registry, pressure: SchedulerSources["pressure"]): (() => void)[] {
  const step = gauge(registry, "gamefleet_ladder_step", "Step of the degradation ladder, 0 is normal.");
  const at = gauge(
    registry,
    "gamefleet_ladder_at",
    "1 for the step of the ladder the pod stands on, 0 for the others.",
    ["step"],
  );
  const moves = counter(
    registry,
    "gamefleet_ladder_moves_total",
    "Steps of the ladder taken: down towards less, or up.",
    ["direction"],
  );
  const scale = gauge(
    registry,
    "gamefleet_time_scale",
    "World seconds per real second; below 1 the world runs slower.",
  );
  const duty = gauge(
    registry,
    "gamefleet_governor_duty",
    "Share of their time that the CPU governor leaves to AI and background.",
  );
  const level = gauge(
    registry,
    "gamefleet_memory_level",
    "Shortage of memory: 0 none, 1 joins refused, 2 caches shed, 3 ladder.",
  );
  const strain = gauge(
    registry,
    "gamefleet_strain",
    "What is used of what the pod may use (tick, cpu, memory); 1 is all of it.",
    ["of"],
  );
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
  const ran = counter(
    registry,
    "gamefleet_scheduler_tasks_total",
    "Tasks of the control thread that ran.",
    labels,
  );
  const refused = counter(
    registry,
    "gamefleet_scheduler_refused_total",
    "Tasks refused because their band was full.",
    labels,
  );
  const depth = gauge(registry, "gamefleet_scheduler_depth", "Tasks that are due and wait.", labels);
  const cost = gauge(registry, "gamefleet_scheduler_cost_seconds", "Learned cost of a task, by kind.", [
    "kind",
  ]);
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

const MISSED = [
  ["engaged", "missedEngaged"],
  ["active", "missedActive"],
  ["calm", "missedCalm"],
] as const;

/** Updates of the I/O threads: how many were taken, and how many after their deadline. */
function updateMetrics(registry: Registry, { transports }: SchedulerSources["stats"]): (() => void)[] {
  const taken = counter(
    registry,
    "gamefleet_scheduler_updates_total",
    "Updates of sessions that were served.",
    ["thread"],
  );
  const missed = counter(
    registry,
    "gamefleet_scheduler_missed_deadlines_total",
    "Updates of sessions served after their deadline.",
    ["thread", "band"],
  );
  const waiting = gauge(
    registry,
    "gamefleet_scheduler_updates_ready",
    "Updates of sessions that are due and not served.",
    ["thread"],
  );
  const worst = gauge(
    registry,
    "gamefleet_scheduler_worst_lateness_seconds",
    "How late the latest update of the last second was.",
    ["thread"],
  );
  return transports.flatMap((io, index) => {
    const thread = `io-${index}`;
    return [
      grow(
        () => io.get("scheduled"),
        (by) => taken.inc({ thread }, by),
      ),
      ...MISSED.map(([band, name]) =>
        grow(
          () => io.get(name),
          (by) => missed.inc({ thread, band }, by),
        ),
      ),
      () => {
        waiting.set({ thread }, io.get("ready"));
        worst.set({ thread }, io.get("worstLateMs") / 1_000);
        io.set("worstLateMs", 0);
      },
    ];
  });
}

/** The way of an input, from a probe in each I/O thread: which chain of stages decides when it is seen. */
function pathMetrics(registry: Registry, { simulation, transports }: SchedulerSources["stats"]): () => void {
  const stage = gauge(
    registry,
    "gamefleet_critical_path_seconds",
    "Stages of the slowest way from input to update; the sum is what players feel.",
    ["stage"],
  );
  const before = transports.map(() => ({ count: 0, ring: 0, tick: 0, queue: 0, update: 0 }));
  const seconds = new Map<string, number>();
  let steps = { ticks: 0, busyMs: 0 };
  return () => {
    const now = { ticks: simulation.get("ticks"), busyMs: simulation.get("busyMs") };
    const step = (now.busyMs - steps.busyMs) / Math.max(1, now.ticks - steps.ticks) / 1_000;
    steps = now;
    seconds.set("step", step);
    for (const [index, io] of transports.entries()) {
      const was = before[index];
      const count = io.get("pathCount");
      if (!was || count === was.count) continue;
      const mean = (name: "pathRingMs" | "pathTickMs" | "pathQueueMs" | "pathUpdateMs", old: number) =>
        (io.get(name) - old) / (count - was.count) / 1_000;
      seconds.set(`ring io-${index}`, mean("pathRingMs", was.ring));
      // From the tick's beginning to this thread's waking lies the step itself, and the waking.
      seconds.set(`wake io-${index}`, Math.max(0, mean("pathTickMs", was.tick) - step));
      seconds.set(`queue io-${index}`, mean("pathQueueMs", was.queue));
      seconds.set(`update io-${index}`, mean("pathUpdateMs", was.update));
      was.count = count;
      was.ring = io.get("pathRingMs");
      was.tick = io.get("pathTickMs");
      was.queue = io.get("pathQueueMs");
      was.update = io.get("pathUpdateMs");
    }
    const path = criticalPath({ seconds, edges: wayOfInput(transports.length) }, "input", "seen");
    stage.reset();
    for (const { name, seconds: value } of path?.stages ?? [])
      if (value > 0) stage.set({ stage: name }, value);
  };
}

/** Into the ring of one thread, through the step, out through any: others see an input too. */
function wayOfInput(threads: number): [string, string][] {
  return Array.from({ length: threads }, (_, io): [string, string][] => [
    ["input", `ring io-${io}`],
    [`ring io-${io}`, "step"],
    ["step", `wake io-${io}`],
    [`wake io-${io}`, `queue io-${io}`],
    [`queue io-${io}`, `update io-${io}`],
    [`update io-${io}`, "seen"],
  ]).flat();
}
