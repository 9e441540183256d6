/**
 * The runtime's metrics, under the names controller-runtime and client-go use, so that dashboards made for any
 * kubebuilder operator work; our own carry `gamefleet_`. One set a process, made by `main` and handed down.
 *
 * Values that are ages are computed when scraped: a gauge written now and then would show the past.
 */
import {
  type Counter,
  counter,
  type Gauge,
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
  readonly maxConcurrent: Gauge<"controller">;
  readonly activeWorkers: Gauge<"controller">;
  readonly queueDepth: Gauge<"name" | "controller" | "lane">;
  readonly queueAdds: Counter<"name" | "controller">;
  readonly queueRetries: Counter<"name" | "controller">;
  readonly queueDuration: Histogram<"name" | "controller">;
  readonly workDuration: Histogram<"name" | "controller">;
  readonly leader: Gauge<"name">;
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
    relists: counter(
      registry,
      "gamefleet_reflector_relists_total",
      "Full lists of a kind read from the API server",
      ["kind"],
    ),
    watchFailures: counter(
      registry,
      "gamefleet_reflector_failures_total",
      "Lists and watches of a kind that failed",
      ["kind", "reason"],
    ),
    handlerErrors: counter(
      registry,
      "gamefleet_reflector_handler_errors_total",
      "Handlers of changes that threw",
      ["kind"],
    ),
    eventsDropped: counter(
      registry,
      "gamefleet_events_dropped_total",
      "Kubernetes events not written, by why",
      ["reason"],
    ),
  };
}

const OF_CONTROLLER = ["controller"] as const;

function reconcileMetrics(registry: Registry) {
  return {
    reconciles: counter(registry, "controller_runtime_reconcile_total", "Reconciles by result", [
      "controller",
      "result",
    ]),
    reconcileErrors: counter(
      registry,
      "controller_runtime_reconcile_errors_total",
      "Reconciles that failed",
      OF_CONTROLLER,
    ),
    terminalErrors: counter(
      registry,
      "controller_runtime_terminal_reconcile_errors_total",
      "Reconciles that failed and cannot succeed without a change",
      OF_CONTROLLER,
    ),
    panics: counter(
      registry,
      "controller_runtime_reconcile_panics_total",
      "Reconciles that hit a programming error",
      OF_CONTROLLER,
    ),
    timeouts: counter(
      registry,
      "controller_runtime_reconcile_timeouts_total",
      "Reconciles that ran out of time",
      OF_CONTROLLER,
    ),
    reconcileTime: histogram(
      registry,
      "controller_runtime_reconcile_time_seconds",
      "Length of reconciles",
      OF_CONTROLLER,
      WORK_BUCKETS,
    ),
    maxConcurrent: gauge(
      registry,
      "controller_runtime_max_concurrent_reconciles",
      "Most reconciles at a time",
      OF_CONTROLLER,
    ),
    activeWorkers: gauge(
      registry,
      "controller_runtime_active_workers",
      "Reconciles under way",
      OF_CONTROLLER,
    ),
  };
}

const OF_QUEUE = ["name", "controller"] as const;

function queueMetrics(registry: Registry) {
  return {
    queueDepth: gauge(registry, "workqueue_depth", "Keys that wait to be reconciled", [
      "name",
      "controller",
      "lane",
    ]),
    queueAdds: counter(registry, "workqueue_adds_total", "Keys added to the queue", OF_QUEUE),
    queueRetries: counter(registry, "workqueue_retries_total", "Keys added again after a failure", OF_QUEUE),
    queueDuration: histogram(
      registry,
      "workqueue_queue_duration_seconds",
      "Time keys wait before work on them starts",
      OF_QUEUE,
      WORK_BUCKETS,
    ),
    workDuration: histogram(
      registry,
      "workqueue_work_duration_seconds",
      "Time keys are under work",
      OF_QUEUE,
      WORK_BUCKETS,
    ),
  };
}

function registerQueueAges(registry: Registry, queues: ReadonlySet<QueueProbe>): void {
  const ages = (of: (seconds: readonly number[]) => number) => (metric: Gauge<"name" | "controller">) => {
    metric.reset();
    for (const queue of queues) {
      metric.set({ name: queue.name, controller: queue.name }, of(queue.workingSeconds()));
    }
  };
  gauge(
    registry,
    "workqueue_unfinished_work_seconds",
    "Sum of the ages of keys under work",
    OF_QUEUE,
    ages((seconds) => seconds.reduce((sum, age) => sum + age, 0)),
  );
  gauge(
    registry,
    "workqueue_longest_running_processor_seconds",
    "Age of the oldest key under work",
    OF_QUEUE,
    ages((seconds) => seconds.reduce((oldest, age) => Math.max(oldest, age), 0)),
  );
}

function registerReflectorGauges(registry: Registry, reflectors: ReadonlySet<ReflectorProbe>): void {
  const perKind = (of: (reflector: ReflectorProbe) => number) => (metric: Gauge<"kind">) => {
    metric.reset();
    for (const reflector of reflectors) metric.set({ kind: reflector.kind }, of(reflector));
  };
  gauge(
    registry,
    "gamefleet_reflector_watch_age_seconds",
    "Time since the watch of a kind showed a sign of life",
    ["kind"],
    perKind((reflector) => reflector.silentSeconds()),
  );
  gauge(
    registry,
    "gamefleet_reflector_store_objects",
    "Objects of a kind held in memory",
    ["kind"],
    perKind((reflector) => reflector.objects()),
  );
}
