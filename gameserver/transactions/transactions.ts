/**
 * The transaction processor of one pod, put together: connections, breakers, journal, ledger, sweeper, takeover.
 */
import { deadline, loop } from "../../platform/background.ts";
import { createBreaker } from "../../platform/breaker.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import type { Registry } from "../../platform/metrics.ts";
import { createPool, migrate, type Pool, query } from "../../platform/postgres.ts";
import { connectRedis, type Redis } from "../../platform/redis.ts";
import { isStoreAway } from "../../platform/store-errors.ts";
import { warnAgain } from "../../platform/warn-again.ts";
import { realClock } from "./clock.ts";
import type { At } from "./crash-points.ts";
import type { Asset } from "./decide.ts";
import { JournalKeeper } from "./journal/keeper.ts";
import { declareAssets, readAssets, readLimited } from "./ledger/catalogue.ts";
import { LEDGER_MIGRATIONS } from "./ledger/migrations.ts";
import { LEDGER_SESSION, mayRunAgain, PostgresLedger } from "./ledger/settle.ts";
import { processorMetrics } from "./metrics.ts";
import { Processor } from "./processor.ts";
import { Receipts } from "./receipts/receipts.ts";
import type { ReceiptSettings } from "./receipts/settings.ts";
import { memoryShare, postgresProblems, redisProblems } from "./startup.ts";
import { JournalWatch } from "./verifier/journal-watch.ts";
import { journalsOf } from "./verifier/journals.ts";
import { runVerifier } from "./verifier/run.ts";

const LEDGER_ROLE = "gamefleet_ledger";
/** Two lanes, a takeover, and one for questions. */
const CONNECTIONS = 4;
/** Acknowledgements and events of stores have their own: they never wait for the lanes, nor the lanes for them. */
const RECEIPT_CONNECTIONS = 2;
/** One command of Redis: the processor tries an append twice within its answer time. */
const COMMAND_MS = 400;
/** One statement of a batch. */
const STATEMENT_MS = 1_500;
/** A probe of a store that is away, and how often it is asked. */
const PROBE_MS = 400;
const PROBE_EVERY_MS = 100;
const SWEEP_EVERY_MS = 500;
/** Age of the oldest entry from which on the verifier lets the lanes have PostgreSQL to themselves. */
const PRESSED_SECONDS = 0.5;
const METRICS_EVERY_MS = 1_000;
const MEMORY_EVERY_MS = 1_000;
const CATALOGUE_EVERY_MS = 5_000;
const PARTITIONS_EVERY_MS = 6 * 3_600_000;
const PARTITIONS_AHEAD = 3;

export interface TransactionsOptions {
  readonly redisUrl: string;
  readonly databaseUrl: string;
  /** `<namespace>/<name>` and life of this server. */
  readonly server: string;
  readonly life: string;
  readonly registry: Registry;
  readonly log: Log;
  /** What the game's offers name, and what each is: in the catalogue from now on. */
  readonly declares?: ReadonlyMap<string, Asset["kind"]>;
  /** The stores whose receipts are taken; none without it. */
  readonly receipts?: ReceiptSettings | undefined;
  /** False leaves the books unverified by this pod: for measurements without it. Default true. */
  readonly verify?: boolean;
  /** Tests only. */
  readonly at?: At;
}

export interface Transactions {
  readonly processor: Processor;
  readonly pool: Pool;
  /** The catalogue: what there is to move. */
  readonly assets: ReadonlyMap<string, Asset>;
  /** Items that are limited in number: sold from their stock. */
  readonly limited: ReadonlySet<string>;
  /** Undefined where no receipts file was given. */
  readonly receipts: Receipts | undefined;
  run(signal: AbortSignal): Promise<void>;
  /** Accepts nothing more, settles what was accepted, gives the journal up. */
  close(withinMs: number): Promise<void>;
}

/**
 * Opens the books and the journal. Rejects when PostgreSQL is away or its schema is newer than this program; it may then
 * be called again: nothing is left open, and nothing was registered.
 */
export async function openTransactions(options: TransactionsOptions): Promise<Transactions> {
  const { databaseUrl, log } = options;
  await migrate(databaseUrl, LEDGER_MIGRATIONS, "ledger", log);
  const role = await ledgerRole(options);
  const pool = openPool(options, role);
  const { redisUrl: url, server } = options;
  const name = `gamefleet-transactions-${server}`;
  const redis = connectRedis({ url, name, log, commandTimeoutMs: COMMAND_MS });
  try {
    for (const problem of await postgresProblems(pool)) log.error({ problem }, "the ledger is not safe");
    await declareAssets(pool, options.declares ?? new Map());
    return await assemble(options, pool, redis, role);
  } catch (error) {
    redis.disconnect();
    await pool.end();
    throw error;
  }
}

