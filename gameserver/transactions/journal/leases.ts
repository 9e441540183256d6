/**
 * Who lives: each journal has a lease in Redis that its owner renews, and every pod looks for those that ran out.
 *
 * Leases only tell where help may be needed. A lease runs on while Redis is down, so live pods look dead for a moment
 * after a restart: being taken over by mistake costs a pod a new journal and nothing else, because the fence in
 * PostgreSQL decides (settle.ts).
 */
import type { Redis } from "../../../platform/redis.ts";
import { journalKeys } from "./redis-journal.ts";

/** How long a lease runs after a renewal, ms: by Redis' own clock. */
export const LEASE_MS = 1_000;
export const RENEW_EVERY_MS = 250;
/** Renewals in a row at which a lease must have been seen run out: after a restart of Redis the living renew first. */
const SIGHTINGS = 2;
/** A claim runs out after this time, ms, though its holder lives: it may have forgotten it. */
const CLAIM_MS = 3_000;

/** Redis' own clock, ms. */
const NOW = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)`;

/** One step: a journal whose maker died before it had a lease would be taken over by nobody. */
const OPEN = `
redis.call('XDEL', KEYS[1], redis.call('XADD', KEYS[1], '*', 'e', ''))
${NOW}
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])`;

const RENEW = `${NOW}
if ARGV[1] ~= '' then redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1]) end
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - 1)`;

/** A claim is its holder's journal: it counts as long as that has its lease. */
const CLAIM = `${NOW}
local holder = redis.call('GET', KEYS[1])
local lease = holder and redis.call('ZSCORE', KEYS[2], holder)
if lease and tonumber(lease) >= now then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

/** Deletes the stream if it is empty and nobody has renewed its lease meanwhile. Answers whether it is gone. */
const BURY = `${NOW}
local lease = redis.call('ZSCORE', KEYS[2], ARGV[1])
if lease and tonumber(lease) >= now then return 0 end
if redis.call('XLEN', KEYS[1]) > 0 then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1`;

export class Leases {
  readonly #redis: Redis;
  readonly #sightings = new Map<number, number>();

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Makes the empty journal and its lease. Done twice it is no harm: what stood in it still does. */
  async open(stream: number): Promise<void> {
    const keys = [journalKeys.stream(stream), journalKeys.leases];
    await this.#redis.eval(OPEN, 2, ...keys, stream, LEASE_MS);
  }

  /** Renews the lease of `mine`, if any; answers the journals that are without an owner. */
  async renew(mine: number | undefined): Promise<number[]> {
    let expired: number[];
    try {
      const own = mine === undefined ? "" : String(mine);
      expired = ((await this.#redis.eval(RENEW, 1, journalKeys.leases, own, LEASE_MS)) as string[]).map(
        Number,
      );
    } catch (error) {
      // What was seen before Redis went away says nothing about now.
      this.#sightings.clear();
      throw error;
    }
    for (const known of this.#sightings.keys()) if (!expired.includes(known)) this.#sightings.delete(known);
    return expired.filter((stream) => {
      const seen = (this.#sightings.get(stream) ?? 0) + 1;
      this.#sightings.set(stream, seen);
      return seen >= SIGHTINGS && stream !== mine;
    });
  }

  /**
   * True when the owner of `mine`, which has its lease, may take `stream` over now: two would only do the work twice.
   * Who dies with a claim leaves it to the next as soon as its own journal is without an owner.
   */
  async claim(stream: number, mine: number): Promise<boolean> {
    const keys = [journalKeys.claim(stream), journalKeys.leases];
    return (await this.#redis.eval(CLAIM, 2, ...keys, mine, CLAIM_MS)) === 1;
  }

  async unclaim(stream: number): Promise<void> {
    await this.#redis.del(journalKeys.claim(stream));
  }

  /** Removes an empty journal without an owner. False when there is something in it, or somebody lives. */
  async bury(stream: number): Promise<boolean> {
    const keys = [journalKeys.stream(stream), journalKeys.leases];
    return (await this.#redis.eval(BURY, 2, ...keys, stream)) === 1;
  }

  /** Ends the lease of `stream` at once: its owner stops. */
  async end(stream: number): Promise<void> {
    await this.#redis.zadd(journalKeys.leases, 0, String(stream));
  }
}
