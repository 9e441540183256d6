/** The journals as the verifier reads them: from Redis, and the books beside them. */
import { type Pool, query } from "../../../platform/postgres.ts";
import type { Redis } from "../../../platform/redis.ts";
import { journalKeys, RedisJournal } from "../journal/redis-journal.ts";
import type { Journals } from "./journal-watch.ts";

export function journalsOf(redis: Redis, pool: Pool): Journals {
  return {
    list: async () => (await redis.zrange(journalKeys.leases, "0", "-1")).map(Number),
    oldest: (stream, count) => new RedisJournal(redis, stream).read(undefined, count),
    decided: async (ids) => {
      const rows = await query<{ id: string }>(
        pool,
        `SELECT id FROM ledger.transaction WHERE id = ANY ($1::uuid[])
         UNION SELECT id FROM ledger.quarantine WHERE id = ANY ($1::uuid[])`,
        [ids],
      );
      return new Set(rows.map(({ id }) => id));
    },
  };
}
