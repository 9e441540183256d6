/**
 * The transaction processor: takes what is asked for, makes it durable, has it carried out, and answers within
 * `ANSWER_MS` whatever happens to the stores.
 *
 * normal   append to the journal, settle, answer.
 * pending  PostgreSQL away: append; the answer is "pending", the entry is settled when PostgreSQL is back.
 * direct   Redis away: settle without the journal; answered only after the commit.
 * refused  both away, or too much waits: said at once, nothing is promised.
 *
 * Exactly-once does not depend on anything here: it is the primary key of the ledger. Everything here may be killed
 * between any two lines; what was appended is found by the sweeper or by a successor (takeover.ts), and whoever was
 * not answered asks again with the same id.
 */
import { hasCode } from "../../platform/errors.ts";
import { type Load, refusalOf } from "./admission.ts";
import type { Answer } from "./answer.ts";
import { type Clock, within } from "./clock.ts";
import type { Entry } from "./entry.ts";
import { APPENDS_MS, Appends } from "./journal/appends.ts";
import type { Journal, Ref } from "./journal/journal.ts";
import { type Place, Removals } from "./journal/removals.ts";
import { Lane } from "./lane.ts";
import type { Observer } from "./observer.ts";
import type { Stores } from "./stores.ts";

/** From arrival to an answer at the latest: 0.2 s of the promised two are left for the way to the player. */
export const ANSWER_MS = 1_800;
/** Lanes settle side by side; an account is always in the same one, so its order is kept. */
const LANES = 2;
/** Entries that memory does not know are left alone until they are so old, ms: their append may still be answered. */
export const SWEEP_AGE_MS = 1_500;
const SWEEP_PAGE = 512;
const OLDEST_EVERY_MS = 20;

export type Mode = "normal" | "pending" | "direct" | "refused";

interface Held {
  readonly entry: Entry;
  readonly final: Promise<Answer>;
  /** Where it stands in the journal, once that is known. */
  ref: Ref | undefined;
}

export class Processor {
  readonly #stores: Stores;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #lanes: readonly Lane[];
  readonly #ending = new AbortController();
  /** Accepted and not settled, by id, in the order of acceptance. */
  readonly #held = new Map<string, Held>();
  /** Places in the journal that memory knows: the sweeper leaves them alone. */
  readonly #refs = new Set<Ref>();
  /** Places of entries that the sweeper found, by id, until they are settled. */
  readonly #found = new Map<string, Place[]>();
  readonly #appends: Appends;
  readonly #removals: Removals;
  #stopping = false;
  /** When a batch came back last. */
  #settledAt = 0;
  #oldest: { readonly readAt: number; readonly at: number | undefined } = { readAt: 0, at: undefined };

