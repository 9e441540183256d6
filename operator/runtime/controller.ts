/**
 * Runs a reconcile for each key that its sources wake: controller-runtime's contract.
 *
 * A reconcile is level-based: it gets a key and reads the state itself. It returns nothing, or when to come
 * back, or throws: then the key backs off and comes again, unless the error says `TERMINAL`. It has a time-out
 * through its signal; the same key never runs twice at once, so one that ignores its signal blocks only itself.
 */
import { fail, GamefleetError, hasCode } from "../../platform/errors.ts";
import { nameSuffix } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import type { Key } from "../api/objects.ts";
import { isConflict } from "../kube/errors.ts";
import { type Clock, systemClock } from "./clock.ts";
import { RESULTS, type ReconcileResult, type RuntimeMetrics } from "./metrics.ts";
import { type AddOptions, type Item, WorkQueue } from "./queue.ts";
import type { Life, Runnable } from "./runnable.ts";
import type { Source } from "./sources.ts";

export interface ReconcileContext {
  /** Aborts when time is up or the process must stop at once. Hand it to every call. */
  readonly signal: AbortSignal;
  /** Carries controller, key and reconcile id. */
  readonly log: Log;
  /** Names this run in logs and events. */
  readonly id: string;
}

export interface Requeue {
  /** Come back after this many ms even when nothing changes. 0 or less: at once. */
  readonly requeueAfterMs: number;
}

export type Reconcile = (key: Key, context: ReconcileContext) => Promise<Requeue | void>;

export interface ControllerOptions {
  readonly name: string;
  readonly reconcile: Reconcile;
  readonly sources: readonly Source[];
  /** Reconciles at once. Default 16: they mostly wait for the network. */
  readonly concurrency?: number;
  /** Longest run of one reconcile, ms. Default 60,000. */
  readonly timeoutMs?: number;
  readonly log: Log;
  readonly metrics: RuntimeMetrics;
  readonly clock?: Clock;
}

/** The error for what no retry can mend; the object must change first. */
export function terminal(detail: string, cause?: unknown): GamefleetError {
  return fail("TERMINAL", detail, cause === undefined ? {} : { cause });
}

export class Controller implements Runnable {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #running = new Set<AbortController>();
  #queue: WorkQueue | undefined;

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#log = options.log.child({ controller: options.name });
    this.#clock = options.clock ?? systemClock;
    prepareMetrics(options.metrics, options.name, options.concurrency ?? 16);
  }

  /** True when no key waits, runs or is delayed. For tests and drains. */
  get idle(): boolean {
    return this.#queue?.idle ?? true;
  }

  async run({ stop, kill }: Life): Promise<void> {
    if (stop.aborted) return;
    const { metrics } = this.#options;
    const queue = new WorkQueue({ name: this.name, metrics, clock: this.#clock });
    this.#queue = queue;
    const ends = this.#options.sources.map((source) =>
      source.start((key, options) => queue.add(key, options)),
    );
    const onStop = (): void => {
      for (const end of ends) end();
      queue.stop();
    };
    const onKill = (): void => {
      for (const reconcile of this.#running) reconcile.abort(fail("ABORTED", "the process must stop"));
    };
    stop.addEventListener("abort", onStop, { once: true });
    kill.addEventListener("abort", onKill, { once: true });
    try {
      await Promise.all(Array.from({ length: this.#options.concurrency ?? 16 }, () => this.#work(queue)));
    } finally {
      stop.removeEventListener("abort", onStop);
      kill.removeEventListener("abort", onKill);
    }
  }

  async #work(queue: WorkQueue): Promise<void> {
    for (let item = await queue.next(); item !== undefined; item = await queue.next()) {
      const { activeWorkers } = this.#options.metrics;
      activeWorkers.inc({ controller: this.name });
      try {
        await this.#reconcile(queue, item);
      } finally {
        activeWorkers.dec({ controller: this.name });
        queue.done(item.key);
      }
    }
  }

  async #reconcile(queue: WorkQueue, item: Item): Promise<void> {
    const { metrics, timeoutMs = 60_000 } = this.#options;
    const id = nameSuffix(8);
    const log = this.#log.child({ key: item.key, reconcile: id });
    const run = new AbortController();
    const cancel = this.#clock.timer(timeoutMs, () => {
      metrics.timeouts.inc({ controller: this.name });
      run.abort(fail("TIMEOUT", `reconcile took longer than ${timeoutMs} ms`));
    });
    const started = this.#clock.now();
    this.#running.add(run);
    let result: ReconcileResult;
    try {
      const requeue = await this.#options.reconcile(item.key, { signal: run.signal, log, id });
      result = settle(queue, item, requeue);
    } catch (error) {
      result = "error";
      this.#failed(queue, item, error, log);
    } finally {
      cancel();
      this.#running.delete(run);
      metrics.reconcileTime.observe({ controller: this.name }, (this.#clock.now() - started) / 1_000);
    }
    metrics.reconciles.inc({ controller: this.name, result });
  }

  #failed(queue: WorkQueue, item: Item, error: unknown, log: Log): void {
    const { metrics } = this.#options;
    const labels = { controller: this.name };
    metrics.reconcileErrors.inc(labels);
    if (hasCode(error, "TERMINAL")) {
      metrics.terminalErrors.inc(labels);
      queue.forget(item.key);
      log.error({ err: error }, "reconcile failed for good");
      return;
    }
    if (isBug(error)) metrics.panics.inc(labels);
    queue.addRateLimited(item.key, urgencyOf(item));
    // Somebody else wrote first, or we may not write any more: everyday events, no reason to alarm.
    const expected = isConflict(error) || hasCode(error, "LEADERSHIP_LOST") || hasCode(error, "ABORTED");
    log[expected ? "info" : "error"]({ err: error, failures: queue.failures(item.key) }, "reconcile failed");
  }
}

function settle(queue: WorkQueue, item: Item, requeue: Requeue | void): ReconcileResult {
  queue.forget(item.key);
  if (!requeue) return "success";
  if (requeue.requeueAfterMs > 0) {
    queue.addAfter(item.key, requeue.requeueAfterMs, urgencyOf(item));
    return "requeue_after";
  }
  queue.add(item.key, urgencyOf(item));
  return "requeue";
}

function urgencyOf({ lane, priority }: Item): AddOptions {
  return { lane, priority };
}

/** What Go would call a panic: the program is wrong, not the world. */
function isBug(error: unknown): boolean {
  if (error instanceof GamefleetError) return false;
  return (
    error instanceof TypeError ||
    error instanceof ReferenceError ||
    error instanceof RangeError ||
    error instanceof SyntaxError
  );
}

/** All series exist from the start: a rate over a counter that appears with its first error misses it. */
function prepareMetrics(metrics: RuntimeMetrics, controller: string, concurrency: number): void {
  for (const result of RESULTS) metrics.reconciles.inc({ controller, result }, 0);
  for (const count of [metrics.reconcileErrors, metrics.terminalErrors, metrics.panics, metrics.timeouts]) {
    count.inc({ controller }, 0);
  }
  metrics.maxConcurrent.set({ controller }, concurrency);
  metrics.activeWorkers.set({ controller }, 0);
}
