/** The pod's own metrics, `gamefleet_*`. Figures of worker threads are copied over each second by `collect`. */
import {
  addProcessMetrics,
  type Counter,
  counter,
  createRegistry,
  gauge,
  histogram,
  type Registry,
} from "../../platform/metrics.ts";
import { closeKind } from "../../protocol/close.ts";
import { type Counters, quantile } from "../shared-stats.ts";
import type { TransportCounter } from "../transport/messages.ts";
import { type SchedulerSources, schedulerMetrics } from "./scheduler-metrics.ts";
import type { ThreadStats } from "./threads.ts";

/** Seconds, around the 16.7 ms of a tick. */
const TICK_BUCKETS = [0.0005, 0.001, 0.002, 0.004, 0.008, 0.012, 0.0167, 0.025, 0.05, 0.1, 0.25, 1];

export interface SecondFigures {
  /** p99 of the last second, ms. */
  readonly tickLatenessMs: number;
}

export interface PodMetrics {
  readonly registry: Registry;
  /** `result`: joined, resumed, or the stable error code. */
  joined(result: string): void;
  closed(code: number): void;
  /** Exports these too, from now on. */
  watch(sources: SchedulerSources): void;
  /** Copies what threads have counted since the last call. */
  collect(now: {
    readonly sessions: number;
    readonly zones: number;
    readonly cpuPercent: number;
  }): SecondFigures;
}

export function podMetrics(stats: ThreadStats, labels: Readonly<Record<string, string>>): PodMetrics {
  const registry = createRegistry(labels);
  addProcessMetrics(registry);
  const sessions = gauge(registry, "gamefleet_sessions", "Sessions, connected or not.");
  const connections = gauge(registry, "gamefleet_connections", "Open player connections.");
  const zones = gauge(registry, "gamefleet_zones", "Zones served.");
  const cpu = gauge(registry, "gamefleet_cpu_percent", "CPU used in the last second, per cent of the quota.");
  const steps = histogram(
    registry,
    "gamefleet_tick_seconds",
    "Time one tick of all zones takes.",
    [],
    TICK_BUCKETS,
  );
  const late = histogram(
    registry,
    "gamefleet_tick_lateness_seconds",
    "How late ticks begin.",
    [],
    TICK_BUCKETS,
  );
  const seen = histogram(
    registry,
    "gamefleet_input_seen_seconds",
    "From taking an input to sending its effect.",
  );
  const joins = counter(
    registry,
    "gamefleet_joins_total",
    "Players who asked to come in (HELLO), by result: joined, resumed, or an error code.",
    ["result"],
  );
  const closes = counter(registry, "gamefleet_closes_total", "Connections ended, by close code.", [
    "code",
    "name",
  ]);
  const copies = threadCounters(registry, stats);
  let scheduler = () => {};
  return {
    registry,
    joined: (result) => joins.inc({ result }),
    closed: (code) => closes.inc({ code: String(code), name: closeKind(code)?.name ?? "standard" }),
    watch(sources) {
      scheduler = schedulerMetrics(registry, sources);
    },
    collect(now) {
      sessions.set(now.sessions);
      zones.set(now.zones);
      cpu.set(now.cpuPercent);
      connections.set(stats.transports.reduce((sum, io) => sum + io.get("connections"), 0));
      for (const value of stats.steps.take()) steps.observe(value);
      const lateness = stats.lateness.take();
      for (const value of lateness) late.observe(value);
      for (const samples of stats.seen) for (const value of samples.take()) seen.observe(value);
      for (const copy of copies) copy();
      scheduler();
      return { tickLatenessMs: quantile(lateness, 0.99) * 1_000 };
    },
  };
}

/** One function per counter that adds what its threads have added since the last call. */
function threadCounters(registry: Registry, stats: ThreadStats): (() => void)[] {
  const of = (target: Counter, total: () => number) => {
    let before = 0;
    return () => {
      const now = total();
      target.inc(Math.max(0, now - before));
      before = now;
    };
  };
  const sum = (name: TransportCounter) =>
    stats.transports.reduce((total: number, io: Counters<TransportCounter>) => total + io.get(name), 0);
  const { simulation } = stats;
  return [
    of(counter(registry, "gamefleet_updates_total", "Updates sent."), () => sum("updates")),
    of(counter(registry, "gamefleet_sent_bytes_total", "Bytes of updates and events sent."), () =>
      sum("bytes"),
    ),
    of(counter(registry, "gamefleet_inputs_total", "Inputs taken."), () => sum("inputs")),
    of(
      counter(
        registry,
        "gamefleet_dropped_updates_total",
        "Updates left out because the client had not read the last.",
      ),
      () => sum("skippedUpdates"),
    ),
    of(
      counter(
        registry,
        "gamefleet_events_overrun_total",
        "Times an I/O thread was too late to read events: some players missed them.",
      ),
      () => sum("eventsLost"),
    ),
    of(counter(registry, "gamefleet_round_trips_total", "Answers to our pings of players."), () =>
      sum("roundTrips"),
    ),
    of(
      counter(
        registry,
        "gamefleet_round_trip_seconds_total",
        "Time from our pings to their answers, summed up.",
      ),
      () => sum("roundTripMs") / 1_000,
    ),
    of(counter(registry, "gamefleet_ticks_total", "Ticks stepped."), () => simulation.get("ticks")),
    of(
      counter(
        registry,
        "gamefleet_dilated_ticks_total",
        "Ticks given up because the pod was late: the world runs slower.",
      ),
      () => simulation.get("dilatedTicks"),
    ),
    of(
      counter(
        registry,
        "gamefleet_physics_anomalies_total",
        "Parts of zones isolated because of their physics.",
      ),
      () => simulation.get("anomalies"),
    ),
    of(counter(registry, "gamefleet_game_faults_total", "Errors thrown by game rules."), () =>
      simulation.get("faults"),
    ),
  ];
}
