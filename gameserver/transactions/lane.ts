/**
 * A lane settles what it is given, batch by batch, in order. Natural batching: it takes what has gathered while the
 * last batch was away, and never waits for more. Nor does it wait for wallets that another batch has in hand, unless its
 * oldest entry was passed over several times: what was left alone goes first in the next batch.
 *
 * No entry is given up: what fails because a store is away is kept and run again; what fails by itself is found by
 * halving, tried three times, and set aside for an operator, so that one bad entry delays the others by a few runs.
 */
import { messageOf } from "../../platform/errors.ts";
import type { Answer } from "./answer.ts";
import { type Clock, pause } from "./clock.ts";
import type { Entry } from "./entry.ts";
import { SettleRate } from "./settle-rate.ts";

export const MAX_BATCH = 256;
/** Tries of an entry that fails alone before it is set aside. */
const MAX_ATTEMPTS = 3;
/** How often the oldest of all may be passed over because another has its wallets in hand, until they are waited for. */
const MAX_PASSED_OVER = 3;
/** Wait before a batch is run again that a store's failure brought back, ms. */
const RETRY_MS = 50;

export interface Item {
  readonly entry: Entry;
  /** Nobody waits any more and nothing durable holds it: it may be dropped. */
  readonly abandoned: () => boolean;
  readonly done: (answer: Answer) => void;
  /** The store failed, and it is not kept. Undefined for what stands in a journal: that is kept and run again. */
  readonly failed: (() => void) | undefined;
}

export interface LaneHost {
  settle(batch: readonly Entry[]): Promise<Answer[]>;
  /** Leaves those alone for which it would have to wait: they get no answer. */
  settleFree(batch: readonly Entry[]): Promise<(Answer | undefined)[]>;
  quarantine(entry: Entry, error: string, attempts: number): Promise<boolean>;
  /** True for failures of a store: the same batch may be run again. */
  mayRunAgain(error: unknown): boolean;
  /** A batch came back after `ms`. */
  settled(count: number, ms: number): void;
  /** Entries that were set aside. */
  quarantined(entry: Entry, error: unknown): void;
  /** A batch failed for a reason that is the stores'. */
  delayed(error: unknown): void;
}

export class Lane {
  readonly #host: LaneHost;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #queue: Item[] = [];
  /** Goes before the queue: what was tried and is not settled, and what others left behind. */
  #first: Item[] = [];
  #inHand = 0;
  readonly #rate = new SettleRate();
  /** When the last batch came back, or the lane began after it had nothing to do. */
  #since = 0;
  /** A store's failure ended the last batch. */
  #away = false;
  #running: Promise<void> | undefined;
  /** Entries that `push` will bring: they are on their way into the journal, and who comes now waits for them, too. */
  coming = 0;

  constructor(host: LaneHost, clock: Clock, signal: AbortSignal) {
    this.#host = host;
    this.#clock = clock;
    this.#signal = signal;
  }

  /** Entries taken and not settled, and those that are coming. */
  get backlog(): number {
    return this.#waiting + this.#inHand + this.coming;
  }

  /** Until all of them are settled, s, at the rate of late. */
  get waitSeconds(): number {
    return this.backlog / this.#rate.perSecond;
  }

  get #waiting(): number {
    return this.#first.length + this.#queue.length;
  }

  /** Resolves when all that was given before is settled, or the lane was stopped. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  push(item: Item): void {
    this.#queue.push(item);
    this.#start();
  }

  /** For what is older than all that waits. */
  pushFirst(item: Item): void {
    this.#first.push(item);
    this.#start();
  }

  #start(): void {
    if (this.#waiting === 0 || this.#signal.aborted) return;
    // What else is given in this turn goes with it: else the first would go alone, and the others wait for its commit.
    this.#running ??= Promise.resolve()
      .then(() => this.#run())
      .finally(() => {
        this.#running = undefined;
        // Given after the last look at the queue, and before this.
        this.#start();
      });
  }

  async #run(): Promise<void> {
    let oldest: Item | undefined;
    let passedOver = 0;
    this.#since = this.#clock.now();
    while (this.#waiting > 0 && !this.#signal.aborted) {
      const first = this.#first.splice(0, MAX_BATCH);
      const taken = first.concat(this.#queue.splice(0, MAX_BATCH - first.length));
      const batch = taken.filter((item) => !item.abandoned());
      if (batch.length === 0) continue;
      passedOver = batch[0] === oldest ? passedOver + 1 : 0;
      oldest = batch[0];
      this.#inHand = batch.length;
      this.#away = false;
      const left = await this.#settle(batch, 1, passedOver < MAX_PASSED_OVER);
      this.#inHand = 0;
      this.#first = left.concat(this.#first);
      if (!this.#away) continue;
      await pause(this.#clock, RETRY_MS, this.#signal);
      // How long a store was away says nothing of how much it manages.
      this.#since = this.#clock.now();
    }
  }

  /** Settles a batch; answers the items that are to be run again, in order. */
  async #settle(batch: readonly Item[], attempt: number, free = false): Promise<Item[]> {
    const started = this.#clock.now();
    const entries = batch.map((item) => item.entry);
    try {
      const answers = await (free ? this.#host.settleFree(entries) : this.#host.settle(entries));
      const left = batch.filter((_item, index) => answers[index] === undefined);
      const now = this.#clock.now();
      const settled = batch.length - left.length;
      if (settled > 0) {
        // With what this process had to do between the last batch and this one.
        this.#rate.settled(settled, now - this.#since);
        this.#host.settled(settled, now - started);
      }
      this.#since = now;
      for (const [index, item] of batch.entries()) {
        const answer = answers[index];
        if (answer) item.done(answer);
      }
      return left;
    } catch (error) {
      if (this.#host.mayRunAgain(error)) return this.#keep(batch, error);
      return batch.length > 1 ? this.#halve(batch) : this.#suspect(batch[0] as Item, error, attempt);
    }
  }

  /** What is journaled waits for the store; what is not is told at once. */
  #keep(batch: readonly Item[], error: unknown): Item[] {
    this.#away = true;
    this.#host.delayed(error);
    for (const { failed } of batch) failed?.();
    return batch.filter(({ failed }) => failed === undefined);
  }

  /** Something in it is at fault: each half by itself, in order. */
  async #halve(batch: readonly Item[]): Promise<Item[]> {
    const middle = batch.length >> 1;
    const left = await this.#settle(batch.slice(0, middle), 1);
    // The store went away meanwhile: order is kept by not going on with the rest.
    if (left.length > 0)
      return left.concat(this.#keep(batch.slice(middle), new Error("waits for the first half")));
    return this.#settle(batch.slice(middle), 1);
  }

  /** The one that fails alone. */
  async #suspect(item: Item, error: unknown, attempt: number): Promise<Item[]> {
    if (attempt < MAX_ATTEMPTS) return this.#settle([item], attempt + 1);
    let cause = error;
    try {
      if (await this.#host.quarantine(item.entry, messageOf(error), attempt)) {
        this.#host.quarantined(item.entry, error);
        item.done({ status: "quarantined" });
        return [];
      }
      // Not set aside: it is in the books already, and a later run finds its answer there.
    } catch (failure) {
      cause = failure;
    }
    return this.#keep([item], cause);
  }
}
