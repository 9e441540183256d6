/**
 * The verifier at work in every pod, one of them at a time: whoever holds an advisory lock in PostgreSQL looks at what
 * is new each second and at everything now and then; the others wait and show what it found.
 *
 * It has a connection of its own and asks the writer: a replica may lag. A pod that ends or is cut off loses the lock
 * with its connection.
 */
import { loop, sleep } from "../../../platform/background.ts";
import { messageOf } from "../../../platform/errors.ts";
import type { Log } from "../../../platform/log.ts";
import { counter, gauge, histogram, type Registry } from "../../../platform/metrics.ts";
import { type Client, createPool, withClient } from "../../../platform/postgres.ts";
import { warnAgain } from "../../../platform/warn-again.ts";
import type { Finding } from "./finding.ts";
import { FINDING_KINDS } from "./finding.ts";
import type { JournalWatch } from "./journal-watch.ts";
import { fullIsDue, fullMayBegin } from "./pace.ts";
import { readStanding, record, recordFullBegun, recordLook, type Standing } from "./record.ts";
import { type Look, VERIFIER_SESSION, verifyFull, verifyIncremental } from "./verify.ts";

/** The advisory lock of whoever verifies. */
const VERIFIER_LOCK = 1_735_289_198;
const EVERY_MS = 1_000;
const FULL_EVERY_MS = 10 * 60_000;
/** How often those that wait try for the lock. */
const STANDBY_MS = 5_000;
/** Longest full look: beyond it something is wrong with the database. */
const LONGEST_MS = 3_600_000;
/** For how long a full look lets purchases go first. */
const PUT_OFF_MS = 60_000;
/** New rows after which the indexes of blocks are told of them. */
const SUMMARISE_AFTER = 50_000;

export interface VerifierOptions {
  readonly databaseUrl: string;
  /** Role to act as; undefined for the one that logs in. */
  readonly role: string | undefined;
  readonly server: string;
  readonly log: Log;
  readonly registry: Registry;
  readonly journal: JournalWatch;
  /** True while purchases wait longer than they should: reading everything is put off, for a minute at most. */
  readonly pressed: () => boolean;
  /** ms; for tests. */
  readonly everyMs?: number;
  readonly fullEveryMs?: number;
}

interface Shown {
  look(look: Look): void;
  standing(standing: Standing): void;
}

/** Runs until the signal aborts. A look that is under way is cut off. */
export async function runVerifier(options: VerifierOptions, signal: AbortSignal): Promise<void> {
  const { databaseUrl, role, server, log, registry } = options;
  const pool = createPool({
    url: databaseUrl,
    name: `gamefleet-verifier-${server}`,
    log,
    maxConnections: 1,
    statementTimeoutMs: LONGEST_MS,
    session: { ...VERIFIER_SESSION, ...(role === undefined ? {} : { role }) },
  });
  const shown = verifierMetrics(registry);
  const everyMs = Math.min(STANDBY_MS, options.fullEveryMs ?? STANDBY_MS);
  const onError = (error: unknown) => warnAgain(log, "verifier: tried again", error);
  await loop(() => withClient(pool, (client) => serve(client, options, shown, signal)), {
    everyMs,
    signal,
    onError,
  });
  await pool.end();
}

/** Looks again and again while the lock is ours; when it is another's, only shows what that one found. */
async function serve(
  client: Client,
  options: VerifierOptions,
  shown: Shown,
  signal: AbortSignal,
): Promise<void> {
  const { rows } = await client.query<{ ours: boolean }>("SELECT pg_try_advisory_lock($1) AS ours", [
    VERIFIER_LOCK,
  ]);
  const standing = await readStanding(client);
  shown.standing(standing);
  if (!rows[0]?.ours) return;
  // The connection is what holds the lock: ending it ends a look that is under way, too.
  const cut = () => void client.end().catch(() => {});
  signal.addEventListener("abort", cut, { once: true });
  try {
    await keepLooking(client, standing, options, shown, signal);
  } finally {
    signal.removeEventListener("abort", cut);
  }
}

async function keepLooking(
  client: Client,
  first: Standing,
  options: VerifierOptions,
  shown: Shown,
  signal: AbortSignal,
): Promise<void> {
  const { log, everyMs = EVERY_MS, fullEveryMs = FULL_EVERY_MS } = options;
  let unsummarised = 0;
  let standing = first;
  let calmAt = performance.now();
  const tell = (findings: readonly Finding[]) => {
    for (const finding of findings) log.error({ ...finding }, "the books are wrong");
  };
  while (!signal.aborted) {
    const started = performance.now();
    const { full } = standing;
    const pressed = options.pressed();
    if (!pressed) calmAt = started;
    const mayReadAll = (!pressed || started - calmAt > PUT_OFF_MS) && fullMayBegin(full, fullEveryMs);
    const look =
      (mayReadAll && fullIsDue(full, fullEveryMs) ? undefined : await verifyIncremental(client)) ??
      (mayReadAll ? await readAll(client) : undefined);
    if (look) {
      tell(await record(client, look.form, look.findings));
      await recordLook(client, look);
      shown.look(look);
      unsummarised += look.form === "full" ? SUMMARISE_AFTER : look.rows;
    }
    if (unsummarised >= SUMMARISE_AFTER) {
      await client.query("SELECT ledger.summarise()");
      unsummarised = 0;
    }
    await lookAtJournals(client, options, tell);
    standing = await readStanding(client);
    shown.standing(standing);
    await sleep(everyMs - (performance.now() - started), signal);
  }
}

async function readAll(client: Client): Promise<Look> {
  await recordFullBegun(client);
  return verifyFull(client, true);
}

/** Redis may be away; that is no reason to stop looking at the books. */
async function lookAtJournals(
  client: Client,
  { journal, log }: VerifierOptions,
  tell: (findings: readonly Finding[]) => void,
): Promise<void> {
  let findings: readonly Finding[];
  try {
    findings = await journal.look();
  } catch (error) {
    log.debug({ err: { message: messageOf(error) } }, "journals not looked at");
    return;
  }
  tell(await record(client, "journal", findings));
}

function verifierMetrics(registry: Registry): Shown {
  const startedAt = performance.now();
  const age = gauge(
    registry,
    "gamefleet_ledger_verifier_age_seconds",
    "Time since the books were last verified: full, or incremental",
    ["form"],
  );
  const open = gauge(registry, "gamefleet_ledger_findings", "What is wrong with the books now, by kind", [
    "kind",
  ]);
  const took = histogram(
    registry,
    "gamefleet_ledger_verifier_seconds",
    "Time of one look at the books",
    ["form"],
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  );
  const rows = counter(
    registry,
    "gamefleet_ledger_verified_rows_total",
    "Rows of the books that were verified",
    ["form"],
  );
  return {
    look({ form, seconds, rows: count }) {
      took.observe({ form }, seconds);
      rows.inc({ form }, count);
    },
    standing(standing) {
      const up = (performance.now() - startedAt) / 1_000;
      for (const form of ["full", "incremental"] as const) {
        // A full look is an incremental one as well.
        const full = standing.age.full ?? up;
        const since = form === "full" ? full : Math.min(full, standing.age.incremental ?? up);
        age.set({ form }, since);
      }
      for (const kind of Object.keys(FINDING_KINDS)) open.set({ kind }, standing.open.get(kind) ?? 0);
    },
  };
}
