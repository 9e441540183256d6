/**
 * The runtime's metrics, under the names controller-runtime and client-go use, so that dashboards made for any
 * kubebuilder operator work; our own carry `gamefleet_`. One set a process, made by `main` and handed down.
 *
 * Values that are ages are computed when scraped: a gauge written now and then would show the past.
 */
import { Gauge } from "prom-client";
import {
  type Counter,
  counter,
  type Gauge as GaugeOf,
  gauge,
  type Histogram,
  histogram,
  type Registry,
} from "../../platform/metrics.ts";

/** Seconds: reconciles are I/O and may wait for throttled writes. */
const WORK_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export const RESULTS = ["success", "error", "requeue", "requeue_after"] as const;
export type ReconcileResult = (typeof RESULTS)[number];

/** What a live object can be asked for at scrape time. Unregister it when it stops. */
export interface QueueProbe {
  readonly name: string;
  /** Seconds each key under work has been so. */
  workingSeconds(): readonly number[];
}

export interface ReflectorProbe {
  readonly kind: string;
  /** Seconds since the watch last showed a sign of life. */
  silentSeconds(): number;
  objects(): number;
}

export interface RuntimeMetrics {
  readonly reconciles: Counter<"controller" | "result">;
  readonly reconcileErrors: Counter<"controller">;
  readonly terminalErrors: Counter<"controller">;
  readonly panics: Counter<"controller">;
  readonly timeouts: Counter<"controller">;
  readonly reconcileTime: Histogram<"controller">;
  readonly maxConcurrent: GaugeOf<"controller">;
  readonly activeWorkers: GaugeOf<"controller">;
  readonly queueDepth: GaugeOf<"name" | "controller" | "lane">;
  readonly queueAdds: Counter<"name" | "controller">;
  readonly queueRetries: Counter<"name" | "controller">;
  readonly queueDuration: Histogram<"name" | "controller">;
  readonly workDuration: Histogram<"name" | "controller">;
  readonly leader: GaugeOf<"name">;
  readonly relists: Counter<"kind">;
  readonly watchFailures: Counter<"kind" | "reason">;
  readonly handlerErrors: Counter<"kind">;
  readonly eventsDropped: Counter<"reason">;
  readonly queues: Set<QueueProbe>;
  readonly reflectors: Set<ReflectorProbe>;
}

export function createRuntimeMetrics(registry: Registry): RuntimeMetrics {
  const queues = new Set<QueueProbe>();
  const reflectors = new Set<ReflectorProbe>();
  registerQueueAges(registry, queues);
  registerReflectorGauges(registry, reflectors);
  return {
    queues,
    reflectors,
    ...reconcileMetrics(registry),
    ...queueMetrics(registry),
    leader: gauge(registry, "leader_election_master_status", "1 while this process leads", ["name"]),
    relists: counter(registry, "gamefleet_reflector_relists_total", "Full lists", ["kind"]),
    watchFailures: counter(registry, "gamefleet_reflector_failures_total", "Lists and watches that failed", [
      "kind",
      "reason",
    ]),
    handlerErrors: counter(registry, "gamefleet_reflector_handler_errors_total", "Handlers that threw", [
      "kind",
    ]),
    eventsDropped: counter(registry, "gamefleet_events_dropped_total", "Kubernetes events not written", [
      "reason",
    ]),
  };
}

function reconcileMetrics(registry: Registry) {
  const labels = ["controller"] as const;
  const prefix = "controller_runtime";
  return {
    reconciles: counter(registry, `${prefix}_reconcile_total`, "Reconciles by result", [
      "controller",
      "result",
    ]),
    reconcileErrors: counter(registry, `${prefix}_reconcile_errors_total`, "Reconciles that failed", labels),
    terminalErrors: counter(
      registry,
      `${prefix}_terminal_reconcile_errors_total`,
      "Reconciles that failed for good",
      labels,
    ),
    panics: counter(
      registry,
      `${prefix}_reconcile_panics_total`,
      "Reconciles that hit a programming error",
      labels,
    ),
    timeouts: counter(
      registry,
      `${prefix}_reconcile_timeouts_total`,
      "Reconciles that ran out of time",
      labels,
    ),
    reconcileTime: histogram(
      registry,
      `${prefix}_reconcile_time_seconds`,
      "Length of reconciles",
      labels,
      WORK_BUCKETS,
    ),
    maxConcurrent: gauge(registry, `${prefix}_max_concurrent_reconciles`, "Workers of a controller", labels),
    activeWorkers: gauge(registry, `${prefix}_active_workers`, "Workers under way", labels),
  };
}

function queueMetrics(registry: Registry) {
  const labels = ["name", "controller"] as const;
  return {
    queueDepth: gauge(registry, "workqueue_depth", "Keys waiting", ["name", "controller", "lane"]),
    queueAdds: counter(registry, "workqueue_adds_total", "Keys added", labels),
    queueRetries: counter(registry, "workqueue_retries_total", "Keys added again after a failure", labels),
    queueDuration: histogram(
      registry,
      "workqueue_queue_duration_seconds",
      "Time keys wait before work on them starts",
      labels,
      WORK_BUCKETS,
    ),
    workDuration: histogram(
      registry,
      "workqueue_work_duration_seconds",
      "Time keys are under work",
      labels,
      WORK_BUCKETS,
    ),
  };
}

function registerQueueAges(registry: Registry, queues: ReadonlySet<QueueProbe>): void {
  const ages = (name: string, help: string, of: (seconds: readonly number[]) => number): void => {
    const metric: Gauge<"name" | "controller"> = new Gauge({
      name,
      help,
      labelNames: ["name", "controller"],
      registers: [registry],
      collect: () => {
        metric.reset();
        for (const queue of queues) {
          metric.set({ name: queue.name, controller: queue.name }, of(queue.workingSeconds()));
        }
      },
    });
  };
  ages("workqueue_unfinished_work_seconds", "Sum of the ages of keys under work", (seconds) =>
    seconds.reduce((sum, age) => sum + age, 0),
  );
  ages("workqueue_longest_running_processor_seconds", "Age of the oldest key under work", (seconds) =>
    seconds.reduce((oldest, age) => Math.max(oldest, age), 0),
  );
}

function registerReflectorGauges(registry: Registry, reflectors: ReadonlySet<ReflectorProbe>): void {
  const perKind = (name: string, help: string, of: (reflector: ReflectorProbe) => number): void => {
    const metric: Gauge<"kind"> = new Gauge({
      name,
      help,
      labelNames: ["kind"],
      registers: [registry],
      collect: () => {
        metric.reset();
        for (const reflector of reflectors) metric.set({ kind: reflector.kind }, of(reflector));
      },
    });
  };
  perKind("gamefleet_reflector_watch_age_seconds", "Time since a watch showed a sign of life", (reflector) =>
    reflector.silentSeconds(),
  );
  perKind("gamefleet_reflector_store_objects", "Objects held", (reflector) => reflector.objects());
}
