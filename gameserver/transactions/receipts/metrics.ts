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
  const name = (what: string) => `gamefleet_receipts_${what}`;
  const verifications = counter(
    registry,
    name("verifications_total"),
    "Receipts that a store was asked about",
    ["store", "outcome"],
  );
  const seconds = histogram(registry, name("verify_seconds"), "Time in which a store vouched or not", [
    "store",
  ]);
  const sent = counter(registry, name("owed_total"), "What was owed and dealt with, by result", ["result"]);
  const events = counter(registry, name("events_total"), "Webhooks, by what became of them", [
    "store",
    "result",
  ]);
  const attention = counter(
    registry,
    name("attention_total"),
    "Purchases and refunds that a person must look at",
    ["store"],
  );
  const waiting = gauge(
    registry,
    name("owed"),
    "Purchases confirmed by a store, not yet granted and acknowledged",
  );
  const late = gauge(registry, name("owed_overdue"), "Those of them that are older than an hour");
  const oldest = gauge(registry, name("owed_oldest_seconds"), "Age of the oldest of them");
  const eventsWaiting = gauge(registry, name("events_waiting"), "Events of stores that are not processed");
  const eventsFailing = gauge(registry, name("events_failing"), "Those of them that have failed before");
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
