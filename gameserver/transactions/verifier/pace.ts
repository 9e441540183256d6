/**
 * How often the books are read whole: on schedule, and when the incremental look has lost its place (PostgreSQL
 * crashed, nobody looked for long). A full look is work for one processor; books that grow, and a database or pods that
 * go down again and again, must not make it a permanent load.
 */

/** A full look may take this share of the time at most: large books are looked at less often. */
const FULL_SHARE = 0.1;
/** Pause after a full look that was cut off, doubled for each further one, ms. */
const FIRST_PAUSE_MS = 5_000;

export interface FullLooks {
  /** Seconds since the last one that was finished; undefined when there was none. */
  readonly age: number | undefined;
  /** How long that one took, seconds. */
  readonly seconds: number;
  /** Seconds since one was last begun, by whomever; undefined when none was. */
  readonly begun: number | undefined;
  /** How many were begun and cut off since one was finished. */
  readonly unfinished: number;
}

/** Whether a full look is due by schedule. */
export function fullIsDue({ age, seconds }: FullLooks, everyMs: number): boolean {
  return age === undefined || age * 1_000 >= Math.max(everyMs, (seconds * 1_000) / FULL_SHARE);
}

/** Whether one may begin that something else asks for. Never put off for longer than the schedule's time. */
export function fullMayBegin({ seconds, begun, unfinished }: FullLooks, everyMs: number): boolean {
  if (begun === undefined) return true;
  const cutOff = unfinished > 0 ? FIRST_PAUSE_MS * 2 ** (unfinished - 1) : 0;
  return begun * 1_000 >= Math.min(everyMs, Math.max(cutOff, (seconds * 1_000) / FULL_SHARE));
}
