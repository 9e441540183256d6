/**
 * Taking over the journal of a pod that is gone: fence it, settle what stands in it, remove it.
 *
 * Closing the row in PostgreSQL under the exclusive lock waits for a settle of the old owner that is under way and
 * stops every later one; from then on the entries are ours. A successor that dies half way leaves a claim that runs
 * out, and the next one begins again: settling twice is no harm.
 */
import { type Pool, withClient } from "../../../platform/postgres.ts";
import type { Redis } from "../../../platform/redis.ts";
import type { Answer } from "../answer.ts";
import type { Entry } from "../entry.ts";
import { STREAM_LOCK } from "../ledger/settle.ts";
import type { Leases } from "./leases.ts";
import { RedisJournal } from "./redis-journal.ts";

const PAGE = 256;

export interface TakeoverParts {
  readonly redis: Redis;
  readonly pool: Pool;
  readonly leases: Leases;
  /** Who takes over: for the ledger's row and the claim. */
  readonly by: string;
  settle(entry: Entry): Promise<Answer>;
}

/** From now on whoever had `stream` settles nothing any more. */
export async function closeStream(pool: Pool, stream: number, by: string): Promise<void> {
  await withClient(pool, async (client) => {
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock($1, $2)", [STREAM_LOCK, stream]);
    await client.query(
      "UPDATE ledger.stream SET closed_at = now(), closed_by = $2 WHERE id = $1 AND closed_at IS NULL",
      [stream, by],
    );
    await client.query("COMMIT");
  });
}

/** Takes `stream` over unless another does; answers how many entries were settled. */
export async function takeOver(parts: TakeoverParts, stream: number): Promise<number> {
  const { redis, pool, leases, by } = parts;
  if (!(await leases.claim(stream, by))) return 0;
  await closeStream(pool, stream, by);
  const journal = new RedisJournal(redis, stream);
  let settled = 0;
  for (let after: string | undefined; ; ) {
    const page = await journal.read(after, PAGE);
    if (page.length === 0) break;
    // What cannot be read stays, and with it the journal: for a version that can.
    const readable = page.flatMap(({ ref, entry }) => (entry ? [{ ref, entry }] : []));
    await Promise.all(readable.map(({ entry }) => parts.settle(entry)));
    await journal.remove(readable.map(({ ref }) => ref));
    settled += readable.length;
    after = page.at(-1)?.ref;
  }
  await leases.bury(stream);
  await leases.unclaim(stream);
  return settled;
}
