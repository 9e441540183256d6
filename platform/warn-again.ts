/**
 * Warnings of what fails again and again while a store is away: one line a cause, not one a try.
 *
 * The first failure is told at once, later ones at most every `TELL_EVERY_MS`, with how often it has failed since. Without
 * this a pod writes several lines a second for as long as an outage lasts, and what matters is lost among them.
 */
import { messageOf } from "./errors.ts";
import type { Log } from "./log.ts";

export const TELL_EVERY_MS = 10_000;

interface Told {
  at: number;
  /** Failures since the last line. */
  untold: number;
}

/** By log and by what is told; messages are constant, so there are few. */
const told = new WeakMap<Pick<Log, "warn">, Map<string, Told>>();

/** Warns of `error` unless that was done a moment ago. `fields` tell apart what fails for itself. */
export function warnAgain(
  log: Pick<Log, "warn">,
  message: string,
  error: unknown,
  fields: Readonly<Record<string, string>> = {},
  nowMs = performance.now(),
): void {
  const byKey = told.get(log) ?? new Map<string, Told>();
  told.set(log, byKey);
  const key = [message, ...Object.values(fields)].join("\n");
  const entry = byKey.get(key) ?? { at: Number.NEGATIVE_INFINITY, untold: 0 };
  byKey.set(key, entry);
  entry.untold += 1;
  if (nowMs - entry.at < TELL_EVERY_MS) return;
  log.warn({ ...fields, err: { message: messageOf(error) }, times: entry.untold }, message);
  entry.at = nowMs;
  entry.untold = 0;
}