  constructor(stores: Stores, observer: Observer, clock: Clock) {
    this.#stores = stores;
    this.#observer = observer;
    this.#clock = clock;
    const { at } = stores;
    const delayed = (error: unknown) => {
      if (hasCode(error, "FENCED")) stores.fenced();
      observer.delayed(error);
    };
    this.#appends = new Appends({
      clock,
      journaling: (work) => stores.journaling(work),
      delayed,
      at,
    });
    this.#removals = new Removals({ clock, done: (ref) => this.#refs.delete(ref), delayed, at });
    const settling = async <T>(settle: () => Promise<T>): Promise<T> => {
      stores.at?.("queued");
      const answers = await stores.settling(settle);
      stores.at?.("committed");
      return answers;
    };
    const host = {
      settle: (batch: readonly Entry[]) => settling(() => stores.ledger.settle(batch)),
      settleFree: (batch: readonly Entry[]) => settling(() => stores.ledger.settleFree(batch)),
      quarantine: (entry: Entry, error: string, attempts: number) =>
        stores.ledger.quarantine(entry, error, attempts),
      mayRunAgain: (error: unknown) =>
        hasCode(error, "FENCED") || hasCode(error, "CIRCUIT_OPEN") || stores.mayRunAgain(error),
      settled: (count: number, ms: number) => {
        this.#settledAt = clock.now();
        observer.settled(count, ms / 1_000);
      },
      quarantined: (entry: Entry, error: unknown) => observer.quarantined(entry, error),
      delayed,
    };
    this.#lanes = Array.from({ length: LANES }, () => new Lane(host, clock, this.#ending.signal));
  }

  get mode(): Mode {
    const { journalAway, settleAway } = this.#stores;
    if (journalAway) return settleAway ? "refused" : "direct";
    return settleAway ? "pending" : "normal";
  }

  /** Entries accepted and not settled. */
  get backlog(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.backlog, 0);
  }

  /** Age of the oldest of them, seconds. */
  get oldestSeconds(): number {
    const oldest = this.#oldestAt;
    return oldest === undefined ? 0 : Math.max(0, this.#clock.now() - oldest) / 1_000;
  }

  /** True while the id is accepted and not settled here. */
  holds(id: string): boolean {
    return this.#held.has(id);
  }

  /** Asks for one transaction. Never rejects, and answers within `ANSWER_MS`. */
  async submit(entry: Entry): Promise<Answer> {
    const arrived = this.#clock.now();
    const answer = await this.#submit(entry, arrived);
    this.#observer.answered(entry, answer, (this.#clock.now() - arrived) / 1_000);
    return answer;
  }

  /** Settles what is in the journal and not in memory: after a time-out, a duplicate, a lost answer. */
  async sweep(): Promise<void> {
    const journal = this.#stores.journal();
    if (!journal || this.#stores.settleAway) return;
    const before = this.#clock.now() - SWEEP_AGE_MS;
    let after: Ref | undefined;
    let unreadable = 0;
    for (;;) {
      const page = await journal.read(after, SWEEP_PAGE);
      const old = page.filter(({ ref }) => writtenAt(ref) < before);
      for (const one of old) {
        if (this.#refs.has(one.ref)) continue;
        const { entry } = one;
        if (!entry) unreadable += 1;
        // What is on its way is seen again when it has arrived.
        else if (!this.#held.has(entry.id)) this.#adopt(journal, entry, one.ref);
      }
      after = page.at(-1)?.ref;
      if (old.length < SWEEP_PAGE) break;
    }
    this.#observer.unreadable(unreadable);
  }

  /**
   * Settles an entry of another's journal, before what waits here: it is older. Resolves when it is final (or set
   * aside); rejects never, waits for the stores as long as it takes.
   */
  settleForeign(entry: Entry): Promise<Answer> {
    return new Promise((resolve) => {
      this.#laneOf(entry).pushFirst({ entry, abandoned: () => false, done: resolve, failed: undefined });
    });
  }

  /** Accepts nothing more; resolves when all that was accepted is settled, or `withinMs` have passed. */
  async stop(withinMs: number): Promise<void> {
    this.#stopping = true;
    // Those that are still being appended come to a lane later.
    const accepted = Promise.all([...this.#held.values()].map(({ final }) => final));
    const idle = accepted.then(() => Promise.all(this.#lanes.map((lane) => lane.idle())));
    await within(this.#clock, withinMs, idle, () => new Error("late")).catch(() => {});
    await this.#removals.now();
    this.#ending.abort();
  }

  async #submit(entry: Entry, arrived: number): Promise<Answer> {
    for (let held = this.#held.get(entry.id); held; held = this.#held.get(entry.id)) {
      const answer = await this.#inTime(held, arrived);
      if (held.entry.hash === entry.hash) return answer;
      // Other parameters under this id: a conflict, but only once the first is known to stand in the books.
      if (answer.status === "pending" || answer === STORES_AWAY) return STORES_AWAY;
      if (answer.status !== "refused" && answer.status !== "conflict") return { status: "conflict" };
    }
    // The wait for the first may have used the time.
    if (this.#left(arrived) < APPENDS_MS) return STORES_AWAY;
    if (this.#stopping) return { status: "refused", reason: "stopping", retryAfterMs: 500 };
    const lane = this.#laneOf(entry);
    const refusal = refusalOf(entry.kind, this.#loadOf(lane), arrived);
    if (refusal) return { status: "refused", ...refusal };
    let abandoned = false;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const final = promise.finally(() => this.#held.delete(entry.id));
    const held: Held = { entry, final, ref: undefined };
    this.#held.set(entry.id, held);
    const journal = this.#stores.journal();
    this.#stores.at?.("accepted");
    lane.coming += 1;
    const ref = journal && (await this.#appends.append(journal, entry));
    if (ref !== undefined) this.#refs.add(ref);
    lane.coming -= 1;
    held.ref = ref;
    // Nothing durable holds it and it cannot be carried out now. It may still stand in the journal, after a time-out:
    // then the sweeper settles it, and the caller who asks again is told so.
    if (ref === undefined && this.#stores.settleAway) {
      resolve(STORES_AWAY);
      return STORES_AWAY;
    }
    lane.push({
      entry,
      abandoned: () => abandoned,
      done: (answer) => {
        if (journal && ref !== undefined) this.#removals.later({ journal, ref });
        resolve(answer);
      },
      failed: ref === undefined ? () => resolve(STORES_AWAY) : undefined,
    });
    const answer = await this.#inTime(held, arrived);
    if (answer === STORES_AWAY) {
      abandoned = true;
      resolve(answer);
    }
    return answer;
  }

  /** The answer; when time is up, "pending" for what is durable and nothing promised for what is not. */
  #inTime(held: Held, arrived: number): Promise<Answer> {
    return within(this.#clock, this.#left(arrived), held.final, () => new Error("late")).catch(
      (): Answer => (held.ref === undefined ? STORES_AWAY : { status: "pending" }),
    );
  }

  /** What is left of the time to answer, ms. */
  #left(arrived: number): number {
    return Math.max(0, arrived + ANSWER_MS - this.#clock.now());
  }

  /** Each id once: one whose appends timed out stands there as often as it was asked for. */
  #adopt(journal: Journal, entry: Entry, ref: Ref): void {
    this.#refs.add(ref);
    this.#observer.swept(1);
    const found = this.#found.get(entry.id);
    if (found) {
      found.push({ journal, ref });
      return;
    }
    const places = [{ journal, ref }];
    this.#found.set(entry.id, places);
    const done = () => {
      this.#found.delete(entry.id);
      for (const place of places) this.#removals.later(place);
    };
    this.#laneOf(entry).push({ entry, abandoned: () => false, done, failed: undefined });
  }

  #laneOf(entry: Entry): Lane {
    let sum = 0;
    for (let i = 0; i < entry.player.length; i++) sum = (sum * 31 + entry.player.charCodeAt(i)) | 0;
    return this.#lanes[Math.abs(sum) % LANES] as Lane;
  }

  /** Of all that waits here, and of the lane that it would wait in. */
  #loadOf({ waitSeconds }: Lane): Load {
    const { settleAway, journalAway, journalShare } = this.#stores;
    const [settledAt, oldestAt] = [this.#settledAt, this.#oldestAt];
    return { backlog: this.backlog, waitSeconds, settledAt, oldestAt, settleAway, journalAway, journalShare };
  }

  /** Looked up now and then: the first of a map from which thousands were deleted takes long to find. */
  get #oldestAt(): number | undefined {
    const now = this.#clock.now();
    if (now - this.#oldest.readAt >= OLDEST_EVERY_MS)
      this.#oldest = { readAt: now, at: this.#held.values().next().value?.entry.acceptedAt };
    return this.#oldest.at;
  }
}

const STORES_AWAY: Answer = { status: "refused", reason: "stores-away", retryAfterMs: 500 };

/** Unix ms at which a ref was given: Redis' stream ids begin with it. */
const writtenAt = (ref: Ref): number => Number.parseInt(ref, 10);
