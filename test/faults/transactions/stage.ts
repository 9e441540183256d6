/** What a test of faults plays on: stores and pods as processes of their own, and books in which players have money. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { LEDGER_MIGRATIONS } from "../../../gameserver/transactions/ledger/migrations.ts";
import { PostgresLedger } from "../../../gameserver/transactions/ledger/settle.ts";
import { openStream } from "../../../gameserver/transactions/ledger/streams.ts";
import { ASSETS, grant } from "../../../gameserver/transactions/testing/entries.ts";
import { silentLog } from "../../../platform/log.ts";
import { createPool, migrate, type Pool, query } from "../../../platform/postgres.ts";
import { type Store, startPostgres, startRedis } from "../../stores/stores.ts";
import { makePod, type Pod } from "./processes.ts";

export interface Stage {
  readonly redis: Store;
  readonly postgres: Store;
  readonly pods: readonly Pod[];
  /** Looks at the stores; may fail while they are away. */
  readonly eye: Redis;
  readonly pool: Pool;
  readonly logFile: string;
  /** What the accounts held at the start, by `account\nasset`. */
  readonly before: ReadonlyMap<string, number>;
  /** Entries that stand in all journals together. */
  journaled(): Promise<number>;
  /** Journals that a life of a pod opened. */
  streamsOf(life: string): Promise<number[]>;
  close(): Promise<void>;
}

/** Stores other than on the disk of all tests. */
export interface StageStores {
  readonly redis: () => Promise<Store>;
  /** Told the URL before anything is in it. */
  readonly preparePostgres: (url: string) => Promise<void>;
}

const PODS = 2;
/** The books of millions are read whole at the end. */
const LOOK_MS = 1_800_000;

export async function openStage(players: number, credits: number, own?: StageStores): Promise<Stage> {
  const [redis, postgres] = await Promise.all([own ? own.redis() : startRedis(), startPostgres()]);
  const log = silentLog();
  await own?.preparePostgres(postgres.url);
  await migrate(postgres.url, LEDGER_MIGRATIONS, "ledger", log);
  const pool = createPool({ url: postgres.url, name: "stage", log, statementTimeoutMs: LOOK_MS });
  const eye = new Redis(redis.url, {
    maxRetriesPerRequest: 1,
    retryStrategy: () => 20,
    maxLoadingRetryTime: 50,
  });
  eye.on("error", () => {});
  const before = await endow(pool, players, credits);
  const folder = mkdtempSync(join(tmpdir(), "gamefleet-faults-"));
  const stores = { redisUrl: redis.url, databaseUrl: postgres.url, folder };
  const names = Array.from({ length: PODS }, (_, n) => `pod-${n}`);
  const all = await Promise.all(names.map((name) => makePod(name, stores)));
  await Promise.all(all.map((pod) => pod.start()));
  return {
    redis,
    postgres,
    pods: all,
    eye,
    pool,
    logFile: join(folder, "told.ndjson"),
    before,
    async journaled() {
      const keys = await eye.keys("gf:{journal}:s:*");
      const sizes = await Promise.all(keys.map((key) => eye.xlen(key)));
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    async streamsOf(life) {
      const sql = "SELECT id::int AS id FROM ledger.stream WHERE life = $1";
      return (await query<{ id: number }>(pool, sql, [life])).map(({ id }) => id);
    },
    async close() {
      await Promise.all(all.map((pod) => pod.kill()));
      eye.disconnect();
      await pool.end();
      await Promise.all([redis.stop(), postgres.stop()]);
      rmSync(folder, { recursive: true });
    },
  };
}

/** Gives every player money, as rewards: the books know where it came from. */
async function endow(pool: Pool, players: number, credits: number): Promise<Map<string, number>> {
  for (const [asset, { kind }] of ASSETS)
    await query(pool, "INSERT INTO ledger.asset (asset, kind) VALUES ($1, $2)", [asset, kind]);
  const stream = await openStream(pool, "stage", "1");
  const ledger = new PostgresLedger({ pool, stream: () => stream, assets: () => ASSETS });
  const grants = Array.from({ length: players }, (_, n) => grant(credits, { player: `p${n}` }));
  for (let from = 0; from < players; from += 256) await ledger.settle(grants.slice(from, from + 256));
  return new Map(grants.map(({ player }) => [`player:${player}\ncredits`, credits]));
}
