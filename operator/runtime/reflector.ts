/**
 * Keeps a store equal to the cluster: list once, then watch for ever.
 *
 * Promises: no change is lost (a stream that broke is resumed at the last version seen, or relisted); `synced`
 * resolves only after a full list; the loop ends only with its signal; a version is an opaque text, never
 * compared as a number. Failures back off from 0.8 s to 30 s with jitter, and start over after a healthy minute.
 */
import { backoff } from "../../platform/background.ts";
import { fail, hasCode, messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import type { KubeObject } from "../api/objects.ts";
import { ApiError, isExpired } from "../kube/errors.ts";
import type { Selection } from "../kube/list.ts";
import type { Resource } from "../kube/resource.ts";
import type { WatchEvent } from "../kube/watch.ts";
import { type Clock, sleepOn, systemClock } from "./clock.ts";
import type { ReflectorProbe, RuntimeMetrics } from "./metrics.ts";
import type { Cache, Life } from "./runnable.ts";
import { type IndexOf, Store, type StoreReader } from "./store.ts";

export interface ReflectorOptions<T extends KubeObject> {
  readonly resource: Pick<Resource<T>, "definition" | "list" | "watch">;
  readonly selection?: Selection;
  readonly indexes?: Readonly<Record<string, IndexOf<T>>>;
  readonly transform?: (object: T) => T;
  readonly log: Log;
  readonly metrics: RuntimeMetrics;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** The server ends a watch after this many seconds; spread, so that reconnects do not come in waves. */
const WATCH_SECONDS = { min: 240, spread: 60 };
/** Bookmarks come about every minute. Longer silence: the connection may be dead; to reconnect costs one call. */
const SILENCE_MS = 90_000;
const HEALTHY_MS = 60_000;
const BACKOFF = { baseMs: 800, maxMs: 30_000 };
/** Streams that broke in a row without one event. Resuming there leads nowhere; a list does. */
const BARREN_LIMIT = 3;
/** Without a sign of life for this long we are not ready: what we would decide on is stale. */
const STALE_MS = 300_000;

export class Reflector<T extends KubeObject> implements Cache, ReflectorProbe {
  readonly kind: string;
  readonly store: StoreReader<T>;
  /** Resolves after the first full list; stays pending until then. */
  readonly synced: Promise<void>;
  readonly #options: ReflectorOptions<T>;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #store: Store<T>;
  readonly #markSynced: () => void;
  #hasSynced = false;
  /** Where to resume; undefined calls for a list. */
  #version: string | undefined;
  #seenAt: number;
  /** Whether the current watch got as far as its first byte. */
  #opened = false;
  /** Open watches that broke since the last event. */
  #barren = 0;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.kind = options.resource.definition.kind;
    this.#log = options.log.child({ kind: this.kind });
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#seenAt = this.#clock.now();
    this.#store = new Store<T>({
      ...(options.indexes && { indexes: options.indexes }),
      ...(options.transform && { transform: options.transform }),
      onHandlerError: (error) => {
        options.metrics.handlerErrors.inc({ kind: this.kind });
        this.#log.error({ err: error }, "change handler threw");
      },
    });
    this.store = this.#store;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.synced = promise;
    this.#markSynced = resolve;
    options.metrics.relists.inc({ kind: this.kind }, 0);
  }

  get name(): string {
    return `reflector ${this.kind}`;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  silentSeconds(): number {
    return (this.#clock.now() - this.#seenAt) / 1_000;
  }

  objects(): number {
    return this.#store.size;
  }

  /** For readiness: throws while not synced, or when nothing was heard for five minutes. */
  check(): void {
    if (!this.#hasSynced) throw new Error(`${this.kind}: not listed yet`);
    const silent = this.silentSeconds();
    if (silent * 1_000 > STALE_MS) throw new Error(`${this.kind}: nothing heard for ${Math.round(silent)} s`);
  }

  async run({ stop }: Life): Promise<void> {
    this.#options.metrics.reflectors.add(this);
    let failures = 0;
    while (!stop.aborted) {
      const began = this.#clock.now();
      const failure = await this.#listAndWatch(stop);
      if (stop.aborted) break;
      if (failure === undefined || this.#clock.now() - began >= HEALTHY_MS) failures = 0;
      if (failure === undefined) continue;
      await sleepOn(this.#clock, this.#pauseAfter(failure, failures), stop);
      failures += 1;
    }
    this.#options.metrics.reflectors.delete(this);
  }

  /** One list if needed, then one watch to its end. Returns what went wrong, if anything. */
  async #listAndWatch(stop: AbortSignal): Promise<unknown> {
    this.#opened = false;
    try {
      if (this.#version === undefined) await this.#relist(stop);
      const began = this.#clock.now();
      const events = await this.#watch(stop);
      // The usual end of a watch: the server's time is up. One that ends as it begins is a failure in disguise.
      if (events > 0 || this.#clock.now() - began >= 1_000) return undefined;
      return new Error("watch ended at once");
    } catch (error) {
      if (!stop.aborted) this.#noteFailure(error);
      return error;
    }
  }

  async #relist(stop: AbortSignal): Promise<void> {
    const { items, resourceVersion } = await this.#options.resource.list({
      ...this.#options.selection,
      signal: stop,
    });
    this.#options.metrics.relists.inc({ kind: this.kind });
    this.#store.replace(items, !this.#hasSynced);
    this.#version = resourceVersion;
    this.#alive();
    if (this.#hasSynced) return;
    this.#hasSynced = true;
    this.#log.info({ objects: items.length }, "listed");
    this.#markSynced();
  }

  /** Follows one watch until the server closes it; returns how many events it brought. */
  async #watch(stop: AbortSignal): Promise<number> {
    const watch = new AbortController();
    const end = (): void => watch.abort(fail("ABORTED", "reflector stopped"));
    stop.addEventListener("abort", end, { once: true });
    let watchdog = (): void => {};
    const guardSilence = (): void => {
      watchdog();
      watchdog = this.#clock.timer(SILENCE_MS, () =>
        watch.abort(fail("TIMEOUT", `no event for ${SILENCE_MS} ms`)),
      );
    };
    let count = 0;
    try {
      guardSilence();
      const events = await this.#options.resource.watch({
        ...this.#options.selection,
        resourceVersion: this.#version ?? "",
        timeoutSeconds: WATCH_SECONDS.min + Math.floor(this.#random() * WATCH_SECONDS.spread),
        signal: watch.signal,
      });
      this.#alive();
      this.#opened = true;
      for await (const event of events) {
        guardSilence();
        this.#take(event);
        count += 1;
      }
      return count;
    } catch (error) {
      throw watch.signal.aborted ? watch.signal.reason : error;
    } finally {
      watchdog();
      stop.removeEventListener("abort", end);
      // Ends the request if the loop was left early (a corrupt stream).
      watch.abort();
    }
  }

  #take(event: WatchEvent<T>): void {
    this.#alive();
    this.#barren = 0;
    if (event.type === "BOOKMARK") {
      this.#version = event.resourceVersion;
      return;
    }
    if (event.type === "DELETED") this.#store.remove(event.object);
    else this.#store.put(event.object);
    // After the store, so that a version never claims a change that was not taken in.
    this.#version = event.object.metadata.resourceVersion;
  }

  #alive(): void {
    this.#seenAt = this.#clock.now();
  }

  /** Decides whether the last version is still a place to resume from. */
  #noteFailure(error: unknown): void {
    const status = error instanceof ApiError ? error.status : 0;
    // Silence is no sign that the place is wrong: a quiet kind may send nothing at all.
    if (this.#opened && !hasCode(error, "TIMEOUT")) this.#barren += 1;
    // The version is gone (410), or the server calls it nonsense (400), or broke off the stream with a reason.
    const useless = isExpired(error) || status === 400 || (status > 0 && this.#opened);
    if (useless || this.#barren >= BARREN_LIMIT) {
      this.#version = undefined;
      this.#barren = 0;
    }
    const reason = error instanceof ApiError ? error.reason : hasCode(error, "TIMEOUT") ? "Silent" : "Other";
    this.#options.metrics.watchFailures.inc({ kind: this.kind, reason });
    this.#log.warn({ reason, error: messageOf(error), relist: this.#version === undefined }, "watch failed");
  }

  #pauseAfter(failure: unknown, failures: number): number {
    // A version that expired says nothing about the server's health, and we are behind: list now.
    if (failures === 0 && isExpired(failure)) return 0;
    const asked = failure instanceof ApiError ? (failure.retryAfterSeconds ?? 0) * 1_000 : 0;
    return asked + backoff(failures, BACKOFF, this.#random);
  }
}
