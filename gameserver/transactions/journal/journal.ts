/**
 * What the processor needs of the journal: a place where an accepted entry survives the pod. The one implementation
 * is `redis-journal.ts`; the simulator of the tests has another.
 */
import type { Entry } from "../entry.ts";

/** Names one place in the journal. Refs sort in the order of arrival. */
export type Ref = string;

export interface Journaled {
  readonly ref: Ref;
  /** Undefined for what cannot be read: cut off, or of a later version. */
  readonly entry: Entry | undefined;
  /** As it stands in the journal. */
  readonly text: string;
}

export interface Journal {
  /**
   * Durable once it resolves: where each of them stands, in their order. Rejects with FENCED when the journal was taken
   * over or lost, and then nothing was written; after any other rejection they may stand in the journal or not.
   */
  append(entries: readonly Entry[]): Promise<Ref[]>;
  /** Removes what was settled. What could not be removed is found by the sweeper. */
  remove(refs: readonly Ref[]): Promise<void>;
  /** Up to `count` entries behind `after`, oldest first. */
  read(after: Ref | undefined, count: number): Promise<Journaled[]>;
}
