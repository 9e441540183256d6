/** Books of a size, written by the ledger itself: what the verifier reads is what purchases leave behind. */
import pg from "pg";
import { LEDGER_MIGRATIONS } from "../../../gameserver/transactions/ledger/migrations.ts";
import { LEDGER_SESSION, PostgresLedger } from "../../../gameserver/transactions/ledger/settle.ts";
import { entryOf } from "../../../gameserver/transactions/request.ts";
import type { Victim } from "../../../gameserver/transactions/testing/corruptions.ts";
import { uuidv7 } from "../../../platform/ids.ts";
import { silentLog } from "../../../platform/log.ts";
import { createPool, migrate, type Pool, query } from "../../../platform/postgres.ts";
import { startPostgres, startRedis } from "../../stores/stores.ts";

export const PLAYERS = 50_000;
const ASSETS = new Map([
  ["credits", { kind: "currency" }],
  ["hull-plate", { kind: "item" }],
] as const);
const BATCH = 256;
/** Rows that a purchase leaves: itself and two lines. */
const ROWS_EACH = 3;

export interface World {
  readonly redisUrl: string;
  readonly databaseUrl: string;
  readonly pool: Pool;
  /** Settles purchases until so many rows were written. */
  write(rows: number): Promise<void>;
  /** Purchases of players that buy nothing else. */
  victims(count: number): Promise<Victim[]>;
  stop(): Promise<void>;
}

const context = () => ({ nowMs: Date.now(), trace: "bench", assets: ASSETS, limited: new Set<string>() });
const reward = (player: string) =>
  entryOf(
    {
      kind: "reward",
      player,
      reward: "start",
      season: "",
      goods: [{ asset: "credits", amount: 1_000_000_000 }],
    },
    context(),
  );
const purchase = (player: string) =>
  entryOf(
    {
      kind: "purchase",
      id: uuidv7(),
      player,
      price: [{ asset: "credits", amount: 10 }],
      goods: [{ asset: "hull-plate", amount: 1 }],
      validForSeconds: 3_600,
    },
    context(),
  );

export async function openWorld(): Promise<World> {
  const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
  await migrate(postgres.url, LEDGER_MIGRATIONS, "ledger", silentLog());
  const pool = createPool({
    url: postgres.url,
    name: "bench",
    log: silentLog(),
    session: LEDGER_SESSION,
    statementTimeoutMs: 60_000,
  });
  for (const [asset, { kind }] of ASSETS) {
    await query(pool, "INSERT INTO ledger.asset VALUES ($1, $2)", [asset, kind]);
  }
  const [stream] = await query<{ id: number }>(
    pool,
    "INSERT INTO ledger.stream (server, life) VALUES ('bench/a', 'bench') RETURNING id::int AS id",
  );
  const ledger = new PostgresLedger({ pool, stream: () => stream?.id ?? 0, assets: () => ASSETS });
  const settle = async (count: number, make: (index: number) => ReturnType<typeof purchase>) => {
    for (let at = 0; at < count; at += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, count - at) }, (_, index) => make(at + index));
      for (const { status } of await ledger.settle(batch))
        if (status !== "settled") throw new Error(`told ${status}`);
    }
  };
  await settle(PLAYERS, (index) => reward(`p${index}`));
  return {
    redisUrl: redis.url,
    databaseUrl: postgres.url,
    pool,
    write: (rows) =>
      settle(Math.ceil(rows / ROWS_EACH), () => purchase(`p${Math.floor(Math.random() * PLAYERS)}`)),
    async victims(count) {
      await settle(count, (index) => reward(`victim${index}`));
      const purchases = Array.from({ length: count }, (_, index) => purchase(`victim${index}`));
      await settle(count, (index) => purchases[index] as (typeof purchases)[number]);
      return purchases.map(({ id, player }) => ({ id, player }));
    },
    async stop() {
      await pool.end();
      await Promise.all([redis.stop(), postgres.stop()]);
    },
  };
}

/** Rows in the books. */
export async function rowsIn(pool: Pool): Promise<number> {
  const [row] = await query<{ n: string }>(
    pool,
    "SELECT (SELECT count(*) FROM ledger.transaction) + (SELECT count(*) FROM ledger.transfer) AS n",
  );
  return Number(row?.n);
}

/** A connection as the superuser, for what only they can spoil. */
export async function superuser<T>(databaseUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
