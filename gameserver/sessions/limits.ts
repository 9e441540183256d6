/**
 * Rate limits by token bucket: messages and bytes, kept by session, so that a reconnect does not refill them.
 *
 * Time is given by the caller (monotonic ms). Who reads a session's frames holds its bucket meanwhile. The table is swept
 * every minute: a full bucket that nobody holds says the same as none.
 */

export interface Rate {
  /** Tokens a second. */
  readonly perSecond: number;
  /** Most tokens at a time. */
  readonly burst: number;
}

export interface Rates {
  readonly messages: Rate;
  readonly bytes: Rate;
}

/** Twelve inputs a second, pings, and room for a client that batches badly. */
export const PLAYER_RATES: Rates = {
  messages: { perSecond: 40, burst: 120 },
  bytes: { perSecond: 8_192, burst: 32_768 },
};

export interface Bucket {
  messages: number;
  bytes: number;
  at: number;
  /** By so many. */
  held: number;
}

export class RateTable {
  readonly #rates: Rates;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rates: Rates) {
    this.#rates = rates;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** The bucket of a key, held until `release`. */
  hold(key: string, nowMs: number): Bucket {
    const bucket = this.#buckets.get(key) ?? this.#full(key, nowMs);
    bucket.held += 1;
    return bucket;
  }

  release(bucket: Bucket): void {
    bucket.held -= 1;
  }

  /** Takes one message of `bytes`. False when the bucket holds less. */
  take(bucket: Bucket, bytes: number, nowMs: number): boolean {
    this.#refill(bucket, nowMs);
    bucket.messages -= 1;
    bucket.bytes -= bytes;
    return bucket.messages >= 0 && bucket.bytes >= 0;
  }

  /** Forgets keys whose buckets are full again and held by nobody. */
  sweep(nowMs: number): void {
    const { messages, bytes } = this.#rates;
    for (const [key, bucket] of this.#buckets) {
      if (bucket.held > 0) continue;
      this.#refill(bucket, nowMs);
      if (bucket.messages >= messages.burst && bucket.bytes >= bytes.burst) this.#buckets.delete(key);
    }
  }

  #full(key: string, nowMs: number): Bucket {
    const { messages, bytes } = this.#rates;
    const bucket = { messages: messages.burst, bytes: bytes.burst, at: nowMs, held: 0 };
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #refill(bucket: Bucket, nowMs: number): void {
    const seconds = Math.max(0, nowMs - bucket.at) / 1_000;
    const { messages, bytes } = this.#rates;
    bucket.messages = Math.min(messages.burst, bucket.messages + seconds * messages.perSecond);
    bucket.bytes = Math.min(bytes.burst, bucket.bytes + seconds * bytes.perSecond);
    bucket.at = nowMs;
  }
}
