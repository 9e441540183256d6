/** The stores as the processor finds them at any moment: transactions.ts has the real ones, the simulator others. */
import type { At } from "./crash-points.ts";
import type { Journal } from "./journal/journal.ts";
import type { Ledger } from "./ledger/ledger.ts";

export interface Stores {
  /** The open journal; undefined while there is none (Redis away, or not opened yet). */
  journal(): Journal | undefined;
  readonly ledger: Ledger;
  /** Runs a call to the journal, or to the ledger, through its breaker. */
  journaling<T>(work: () => Promise<T>): Promise<T>;
  settling<T>(work: () => Promise<T>): Promise<T>;
  readonly journalAway: boolean;
  readonly settleAway: boolean;
  /** Memory that the journal's Redis uses of what it may; undefined when unknown. */
  readonly journalShare: number | undefined;
  /** True for failures after which the same batch may be run again. */
  mayRunAgain(error: unknown): boolean;
  /** The journal was taken over or lost: another one is to be opened. */
  fenced(): void;
  readonly at?: At | undefined;
}
