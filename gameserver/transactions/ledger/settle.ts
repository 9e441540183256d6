/**
 * Settling on PostgreSQL: a batch of entries in one transaction, by four round trips whatever its size.
 *
 * Order is what makes it safe:
 * 1. the fence: a shared advisory lock on the journal's stream, then a look whether it was closed. Whoever takes a
 *    stream over closes it under the exclusive lock, so nothing of the old owner commits after that.
 * 2. wallets are read (wallets.ts). Nearly no id comes twice: which were decided before is asked only after one did;
 * 3. decisions in the order of arrival (decide.ts), then all rows in one statement, wallets in ascending order so that
 *    batches never wait for each other in a circle. Ids that turn out to be taken by then, or wallets that are not what
 *    was read, roll the batch back: it is run again and then sees them.
 *
 * Read committed is enough: what is settled was decided on wallets that are still the same when they are changed. A
 * COMMIT without an answer is unknown: the batch is simply run again, and the primary key tells what became of it.
 */
import { fail, hasCode } from "../../../platform/errors.ts";
import { type Client, type Pool, withClient } from "../../../platform/postgres.ts";
import { isStoreAway } from "../../../platform/store-errors.ts";
import type { Answer, DeclineReason, Final } from "../answer.ts";
import type { At } from "../crash-points.ts";
import type { Asset } from "../decide.ts";
import { type Entry, encodeEntry } from "../entry.ts";
import { numberArray, textArray } from "./array.ts";
import type { Ledger } from "./ledger.ts";
import { LeftAlone } from "./left-alone.ts";
import { STREAM_LOCK } from "./streams.ts";
import { changesOf, type Hold, makeWallets, readWallets, type Wallets } from "./wallets.ts";

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

interface Known {
  readonly id: string;
  readonly hash: string;
  readonly outcome: "settled" | "declined" | "quarantined";
  readonly reason: DeclineReason | null;
}

/** An id was decided by somebody else between the look and the insert: the batch must be run again. */
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
    const nowMs = await this.#begin(client);
    const wallets = await readWallets(client, batch, hold);
    if (!wallets) {
      await client.query("ROLLBACK");
      await makeWallets(client, batch);
      return this.#run(client, batch, hold);
    }
    const known = expectRepeats ? await lookUp(client, batch) : new Map<string, Known>();
    this.#repeats = known.size > 0 ? REPEAT_BATCHES : Math.max(0, this.#repeats - 1);
    const { answers, fresh } = decideAll(batch, known, wallets, this.#options.assets(), nowMs);
    if (fresh.length > 0 && !(await write(client, fresh, wallets, this.#options.stream()))) {
      this.#repeats = REPEAT_BATCHES;
      if (expectRepeats) throw new Overtaken("an id of the batch was decided meanwhile");
      await client.query("ROLLBACK");
      return this.#run(client, batch, hold);
    }
    this.#options.at?.("written");
    const committing = client.query("COMMIT");
    this.#options.at?.("commit-sent");
    await committing;
    return answers;
  }

  /** Begins, holds the fence, and gives the database's clock: the one clock that decides what has expired. */
  async #begin(client: Client): Promise<number> {
    const stream = this.#options.stream();
    // One round trip: the simple protocol takes several statements. `stream` is a number of ours.
    const results = (await client.query(
      `BEGIN; SELECT pg_advisory_xact_lock_shared(${STREAM_LOCK}, ${stream});
       SELECT closed_at IS NULL AS open, (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now
       FROM ledger.stream WHERE id = ${stream}`,
    )) as unknown as readonly {
      readonly rows: readonly { readonly open: boolean; readonly now: number }[];
    }[];
    const row = results.at(-1)?.rows[0];
    if (!row?.open)
      throw fail("FENCED", `journal ${stream} was taken over: its old owner settles nothing any more`);
    return row.now;
  }
}

/** What was decided before, or set aside, by id. */
async function lookUp(client: Client, batch: readonly Entry[]): Promise<Map<string, Known>> {
  const { rows } = await client.query<Known>({
    name: "ledger-known",
    // Of an id that stands in both, what the books say counts: it comes last.
    text: `SELECT id, hash, 'quarantined' AS outcome, NULL AS reason FROM ledger.quarantine
      WHERE id = ANY ($1::uuid[]) AND resolved_at IS NULL
      UNION ALL SELECT id, hash, outcome, reason FROM ledger.transaction WHERE id = ANY ($1::uuid[])`,
    values: [textArray(batch.map((entry) => entry.id))],
  });
  return new Map(rows.map((row) => [row.id, row]));
}

interface Fresh {
  readonly entry: Entry;
  readonly final: Final;
}

