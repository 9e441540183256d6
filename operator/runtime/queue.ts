/**
 * The work queue: client-go's `workqueue`, with lanes.
 *
 * Promises: a key waits at most once; the same key is never under work twice at once; a key added while under
 * work is worked again after `done`; of several delays the earliest counts; `add` at once cancels a delay, for the
 * run it causes decides anew. Keys only, so a reconcile always reads the newest state.
 *
 * Two lanes, served in turn: a scale-up of thousands must not make deletions wait behind it. In a lane, keys of
 * low priority (initial lists) yield to fresh changes, yet every 16th turn is theirs, so that none waits for ever.
 */
import type { Key } from "../api/objects.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { QueueProbe, RuntimeMetrics } from "./metrics.ts";

export type Lane = "normal" | "deletion";
export type Priority = "normal" | "low";

export interface AddOptions {
  readonly lane?: Lane | undefined;
  readonly priority?: Priority | undefined;
}

export interface Item {
  readonly key: Key;
  readonly lane: Lane;
  readonly priority: Priority;
}

interface Waiting extends Item {
  readonly since: number;
}

interface Delayed {
  readonly dueAt: number;
  readonly cancel: () => void;
}

/** Back-off of a key that keeps failing: 5 ms doubling up to 1,000 s, client-go's figures. */
const BACKOFF_BASE_MS = 5;
const BACKOFF_MAX_MS = 1_000_000;
const LOW_TURN = 16;

export interface QueueOptions {
  readonly name: string;
  readonly metrics: RuntimeMetrics;
  readonly clock?: Clock;
}

