/**
 * What the processor needs of the books. The one implementation is `settle.ts` on PostgreSQL; the simulator of the
 * tests has another.
 */
import type { Answer } from "../answer.ts";
import type { Entry } from "../entry.ts";

export interface Ledger {
  /**
   * Carries a batch out in one database transaction and gives the answer to each entry, in order. Entries that were
   * decided before get the answer of then. Rejects when nothing is known to have happened: `LedgerBusy` and store
   * errors may be tried again with the same batch, whatever became of the first try; anything else is a mistake in
   * one of the entries.
   *
   * Throws FENCED when the journal was taken over: this process must settle nothing any more.
   */
  settle(batch: readonly Entry[]): Promise<Answer[]>;
  /**
   * The same, without waiting for wallets that another batch has in hand: entries that touch one are left alone, and
   * so is what comes after them and shares a wallet or an id with them. They get no answer and are to be given again.
   */
  settleFree(batch: readonly Entry[]): Promise<(Answer | undefined)[]>;
  /**
   * Sets one entry aside for an operator, with what went wrong. Safe to repeat. False when its id was decided meanwhile:
   * then it is to be settled again, which tells its answer.
   */
  quarantine(entry: Entry, error: string, attempts: number): Promise<boolean>;
}
