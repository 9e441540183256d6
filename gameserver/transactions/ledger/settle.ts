/**
 * Settling on PostgreSQL: a batch of entries in one transaction, by three round trips whatever its size.
 *
 * Order is what makes it safe:
 * 1. the fence: a shared advisory lock on the journal's stream, then a look whether it was closed. Whoever takes a
 *    stream over closes it under the exclusive lock, so nothing of the old owner commits after that.
 * 2. decisions in the order of arrival (decide.ts), as if all wallets held what is asked of them: they are read only
 *    after one did not (wallets.ts). Nearly no id comes twice: which were decided before is asked only after one did;
 * 3. all rows in one statement (write.ts), wallets in ascending order so that batches never wait for each other in a
 *    circle. Wallets that do not hold what is demanded, or are not what was read, and ids that turn out to be taken,
 *    roll the batch back: it is run again and then sees them.
 *
 * Read committed is enough: what is settled was decided on what the wallets hold when they are changed, and what is
 * declined on what was read. Nothing is kept from batch to batch but how to go about the next, so nothing is wrong when
 * one fails, or its COMMIT has no answer. That is unknown: the batch is simply run again, and the primary key tells what
 * became of it.
 */
import { fail, hasCode } from "../../../platform/errors.ts";
import { type Client, type Pool, withClient } from "../../../platform/postgres.ts";
import { isStoreAway } from "../../../platform/store-errors.ts";
import type { Answer } from "../answer.ts";
import type { At } from "../crash-points.ts";
import type { Asset } from "../decide.ts";
import { type Entry, encodeEntry } from "../entry.ts";
import { decideAll, type Fresh, type Known, lookUp } from "./decisions.ts";
import type { Ledger } from "./ledger.ts";
import { STREAM_LOCK } from "./streams.ts";
import { demandedWallets, type Hold, makeWallets, readWallets, type Wallets } from "./wallets.ts";
import { type Written, writeBatch } from "./write.ts";

/** SQLSTATE of conflicts between batches: serialization failure, deadlock, lock not available (lock_timeout). */
const BUSY = new Set(["40001", "40P01", "55P03"]);
/**
 * Settings of the sessions that settle. Every statement here finds its rows by primary key. A plan made while a
 * partition was new and empty would read all of it later: 35 ms a batch after a minute instead of 1 (measured).
 */
export const LEDGER_SESSION = {
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  plan_cache_mode: "force_generic_plan",
} as const;
/** How often a batch is run again at once before the caller decides. */
const MAX_RUNS = 4;
/** After a collision so many batches expect the next one: they lock at once, instead of being thrown away. */
const CROWDED_BATCHES = 16;
/** After an id that came again so many batches expect the next one: a pod's journal was taken over, callers ask again. */
const REPEAT_BATCHES = 16;
/** After a wallet that had not what was demanded of it so many batches read first, instead of being decided twice. */
const DOUBTFUL_BATCHES = 16;
/** How long those who have read nothing wait for a lock, ms: longer than a batch takes, far shorter than an answer may. */
const PATIENCE_MS = 200;

/** An id was decided, or a wallet changed, by somebody else since the look: the batch must be run again. */
class Overtaken extends Error {}

export interface PostgresLedgerOptions {
  readonly pool: Pool;
  /** The journal whose entries are settled: `ledger.stream.id`. */
  readonly stream: () => number;
  readonly assets: () => ReadonlyMap<string, Asset>;
  readonly at?: At | undefined;
}

/** True for failures after which the same batch may be run again. */
export function mayRunAgain(error: unknown): boolean {
  if (error instanceof Overtaken || isStoreAway(error)) return true;
  const { code } = error as { readonly code?: unknown };
  // 57014: the statement's time was up; nothing says that the entry is at fault.
  return typeof code === "string" && (BUSY.has(code) || code === "57014");
}

export class PostgresLedger implements Ledger {
  readonly #options: PostgresLedgerOptions;
  /** Batches for which others are expected at the same wallets. */
  #crowded = 0;
  /** Batches for which ids are expected that were decided before. */
  #repeats = 0;
  /** Batches that read first. */
  #doubts = 0;

  constructor(options: PostgresLedgerOptions) {
    this.#options = options;
  }

