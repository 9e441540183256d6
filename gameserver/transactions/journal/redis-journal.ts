/**
 * A journal in Redis: one stream per life of a pod, named by its row in `ledger.stream`.
 *
 * The stream is made when the journal is opened (leases.ts) and appended to without making it: once a successor has
 * drained and deleted it, or Redis has lost its data, an append fails at once, and that is the fence on this side.
 * Plain appends, duplicates are legal (a second try after a time-out): the ledger's primary key sorts them out. Removed
 * by id, never trimmed by length.
 */
import { fail } from "../../../platform/errors.ts";
import type { Redis } from "../../../platform/redis.ts";
import type { At } from "../crash-points.ts";
import { decodeEntry, type Entry, encodeEntry } from "../entry.ts";
import type { Journal, Journaled, Ref } from "./journal.ts";

/** All keys share a hash tag: scripts over several of them also run on Redis Cluster. */
const PREFIX = "gf:{journal}:";
export const journalKeys = {
  stream: (stream: number) => `${PREFIX}s:${stream}`,
  /** Sorted set: stream → Redis ms until which its owner's lease runs. */
  leases: `${PREFIX}leases`,
  claim: (stream: number) => `${PREFIX}claim:${stream}`,
} as const;

/** All of them or none, and nil where there is no journal. */
const APPEND = `
local refs = {}
for i, entry in ipairs(ARGV) do
  refs[i] = redis.call('XADD', KEYS[1], 'NOMKSTREAM', '*', 'e', entry)
  if not refs[i] then return false end
end
return refs`;

export class RedisJournal implements Journal {
  readonly #redis: Redis;
  readonly #key: string;
  readonly #stream: number;
  readonly #at: At | undefined;

  constructor(redis: Redis, stream: number, at?: At) {
    this.#redis = redis;
    this.#stream = stream;
    this.#key = journalKeys.stream(stream);
    this.#at = at;
  }

  async append(entries: readonly Entry[]): Promise<Ref[]> {
    const appending = this.#redis.eval(APPEND, 1, this.#key, ...entries.map(encodeEntry));
    this.#at?.("append-sent");
    const refs = (await appending) as Ref[] | null;
    if (refs === null)
      throw fail("FENCED", `journal ${this.#stream} is gone: taken over, or lost with Redis' data`);
    return refs;
  }

  async remove(refs: readonly Ref[]): Promise<void> {
    if (refs.length > 0) await this.#redis.xdel(this.#key, ...refs);
  }

  async read(after: Ref | undefined, count: number): Promise<Journaled[]> {
    const from = after === undefined ? "-" : `(${after}`;
    const rows = await this.#redis.xrange(this.#key, from, "+", "COUNT", count);
    // Read when it is asked for: the sweeper passes over thousands that memory knows.
    return rows.map(([ref, [, text = ""]]) => ({
      ref,
      text,
      get entry() {
        return decodeEntry(text);
      },
    }));
  }
}
