/**
 * How many transactions one player may ask for: a bucket of `BURST` that fills by `PER_SECOND`. Bounded: players who
 * have not asked for long are forgotten.
 */
import { fail } from "../../platform/errors.ts";

const PER_SECOND = 5;
const BURST = 20;
/** A bucket is full again after this time: it need not be remembered. */
const FULL_MS = (BURST / PER_SECOND) * 1_000;
/** Players remembered at most; beyond it the longest unheard are forgotten early. */
const MOST = 50_000;

interface Bucket {
  level: number;
  atMs: number;
}

export class PlayerLimits {
  readonly #buckets = new Map<string, Bucket>();

  /** Takes one. Throws RATE_LIMITED with the time after which there is one again. `nowMs` is monotonic. */
  take(player: string, nowMs: number): void {
    const bucket = this.#buckets.get(player) ?? { level: BURST, atMs: nowMs };
    const level = Math.min(BURST, bucket.level + ((nowMs - bucket.atMs) / 1_000) * PER_SECOND);
    if (level < 1) {
      throw fail("RATE_LIMITED", `player: at most ${PER_SECOND} transactions a second`, {
        retryAfterSeconds: (1 - level) / PER_SECOND,
      });
    }
    // Last in the map is who asked last: the first are the ones to forget.
    this.#buckets.delete(player);
    this.#buckets.set(player, { level: level - 1, atMs: nowMs });
    this.#forget(nowMs);
  }

  #forget(nowMs: number): void {
    for (const [player, bucket] of this.#buckets) {
      if (this.#buckets.size <= MOST && nowMs - bucket.atMs < FULL_MS) return;
      this.#buckets.delete(player);
    }
  }
}
