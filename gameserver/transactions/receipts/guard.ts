/** A store behind its circuit breaker: while it is known to be away, nobody waits for it. */
import { type Breaker, createBreaker } from "../../../platform/breaker.ts";
import { hasCode } from "../../../platform/errors.ts";
import type { Registry } from "../../../platform/metrics.ts";
import type { StorePort } from "./port.ts";

/** Failures say nothing below so many calls in the window. */
const VOLUME = 20;
const WINDOW_MS = 3_000;
const PROBE_EVERY_MS = 500;
const PROBE_MS = 2_000;

export interface GuardedStore {
  readonly port: StorePort;
  readonly breaker: Breaker;
}

/** Only what speaks of the store opens it: a forged receipt, or a product that is not known, says nothing. */
export const guardStore = (port: StorePort, registry: Registry): GuardedStore => ({
  port,
  breaker: createBreaker({
    name: `store-${port.store}`,
    registry,
    volume: VOLUME,
    windowMs: WINDOW_MS,
    resetMs: PROBE_EVERY_MS,
    probe: () => port.probe(AbortSignal.timeout(PROBE_MS)),
    ignore: (error) => !hasCode(error, "RECEIPT_UNVERIFIED"),
  }),
});