function decideAll(
  batch: readonly Entry[],
  known: Map<string, Known>,
  { balances, taken }: Wallets,
  assets: ReadonlyMap<string, Asset>,
  nowMs: number,
): { readonly answers: (Answer | undefined)[]; readonly fresh: Fresh[] } {
  const fresh: Fresh[] = [];
  const left = new LeftAlone(taken);
  const answers = batch.map((entry): Answer | undefined => {
    const before = known.get(entry.id);
    if (before) return before.hash === entry.hash ? answerOf(before) : { status: "conflict" };
    if (left.claims(entry)) return undefined;
    const final = balances.decide(entry, assets, nowMs);
    fresh.push({ entry, final });
    // The same id twice in one batch: the second sees the first.
    known.set(entry.id, {
      id: entry.id,
      hash: entry.hash,
      outcome: final.status,
      reason: final.status === "declined" ? final.reason : null,
    });
    return final;
  });
  return { answers, fresh };
}

function answerOf(known: Known): Answer {
  if (known.outcome === "declined") return { status: "declined", reason: known.reason as DeclineReason };
  return { status: known.outcome };
}

/**
 * All rows of a batch in one statement. False when an id was decided before, or is set aside; throws `Overtaken` when a
 * wallet was changed meanwhile.
 */
async function write(
  client: Client,
  fresh: readonly Fresh[],
  wallets: Wallets,
  stream: number,
): Promise<boolean> {
  const lines = fresh.flatMap(({ entry, final }) =>
    final.status === "settled"
      ? entry.transfers.map((transfer, line) => ({ ...transfer, id: entry.id, line }))
      : [],
  );
  const changes = changesOf(wallets);
  const { rows } = await client.query<{ made: number; kept: number }>({
    name: "ledger-write",
    text: WRITE,
    values: [
      textArray(fresh.map(({ entry }) => entry.id)),
      textArray(fresh.map(({ entry }) => entry.kind)),
      textArray(fresh.map(({ entry }) => entry.player)),
      textArray(fresh.map(({ entry }) => entry.counterparty ?? null)),
      textArray(fresh.map(({ entry }) => entry.hash)),
      textArray(fresh.map(({ final }) => final.status)),
      textArray(fresh.map(({ final }) => (final.status === "declined" ? final.reason : null))),
      numberArray(fresh.map(({ entry }) => entry.acceptedAt)),
      textArray(fresh.map(({ entry }) => entry.trace)),
      stream,
      textArray(lines.map((line) => line.id)),
      numberArray(lines.map((line) => line.line)),
      textArray(lines.map((line) => line.from)),
      textArray(lines.map((line) => line.to)),
      textArray(lines.map((line) => line.asset)),
      numberArray(lines.map((line) => line.amount)),
      textArray(changes.ctids),
      numberArray(changes.numbers),
      numberArray(changes.versions),
      numberArray(changes.deltas),
    ],
  });
  const [done] = rows;
  if (done?.kept !== changes.ctids.length) throw new Overtaken("a wallet of the batch was changed meanwhile");
  return done.made === fresh.length;
}

/**
 * Wallets first, then ids, each in ascending order, for every batch: two that share both never wait for each other in
 * a circle (found by the kill loop: a resend at the other pod made a deadlock of a second). What a WITH runs first is
 * what is asked for first, so the ids ask whether all wallets were kept; when not, nothing else is done. Lines follow
 * their ids without a look for conflicts: one that is there before its transaction is a mistake, and fails.
 */
const WRITE = `
WITH kept AS (
  UPDATE ledger.wallet w SET balance = w.balance + d.delta, version = w.version + 1
  FROM unnest($17::tid[], $18::bigint[], $19::bigint[], $20::bigint[]) AS d (seen, number, version, delta)
  WHERE w.ctid = d.seen AND w.number = d.number AND w.version = d.version RETURNING 1
), made AS (
  INSERT INTO ledger.transaction
    (id, kind, player, counterparty, hash, outcome, reason, accepted_at, trace, stream)
  SELECT id, kind, player, counterparty, hash, outcome, reason, to_timestamp(accepted / 1000), trace, $10
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::float8[],
    $9::text[]) AS t (id, kind, player, counterparty, hash, outcome, reason, accepted, trace)
  WHERE (SELECT count(*) FROM kept) = cardinality($17::tid[])
    AND NOT EXISTS (SELECT FROM ledger.quarantine WHERE id = ANY ($1::uuid[]) AND resolved_at IS NULL)
  ORDER BY id ON CONFLICT DO NOTHING RETURNING 1
), moved AS (
  INSERT INTO ledger.transfer (transaction, line, source, target, asset, amount)
  SELECT * FROM unnest($11::uuid[], $12::smallint[], $13::text[], $14::text[], $15::text[], $16::bigint[])
  WHERE (SELECT count(*) FROM made) = cardinality($1::uuid[])
)
SELECT (SELECT count(*)::int FROM kept) AS kept, (SELECT count(*)::int FROM made) AS made`;

/** True when the journal was taken over by another process. */
export const isFenced = (error: unknown): boolean => hasCode(error, "FENCED");
