/** What the processor tells of itself; metrics.ts is the one who listens. */
import type { Answer } from "./answer.ts";
import type { Entry } from "./entry.ts";

/** What happens, for metrics and alarms. All calls are synchronous and must not throw. */
export interface Observer {
  answered(entry: Entry, answer: Answer, seconds: number): void;
  settled(count: number, seconds: number): void;
  quarantined(entry: Entry, error: unknown): void;
  /** A store failed; the work waits. */
  delayed(error: unknown): void;
  /** Entries that were found again in the journal. */
  swept(count: number): void;
  /** Entries of the journal that this version cannot read: they stay where they are. */
  unreadable(count: number): void;
}
