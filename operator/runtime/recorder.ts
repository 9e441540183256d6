/**
 * Tells users what happened to an object, as `kubectl describe` and `kubectl events` show it (events.k8s.io/v1).
 *
 * `record` never throws, never waits and never fails a reconcile: events are written in the background, and are
 * dropped rather than kept when there are too many. The same event again within six minutes only raises the
 * count of its series; each object may start 25 series at once and then one every five minutes, so that an
 * object which flaps cannot flood the API server. What is not written yet when the process stops is lost.
 */
import { messageOf } from "../../platform/errors.ts";
import { nameSuffix } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import { type KubeObject, microTime } from "../api/objects.ts";
import { isNotFound } from "../kube/errors.ts";
import type { Resource } from "../kube/resource.ts";
import { type Clock, sleepOn, systemClock } from "./clock.ts";
import type { RuntimeMetrics } from "./metrics.ts";
import type { Life, Runnable } from "./runnable.ts";
import { TokenBuckets } from "./token-buckets.ts";

export interface EventFacts {
  readonly type: "Normal" | "Warning";
  /** What happened, CamelCase: `PodCreated`, `DrainDeadlineReached`. */
  readonly reason: string;
  /** What the controller did about it, CamelCase: `CreatePod`. */
  readonly action: string;
  /** A sentence for people, at most 1,024 bytes. */
  readonly note: string;
  readonly related?: KubeObject;
}

export interface Recorder {
  record(regarding: KubeObject, facts: EventFacts): void;
}

interface ObjectReference {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly uid?: string | undefined;
}

export interface KubeEvent extends KubeObject {
  readonly eventTime: string;
  readonly type: string;
  readonly reason: string;
  readonly action: string;
  readonly note: string;
  readonly regarding: ObjectReference;
  readonly related?: ObjectReference;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

/** One event and its repetitions. */
interface Series {
  readonly event: KubeEvent;
  count: number;
  /** Wall ms. */
  lastWall: number;
  /** Monotonic ms. */
  lastSeen: number;
  lastWrite: number | undefined;
}

const SERIES_MS = 6 * 60_000;
/** A series that goes on is written again this often. */
const REFRESH_MS = 30_000;
const MAX_SERIES = 2_000;
const IDLE_MS = 1_000;

export interface RecorderOptions {
  readonly events: Pick<Resource<KubeEvent>, "create" | "mergePatch">;
  /** `gamefleet.dev/operator`: who reports. */
  readonly controller: string;
  /** The process: the pod's name. At most 128 characters. */
  readonly instance: string;
  readonly log: Log;
  readonly metrics: RuntimeMetrics;
  readonly clock?: Clock;
}

export class EventRecorder implements Recorder, Runnable {
  readonly name = "event recorder";
  readonly #options: RecorderOptions;
  readonly #clock: Clock;
  readonly #series = new Map<string, Series>();
  readonly #buckets: TokenBuckets;
  #news = new AbortController();

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#buckets = new TokenBuckets({
      burst: 25,
      refillMs: 5 * 60_000,
      limit: MAX_SERIES,
      clock: this.#clock,
    });
    for (const reason of ["rate", "full", "error"]) options.metrics.eventsDropped.inc({ reason }, 0);
  }

  record(regarding: KubeObject, facts: EventFacts): void {
    const owner = regarding.metadata.uid ?? regarding.metadata.name;
    const key = JSON.stringify([owner, facts.type, facts.reason, facts.action, facts.note]);
    const now = this.#clock.now();
    const known = this.#series.get(key);
    if (known !== undefined && now - known.lastSeen < SERIES_MS) {
      known.count += 1;
      known.lastSeen = now;
      known.lastWall = this.#clock.wall();
      return;
    }
    this.#series.delete(key);
    if (this.#series.size >= MAX_SERIES) this.#dropped("full");
    else if (!this.#buckets.take(owner)) this.#dropped("rate");
    else this.#begin(key, regarding, facts, now);
  }

  async run({ stop }: Life): Promise<void> {
    const wake = (): void => this.#news.abort();
    stop.addEventListener("abort", wake, { once: true });
    while (!stop.aborted) {
      this.#news = new AbortController();
      await this.#writeDue(stop);
      if (!stop.aborted) await sleepOn(this.#clock, IDLE_MS, this.#news.signal);
    }
    stop.removeEventListener("abort", wake);
  }

  #begin(key: string, regarding: KubeObject, facts: EventFacts, now: number): void {
    const wall = this.#clock.wall();
    const event = this.#eventOf(regarding, facts, wall);
    this.#series.set(key, { event, count: 1, lastWall: wall, lastSeen: now, lastWrite: undefined });
    this.#news.abort();
  }

  async #writeDue(stop: AbortSignal): Promise<void> {
    for (const [key, series] of this.#series) {
      if (stop.aborted) return;
      const now = this.#clock.now();
      const due = series.lastWrite === undefined || series.lastWrite + REFRESH_MS <= now;
      if (due && series.lastSeen > (series.lastWrite ?? Number.NEGATIVE_INFINITY))
        await this.#write(key, series, stop);
      else if (now - series.lastSeen >= SERIES_MS) this.#series.delete(key);
    }
  }

  async #write(key: string, series: Series, stop: AbortSignal): Promise<void> {
    const call = { signal: stop };
    const first = series.lastWrite === undefined;
    series.lastWrite = this.#clock.now();
    const { event } = series;
    const repeated = { count: series.count, lastObservedTime: microTime(series.lastWall) };
    try {
      if (first)
        await this.#options.events.create(series.count > 1 ? { ...event, series: repeated } : event, call);
      else await this.#options.events.mergePatch(event.metadata, { series: repeated }, call);
    } catch (error) {
      if (stop.aborted) return;
      this.#series.delete(key);
      // Events expire after an hour or so; the next occurrence starts a new one.
      if (isNotFound(error) && !first) return;
      this.#dropped("error");
      this.#options.log.warn({ reason: event.reason, error: messageOf(error) }, "event not written");
    }
  }

  #dropped(reason: "rate" | "full" | "error"): void {
    this.#options.metrics.eventsDropped.inc({ reason });
  }

  #eventOf(regarding: KubeObject, facts: EventFacts, wall: number): KubeEvent {
    const { name, namespace } = regarding.metadata;
    return {
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: {
        name: `${name.slice(0, 230)}.${nameSuffix(12)}`,
        // Cluster-scoped objects have theirs here, by custom of the API server.
        namespace: namespace ?? "default",
      },
      eventTime: microTime(wall),
      type: facts.type,
      reason: facts.reason,
      action: facts.action,
      note: clip(facts.note, 1_024),
      regarding: referenceTo(regarding),
      ...(facts.related && { related: referenceTo(facts.related) }),
      reportingController: this.#options.controller,
      reportingInstance: this.#options.instance.slice(0, 128),
    };
  }
}

function referenceTo(object: KubeObject): ObjectReference {
  const { name, namespace, uid } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, namespace, name, uid };
}

/** At most `bytes` of UTF-8, without a torn character at the end. */
function clip(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const cut = Buffer.from(text)
    .subarray(0, bytes - 3)
    .toString("utf8");
  return `${cut.replace(/\uFFFD+$/, "")}…`;
}
