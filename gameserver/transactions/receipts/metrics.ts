/** What is shown of receipts and events. Names begin with `gamefleet_receipts_`. Gauges are of all pods together. */
import { counter, gauge, histogram, type Registry } from "../../../platform/metrics.ts";

export interface ReceiptMetrics {
  /** One question to a store: `outcome` is verified, a reason of refusal, or away. */
  verified(store: string, outcome: string, seconds: number): void;
  acknowledged(result: "acknowledged" | "granted" | "failed", count: number): void;
  event(store: string, result: "kept" | "repeated" | "refused"): void;
  /** A person is needed. */
  attention(store: string): void;
  owed(waiting: number, overdue: number, oldestSeconds: number): void;
  events(waiting: number, failing: number): void;
}

export function receiptMetrics(registry: Registry): ReceiptMetrics {
  const verifications = counter(
    registry,
    "gamefleet_receipts_verifications_total",
    "Receipts that a store was asked about, by what it said",
    ["store", "outcome"],
  );
  const seconds = histogram(
    registry,
    "gamefleet_receipts_verify_seconds",
    "Time in which a store vouched or not",
    ["store"],
  );
  const sent = counter(
    registry,
    "gamefleet_receipts_owed_total",
    "Purchases owed to players that were dealt with, by result",
    ["result"],
  );
  const events = counter(
    registry,
    "gamefleet_receipts_events_total",
    "Events that stores sent, by what became of them",
    ["store", "result"],
  );
  const attention = counter(
    registry,
    "gamefleet_receipts_attention_total",
    "Purchases and refunds that a person must look at",
    ["store"],
  );
  const waiting = gauge(
    registry,
    "gamefleet_receipts_owed",
    "Purchases confirmed by a store, not yet granted and acknowledged; of all pods together",
  );
  const late = gauge(
    registry,
    "gamefleet_receipts_owed_overdue",
    "Purchases owed for more than an hour; of all pods together",
  );
  const oldest = gauge(
    registry,
    "gamefleet_receipts_owed_oldest_seconds",
    "Age of the oldest purchase that is owed; of all pods together",
  );
  const eventsWaiting = gauge(
    registry,
    "gamefleet_receipts_events_waiting",
    "Events of stores that are not processed yet; of all pods together",
  );
  const eventsFailing = gauge(
    registry,
    "gamefleet_receipts_events_failing",
    "Events of stores that wait and have failed before; of all pods together",
  );
  return {
    verified(store, outcome, took) {
      verifications.inc({ store, outcome });
      seconds.observe({ store }, took);
    },
    acknowledged: (result, count) => sent.inc({ result }, count),
    event: (store, result) => events.inc({ store, result }),
    attention: (store) => attention.inc({ store }),
    owed(count, overdue, seconds) {
      waiting.set(count);
      late.set(overdue);
      oldest.set(seconds);
    },
    events(count, failing) {
      eventsWaiting.set(count);
      eventsFailing.set(failing);
    },
  };
}
