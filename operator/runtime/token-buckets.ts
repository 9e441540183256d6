/**
 * A rate limit per name: a burst at once, then one more each refill interval. Bounded memory: of too many names
 * the one used longest ago is forgotten, which gives it a full bucket again.
 */
import type { Clock } from "./clock.ts";

export interface TokenBucketOptions {
  readonly burst: number;
  /** Time for one token, ms. */
  readonly refillMs: number;
  /** Names remembered. */
  readonly limit: number;
  readonly clock: Clock;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

export class TokenBuckets {
  readonly #options: TokenBucketOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: TokenBucketOptions) {
    this.#options = options;
  }

  /** Takes one token of `name`; false when it has none left. */
  take(name: string): boolean {
    const { burst, refillMs, limit, clock } = this.#options;
    const now = clock.now();
    const bucket = this.#buckets.get(name) ?? { tokens: burst, filledAt: now };
    const gained = Math.floor((now - bucket.filledAt) / refillMs);
    if (bucket.tokens + gained >= burst) Object.assign(bucket, { tokens: burst, filledAt: now });
    else
      Object.assign(bucket, {
        tokens: bucket.tokens + gained,
        filledAt: bucket.filledAt + gained * refillMs,
      });
    // Re-inserted: a Map keeps insertion order, so its first entry is the one unused longest.
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > limit && oldest !== undefined) this.#buckets.delete(oldest);
    if (bucket.tokens === 0) return false;
    bucket.tokens -= 1;
    return true;
  }
}
