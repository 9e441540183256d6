/**
 * Brings entries into the journal. What is asked for in one turn of the event loop goes there together, by one call with
 * one deadline and one answer: as commands of their own the appends cost a pod as much as settling does. Nobody waits for
 * more to come.
 */
import { hasCode } from "../../../platform/errors.ts";
import { type Clock, within } from "../clock.ts";
import type { At } from "../crash-points.ts";
import type { Entry } from "../entry.ts";
import type { Journal, Ref } from "./journal.ts";

/** One try, ms, and how many there are. */
const APPEND_MS = 400;
const APPEND_TRIES = 2;
/** Longest that it takes, ms. */
export const APPENDS_MS = APPEND_MS * APPEND_TRIES;
/** Redis does nothing else while it writes a group. */
export const MAX_TOGETHER = 256;

export interface AppendsOptions {
  readonly clock: Clock;
  /** Runs a call to the journal through its breaker. */
  readonly journaling: <T>(work: () => Promise<T>) => Promise<T>;
  /** A call failed; FENCED when the journal was taken over or lost. */
  readonly delayed: (error: unknown) => void;
  readonly at?: At | undefined;
}

interface Group {
  readonly journal: Journal;
  readonly entries: Entry[];
  readonly refs: Promise<readonly Ref[] | undefined>;
}

export class Appends {
  readonly #options: AppendsOptions;
  /** What is asked for next goes with it. */
  #open: Group | undefined;

  constructor(options: AppendsOptions) {
    this.#options = options;
  }

  /** Where the entry stands in the journal; undefined when it may stand there or not. Never rejects. */
  async append(journal: Journal, entry: Entry): Promise<Ref | undefined> {
    if (this.#open?.journal !== journal || this.#open.entries.length === MAX_TOGETHER)
      this.#open = this.#begin(journal);
    const { entries, refs } = this.#open;
    const index = entries.push(entry) - 1;
    return (await refs)?.[index];
  }

  #begin(journal: Journal): Group {
    const entries: Entry[] = [];
    const refs = Promise.resolve().then(() => {
      if (this.#open?.entries === entries) this.#open = undefined;
      return this.#append(journal, entries);
    });
    return { journal, entries, refs };
  }

  async #append(journal: Journal, entries: readonly Entry[]): Promise<readonly Ref[] | undefined> {
    const { clock, journaling, delayed, at } = this.#options;
    const late = () => new Error("append timed out");
    for (let attempt = 1; attempt <= APPEND_TRIES; attempt++) {
      try {
        const refs = await journaling(() => within(clock, APPEND_MS, journal.append(entries), late));
        at?.("appended");
        return refs;
      } catch (error) {
        delayed(error);
        if (hasCode(error, "FENCED") || hasCode(error, "CIRCUIT_OPEN")) return undefined;
      }
    }
    return undefined;
  }
}