export class WorkQueue implements QueueProbe {
  readonly name: string;
  readonly #clock: Clock;
  readonly #metrics: RuntimeMetrics;
  readonly #labels: { readonly name: string; readonly controller: string };
  readonly #waiting = new Map<Key, Waiting>();
  /** Keys of `#waiting` in order of arrival: a Set keeps that order and deletes in O(1). */
  readonly #order = {
    normal: { normal: new Set<Key>(), low: new Set<Key>() },
    deletion: { normal: new Set<Key>(), low: new Set<Key>() },
  };
  readonly #working = new Map<Key, number>();
  readonly #dirty = new Map<Key, Item>();
  readonly #delayed = new Map<Key, Delayed>();
  readonly #failures = new Map<Key, number>();
  readonly #takers: ((item: Item | undefined) => void)[] = [];
  #turn = 0;
  #stopped = false;

  constructor(options: QueueOptions) {
    this.name = options.name;
    this.#clock = options.clock ?? systemClock;
    this.#metrics = options.metrics;
    this.#labels = { name: options.name, controller: options.name };
    // Present from the start, so that a rate over them has a first value.
    options.metrics.queueAdds.inc(this.#labels, 0);
    options.metrics.queueRetries.inc(this.#labels, 0);
    this.#showDepth();
    options.metrics.queues.add(this);
  }

  /** Keys waiting, without those under work or delayed. */
  get depth(): number {
    return this.#waiting.size;
  }

  get idle(): boolean {
    return this.#waiting.size === 0 && this.#working.size === 0 && this.#delayed.size === 0;
  }

  add(key: Key, options: AddOptions = {}): void {
    if (this.#stopped) return;
    this.#undelay(key);
    const item = { key, lane: options.lane ?? "normal", priority: options.priority ?? "normal" };
    if (this.#working.has(key)) {
      this.#dirty.set(key, stronger(this.#dirty.get(key), item));
      return;
    }
    const known = this.#waiting.get(key);
    if (known === undefined) this.#enqueue(item);
    else this.#promote(known, stronger(known, item));
  }

  /** Adds the key after `ms`, unless it is added before. */
  addAfter(key: Key, ms: number, options: AddOptions = {}): void {
    if (this.#stopped) return;
    if (ms <= 0) {
      this.add(key, options);
      return;
    }
    // It will run without delay anyway, and that run decides when to come back.
    if (this.#waiting.has(key)) return;
    const dueAt = this.#clock.now() + ms;
    const known = this.#delayed.get(key);
    if (known !== undefined && known.dueAt <= dueAt) return;
    this.#undelay(key);
    const cancel = this.#clock.timer(ms, () => this.#due(key, options));
    this.#delayed.set(key, { dueAt, cancel });
  }

  /** Adds the key after its back-off, which grows until `forget`. */
  addRateLimited(key: Key, options: AddOptions = {}): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#metrics.queueRetries.inc(this.#labels);
    this.addAfter(key, Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** Math.min(failures, 30)), options);
  }

  /** Ends the key's back-off: its work succeeded, or will not be tried again. */
  forget(key: Key): void {
    this.#failures.delete(key);
  }

  /** How often the key has failed in a row. */
  failures(key: Key): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, which is then under work until `done`; `undefined` once the queue is stopped. */
  async next(): Promise<Item | undefined> {
    if (this.#stopped) return undefined;
    const item = this.#pick();
    if (item !== undefined) return item;
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  done(key: Key): void {
    const since = this.#working.get(key);
    if (since === undefined) return;
    this.#working.delete(key);
    this.#metrics.workDuration.observe(this.#labels, (this.#clock.now() - since) / 1_000);
    const again = this.#dirty.get(key);
    this.#dirty.delete(key);
    if (again !== undefined && !this.#stopped) this.#enqueue(again);
  }

  /** Ends the queue: what waits is dropped, takers get `undefined`, keys under work may still be `done`. */
  stop(): void {
    this.#stopped = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    this.#waiting.clear();
    for (const lane of Object.values(this.#order)) for (const keys of Object.values(lane)) keys.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
    this.#showDepth();
    this.#metrics.queues.delete(this);
  }

  workingSeconds(): readonly number[] {
    const now = this.#clock.now();
    return [...this.#working.values()].map((since) => (now - since) / 1_000);
  }

  #due(key: Key, options: AddOptions): void {
    this.#delayed.delete(key);
    this.add(key, options);
  }

  #undelay(key: Key): void {
    this.#delayed.get(key)?.cancel();
    this.#delayed.delete(key);
  }

  #enqueue(item: Item): void {
    this.#waiting.set(item.key, { ...item, since: this.#clock.now() });
    this.#order[item.lane][item.priority].add(item.key);
    this.#metrics.queueAdds.inc(this.#labels);
    this.#showDepth();
    if (this.#takers.length === 0) return;
    const next = this.#pick();
    if (next !== undefined) this.#takers.shift()?.(next);
  }

  /** Moves a waiting key where it is served sooner; its waiting time goes on counting. */
  #promote(from: Waiting, to: Item): void {
    if (from.lane === to.lane && from.priority === to.priority) return;
    this.#order[from.lane][from.priority].delete(from.key);
    this.#order[to.lane][to.priority].add(to.key);
    this.#waiting.set(to.key, { ...to, since: from.since });
    this.#showDepth();
  }

  #pick(): Item | undefined {
    this.#turn = (this.#turn + 1) % (2 * LOW_TURN);
    const lanes: readonly Lane[] = this.#turn % 2 === 0 ? ["normal", "deletion"] : ["deletion", "normal"];
    const lowFirst = Math.floor(this.#turn / 2) === LOW_TURN - 1;
    const priorities: readonly Priority[] = lowFirst ? ["low", "normal"] : ["normal", "low"];
    for (const lane of lanes) {
      for (const priority of priorities) {
        const [key] = this.#order[lane][priority];
        if (key !== undefined) return this.#start(key);
      }
    }
    return undefined;
  }

  #start(key: Key): Item | undefined {
    const item = this.#waiting.get(key);
    if (item === undefined) return undefined;
    const now = this.#clock.now();
    this.#waiting.delete(key);
    this.#order[item.lane][item.priority].delete(key);
    this.#working.set(key, now);
    this.#metrics.queueDuration.observe(this.#labels, (now - item.since) / 1_000);
    this.#showDepth();
    return item;
  }

  #showDepth(): void {
    for (const lane of ["normal", "deletion"] as const) {
      const { normal, low } = this.#order[lane];
      this.#metrics.queueDepth.set({ ...this.#labels, lane }, normal.size + low.size);
    }
  }
}

/** Of two wishes for one key the more urgent: deletion before normal, normal before low. */
function stronger(known: Item | undefined, wish: Item): Item {
  if (known === undefined) return wish;
  return {
    key: wish.key,
    lane: known.lane === "deletion" ? "deletion" : wish.lane,
    priority: known.priority === "normal" ? "normal" : wish.priority,
  };
}