  async settle(batch: readonly Entry[]): Promise<Answer[]> {
    // Those who wait leave nothing alone.
    return (await this.#settle(batch, "wait")) as Answer[];
  }

  settleFree(batch: readonly Entry[]): Promise<(Answer | undefined)[]> {
    return this.#settle(batch, "take");
  }

  /** `hold`: how wallets are read when somebody else is at work on them. */
  async #settle(batch: readonly Entry[], hold: Hold): Promise<(Answer | undefined)[]> {
    for (let run = 1; ; run++) {
      try {
        const how = run > 1 || this.#crowded > 0 ? hold : "look";
        const answers = await withClient(this.#options.pool, (client) => this.#run(client, batch, how));
        if (answers.includes(undefined)) this.#crowded = CROWDED_BATCHES;
        else if (this.#crowded > 0) this.#crowded -= 1;
        return answers;
      } catch (error) {
        // What another batch caused is tried again here; a store that is away is for the caller to wait for.
        const again = error instanceof Overtaken || BUSY.has(String((error as { code?: unknown }).code));
        if (!again || run === MAX_RUNS) throw error;
        this.#crowded = CROWDED_BATCHES;
      }
    }
  }

  async quarantine(entry: Entry, error: string, attempts: number): Promise<boolean> {
    const { rowCount } = await withClient(this.#options.pool, (client) =>
      client.query(
        `INSERT INTO ledger.quarantine (id, entry, hash, error, attempts) 
         SELECT $1::uuid, $2, $3, $4, $5::int WHERE NOT EXISTS (SELECT FROM ledger.transaction WHERE id = $1::uuid)
         ON CONFLICT (id) DO UPDATE SET error = excluded.error, attempts = ledger.quarantine.attempts + excluded.attempts,
           resolved_at = NULL, resolution = NULL`,
        [entry.id, encodeEntry(entry), entry.hash, error.slice(0, 2_000), attempts],
      ),
    );
    return rowCount === 1;
  }

  async #run(client: Client, batch: readonly Entry[], hold: Hold): Promise<(Answer | undefined)[]> {
    const expectRepeats = this.#repeats > 0;
    const reads = hold !== "look" || this.#doubts > 0;
    const nowMs = await this.#begin(client, reads);
    const wallets = reads ? await readWallets(client, batch, hold) : demandedWallets();
    if (!wallets) {
      await client.query("ROLLBACK");
      await makeWallets(client, batch);
      return this.#run(client, batch, hold);
    }
    const known = expectRepeats ? await lookUp(client, batch) : new Map<string, Known>();
    this.#repeats = known.size > 0 ? REPEAT_BATCHES : Math.max(0, this.#repeats - 1);
    const { answers, fresh } = decideAll(batch, known, wallets, this.#options.assets(), nowMs);
    const written = fresh.length > 0 ? await this.#write(client, fresh, wallets) : "written";
    if (written === "wallets" && reads) throw new Overtaken("a wallet of the batch was changed meanwhile");
    if (written === "ids" && expectRepeats) throw new Overtaken("an id of the batch was decided meanwhile");
    if (written !== "written") {
      await client.query("ROLLBACK");
      if (written === "ids") this.#repeats = REPEAT_BATCHES;
      else this.#doubts = DOUBTFUL_BATCHES;
      return this.#run(client, batch, hold);
    }
    if (fresh.some(({ final }) => final.status === "declined")) this.#doubts = DOUBTFUL_BATCHES;
    else if (reads) this.#doubts = Math.max(0, this.#doubts - 1);
    this.#options.at?.("written");
    const committing = client.query("COMMIT");
    this.#options.at?.("commit-sent");
    await committing;
    return answers;
  }

  async #write(client: Client, fresh: readonly Fresh[], wallets: Wallets): Promise<Written> {
    const changes = wallets.changes();
    return changes ? await writeBatch(client, fresh, changes, this.#options.stream()) : "wallets";
  }

  /**
   * Begins, holds the fence, and gives the database's clock: the one clock that decides what has expired. Who `reads`
   * takes what is free or waits as long as it takes; others turn to that soon.
   */
  async #begin(client: Client, reads: boolean): Promise<number> {
    const stream = this.#options.stream();
    // One round trip: the simple protocol takes several statements. `stream` is a number of ours.
    const results = (await client.query(
      `BEGIN; ${reads ? "" : `SET LOCAL lock_timeout = ${PATIENCE_MS};`}
       SELECT open, now FROM ledger.hold_stream(${STREAM_LOCK}, ${stream})`,
    )) as unknown as readonly {
      readonly rows: readonly { readonly open: boolean; readonly now: number }[];
    }[];
    const row = results.at(-1)?.rows[0];
    if (!row?.open)
      throw fail("FENCED", `journal ${stream} was taken over: its old owner settles nothing any more`);
    return row.now;
  }
}

/** True when the journal was taken over by another process. */
export const isFenced = (error: unknown): boolean => hasCode(error, "FENCED");
