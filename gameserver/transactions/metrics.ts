/** What the processor shows of itself. Names begin with `gamefleet_transactions_`. */
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import { counter, gauge, histogram, type Registry } from "../../platform/metrics.ts";
import { warnAgain } from "../../platform/warn-again.ts";
import type { Observer } from "./observer.ts";
import type { Mode, Processor } from "./processor.ts";

const MODES: readonly Mode[] = ["normal", "pending", "direct", "refused"];
/** The promise is 2 s: buckets around it. */
const BUCKETS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 1.8, 2, 5, 30];

export interface ProcessorMetrics {
  readonly observer: Observer;
  takeover(entries: number): void;
  /** Backlog, mode and age as they are now. */
  show(processor: Processor): void;
}

export function processorMetrics(registry: Registry, log: Log): ProcessorMetrics {
  const answers = counter(
    registry,
    "gamefleet_transactions_answers_total",
    "Answers to transactions, by kind, status and reason",
    ["kind", "status", "reason"],
  );
  const seconds = histogram(
    registry,
    "gamefleet_transactions_answer_seconds",
    "From the arrival of a transaction to its answer",
    ["status"],
    BUCKETS,
  );
  const settled = counter(
    registry,
    "gamefleet_transactions_settled_total",
    "Entries settled, repeats included",
  );
  const batch = histogram(
    registry,
    "gamefleet_transactions_settle_seconds",
    "Time to settle one batch in the ledger",
  );
  const set = counter(
    registry,
    "gamefleet_transactions_quarantined_total",
    "Entries set aside for an operator",
  );
  const delays = counter(
    registry,
    "gamefleet_transactions_delays_total",
    "Calls to a store that failed and are tried again",
  );
  const swept = counter(
    registry,
    "gamefleet_transactions_swept_total",
    "Entries found in the journal that nobody was settling",
  );
  const taken = counter(
    registry,
    "gamefleet_transactions_taken_over_total",
    "Entries settled from the journals of others",
  );
  const unreadable = gauge(
    registry,
    "gamefleet_transactions_unreadable",
    "Entries of the journal that this version cannot read",
  );
  const backlog = gauge(registry, "gamefleet_transactions_backlog", "Entries accepted and not settled");
  const oldest = gauge(
    registry,
    "gamefleet_transactions_oldest_seconds",
    "Age of the oldest accepted entry that is not settled",
  );
  const mode = gauge(
    registry,
    "gamefleet_transactions_mode",
    "1 for the mode that transactions are in, 0 for the others",
    ["mode"],
  );

  return {
    observer: {
      answered(entry, answer, took) {
        const reason = "reason" in answer ? answer.reason : "";
        answers.inc({ kind: entry.kind, status: answer.status, reason });
        seconds.observe({ status: answer.status }, took);
      },
      settled(count, took) {
        settled.inc(count);
        batch.observe(took);
      },
      quarantined(entry, error) {
        set.inc();
        const { id, kind, trace } = entry;
        log.error({ id, kind, trace, err: { message: messageOf(error) } }, "transaction set aside");
      },
      delayed(error) {
        delays.inc();
        warnAgain(log, "transactions wait for a store", error);
      },
      swept: (count) => swept.inc(count),
      unreadable: (count) => unreadable.set(count),
    },
    takeover: (entries) => taken.inc(entries),
    show(processor) {
      backlog.set(processor.backlog);
      oldest.set(processor.oldestSeconds);
      for (const one of MODES) mode.set({ mode: one }, processor.mode === one ? 1 : 0);
    },
  };
}
