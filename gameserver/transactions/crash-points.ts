/**
 * The moments at which the death of a pod, of Redis or of PostgreSQL is hardest: before and after each step that makes
 * something durable or says so. Code that passes one names it to `At`, where there is one: only the tests of faults
 * give one (test/faults/transactions/crash-points.faults.test.ts), and kill somebody then.
 */
export type CrashPoint =
  /** Let in, nothing written. */
  | "accepted"
  /** The append is on its way. */
  | "append-sent"
  /** The append was answered; nothing is settled. */
  | "appended"
  /** A batch was taken and is not begun. */
  | "queued"
  /** Inside the transaction of PostgreSQL, all rows written. */
  | "written"
  /** COMMIT is on its way. */
  | "commit-sent"
  /** COMMIT was answered; nobody was told. */
  | "committed"
  /** Callers were told; the entries still stand in the journal. */
  | "told"
  /** Takeover: claimed, the old owner not fenced yet. */
  | "claimed"
  /** Takeover: the old owner is fenced, nothing of its journal is settled. */
  | "fenced"
  /** Takeover: settled, still in the journal. */
  | "drained"
  /** Takeover: the journal is empty and still there. */
  | "emptied";

/** Synchronous, so that nothing happens between the moment and the call. */
export type At = (point: CrashPoint) => void;
