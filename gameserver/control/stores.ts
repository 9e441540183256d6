/**
 * What is known of the stores, and what follows from it.
 *
 * One store away: players go on; nobody new is asked for (not ready). Both away for longer than the lease: it is
 * this pod that is cut off, and others may serve its zones by now, so it must fall silent.
 */
import { LEASE_MS } from "../../platform/ownership/ownership.ts";

export type StoreName = "redis" | "postgres";

export class StoreHealth {
  readonly #lastGood: Record<StoreName, number>;
  readonly #good: Record<StoreName, boolean> = { redis: false, postgres: false };
  readonly #now: () => number;

  /** Monotonic ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#lastGood = { redis: now(), postgres: now() };
  }

  note(store: StoreName, good: boolean): void {
    this.#good[store] = good;
    if (good) this.#lastGood[store] = this.#now();
  }

  /** Stores whose last call failed, or that have not been reached yet. */
  away(): StoreName[] {
    return (["redis", "postgres"] as const).filter((store) => !this.#good[store]);
  }

  /** True when neither store has answered for as long as a lease lasts. */
  get cutOff(): boolean {
    return this.#now() - Math.max(this.#lastGood.redis, this.#lastGood.postgres) > LEASE_MS;
  }
}