async function assemble(
  options: TransactionsOptions,
  pool: Pool,
  redis: Redis,
  role: string | undefined,
): Promise<Transactions> {
  const { registry, log, server, life, at } = options;
  const assets = new Map<string, Asset>();
  const limited = new Set<string>();
  const readCatalogue = () => loadCatalogue(pool, assets, limited);
  await readCatalogue();
  const keeper: JournalKeeper = new JournalKeeper({
    redis,
    pool,
    log,
    clock: realClock,
    server,
    life,
    problems: () => redisProblems(redis),
    settle: (entry) => processor.settleForeign(entry),
    onTakeover: (entries) => metrics.takeover(entries),
    at,
  });
  await keeper.open();

  // From here on nothing may fail: what is registered cannot be registered again.
  const guard = (store: string, probe: () => Promise<unknown>, ignore?: (error: unknown) => boolean) =>
    createBreaker({
      name: store,
      registry,
      volume: 20,
      windowMs: 2_000,
      resetMs: PROBE_EVERY_MS,
      probe: () => deadline(probe(), PROBE_MS, `probe of ${store}`),
      ...(ignore ? { ignore } : {}),
    });
  const journalBreaker = guard("journal", () => redis.ping());
  // A mistake in an entry says nothing about PostgreSQL.
  const settleBreaker = guard(
    "settle",
    () => query(pool, "SELECT 1"),
    (error) => !isStoreAway(error),
  );
  const metrics = processorMetrics(registry, log);
  let journalShare: number | undefined;
  const processor: Processor = new Processor(
    {
      journal: () => keeper.journal,
      ledger: new PostgresLedger({ pool, stream: () => keeper.stream, assets: () => assets, at }),
      journaling: (work) => journalBreaker.run(work),
      settling: (work) => settleBreaker.run(work),
      get journalAway() {
        return journalBreaker.open || keeper.journal === undefined;
      },
      get settleAway() {
        return settleBreaker.open;
      },
      get journalShare() {
        return journalShare;
      },
      mayRunAgain,
      fenced: () => keeper.fenced(),
      at,
    },
    metrics.observer,
    realClock,
  );

  const receipts = options.receipts && openReceipts(options, options.receipts, role, processor, assets);

  return {
    processor,
    pool,
    assets,
    limited,
    receipts,
    async run(signal) {
      const repeat = (what: string, everyMs: number, work: () => Promise<unknown>) =>
        loop(async () => void (await work()), {
          everyMs,
          signal,
          onError: (error) => warnAgain(log, "tried again", error, { what }),
        });
      const journal = new JournalWatch(journalsOf(redis, pool), realClock);
      const { databaseUrl, verify = true } = options;
      const pressed = () => processor.oldestSeconds > PRESSED_SECONDS;
      await Promise.all([
        verify && runVerifier({ databaseUrl, role, server, log, registry, journal, pressed }, signal),
        keeper.run(signal),
        receipts?.run(signal),
        repeat("sweep", SWEEP_EVERY_MS, () => processor.sweep()),
        repeat("metrics", METRICS_EVERY_MS, async () => metrics.show(processor)),
        repeat("memory", MEMORY_EVERY_MS, async () => {
          journalShare = await memoryShare(redis);
        }),
        repeat("catalogue", CATALOGUE_EVERY_MS, readCatalogue),
        repeat("partitions", PARTITIONS_EVERY_MS, () =>
          query(pool, "SELECT ledger.ensure_partitions(now(), $1)", [PARTITIONS_AHEAD]),
        ),
      ]);
    },
    async close(withinMs) {
      await receipts?.close();
      await processor.stop(withinMs);
      await keeper.close().catch((error: unknown) => {
        log.warn({ err: { message: messageOf(error) } }, "journal not given up: a successor takes it over");
      });
      journalBreaker.close();
      settleBreaker.close();
      redis.disconnect();
      await pool.end();
    },
  };
}

const poolSettings = ({ databaseUrl, server, log }: TransactionsOptions) => ({
  url: databaseUrl,
  name: `gamefleet-transactions-${server}`,
  log,
  statementTimeoutMs: STATEMENT_MS,
});

/** The ledger's own role where there is one that this user may act as. */
async function ledgerRole(options: TransactionsOptions): Promise<string | undefined> {
  const look = createPool({ ...poolSettings(options), maxConnections: 1 });
  try {
    const [found] = await query<{ member: boolean }>(
      look,
      "SELECT pg_has_role(oid, 'MEMBER') AS member FROM pg_roles WHERE rolname = $1",
      [LEDGER_ROLE],
    );
    return found?.member ? LEDGER_ROLE : undefined;
  } finally {
    await look.end();
  }
}

const openPool = (options: TransactionsOptions, role: string | undefined): Pool =>
  createPool({
    ...poolSettings(options),
    maxConnections: CONNECTIONS,
    session: { ...LEDGER_SESSION, ...actingAs(role) },
  });

const actingAs = (role: string | undefined) => (role === undefined ? {} : { role });

function openReceipts(
  options: TransactionsOptions,
  settings: ReceiptSettings,
  role: string | undefined,
  processor: Processor,
  assets: ReadonlyMap<string, Asset>,
): Receipts {
  const { registry, log } = options;
  const pool = createPool({
    ...poolSettings(options),
    maxConnections: RECEIPT_CONNECTIONS,
    session: actingAs(role),
  });
  return new Receipts({ settings, pool, submit: (entry) => processor.submit(entry), assets, registry, log });
}

/** Assets never go: what was once moved must be readable for ever. */
async function loadCatalogue(pool: Pool, assets: Map<string, Asset>, limited: Set<string>): Promise<void> {
  for (const [name, asset] of await readAssets(pool)) assets.set(name, asset);
  for (const name of await readLimited(pool)) limited.add(name);
}
