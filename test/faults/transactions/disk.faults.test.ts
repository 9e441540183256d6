/**
 * Disks that are full, and disks that take long. What is accepted meanwhile is settled once there is room again; nothing
 * is lost, done twice, or set aside for a person although nothing was wrong with it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { query } from "../../../platform/postgres.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { startRedis } from "../../stores/stores.ts";
import { audit, readLog } from "./audit.ts";
import { startCaller } from "./processes.ts";
import { openSmallDisk } from "./small-disk.ts";
import { openStage, type Stage } from "./stage.ts";

const SEED = Number(process.env["GAMEFLEET_SEED"] ?? Date.now() % 1_000_000);
const PLAYERS = 200;
const CREDITS = 2_000;
const RATE = 200;
const FULL_MS = 3_000;
const disks = { redis: openSmallDisk(64), postgres: openSmallDisk(64) };
const { redis: redisDisk, postgres: postgresDisk } = disks;
const mayMount = redisDisk !== undefined && postgresDisk !== undefined;
let stage: Stage;

beforeAll(async () => {
  if (!mayMount) return;
  stage = await openStage(PLAYERS, CREDITS, {
    redis: () => startRedis(redisDisk.folder("redis", "root")),
    async preparePostgres(url) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      // The ledger alone on the small disk: without room for its log PostgreSQL would end, which a kill shows as well.
      const folder = postgresDisk.folder("ledger", "postgres");
      await client.query(`CREATE TABLESPACE small LOCATION '${folder}'`);
      await client.query("ALTER DATABASE postgres SET default_tablespace = 'small'");
      await client.end();
    },
  });
  // Where entries are set aside there is room: one that is not at fault would end there.
  await query(stage.pool, "ALTER TABLE ledger.quarantine SET TABLESPACE pg_default");
  await query(stage.pool, "ALTER INDEX ledger.quarantine_pkey SET TABLESPACE pg_default");
});
afterAll(async () => {
  await stage?.close();
  redisDisk?.remove();
  postgresDisk?.remove();
});

/** Players buy while `fault` is on; then the books are held against what they were told. */
async function during(fault: () => Promise<void>): Promise<Map<string, number>> {
  console.log(`GAMEFLEET_SEED=${SEED}`);
  const before = await wallets();
  const logFile = `${stage.logFile}.${Date.now()}`;
  const ports = stage.pods.map((pod) => pod.port);
  const caller = await startCaller({ ports, rate: RATE, players: PLAYERS, seed: SEED, logFile });
  await sleep(500);
  await fault();
  await sleep(500);
  const summary = await caller.finish();
  await eventually(async () => (await stage.journaled()) === 0, "all journals empty");
  expect(await audit(stage.pool, logFile, summary, before)).toEqual({
    lost: 0,
    doubled: 0,
    imbalance: undefined,
  });
  expect(await query(stage.pool, "SELECT id, error FROM ledger.quarantine")).toEqual([]);
  const words = new Map<string, number>();
  for await (const { status, pending } of readLog(logFile))
    for (const word of pending > 0 ? [status, "pending"] : [status])
      words.set(word, (words.get(word) ?? 0) + 1);
  expect([...words.keys()].filter((word) => !["settled", "declined", "pending"].includes(word))).toEqual([]);
  return words;
}

async function wallets(): Promise<Map<string, number>> {
  const sql = "SELECT account, asset, balance FROM ledger.wallet WHERE account LIKE 'player:%'";
  const rows = await query<{ account: string; asset: string; balance: string }>(stage.pool, sql);
  return new Map(rows.map(({ account, asset, balance }) => [`${account}\n${asset}`, Number(balance)]));
}

it.skipIf(!mayMount)(
  "no room for PostgreSQL's tables: purchases wait in the journal, none is set aside",
  async () => {
    const words = await during(async () => {
      postgresDisk?.fill(0);
      await sleep(FULL_MS);
      postgresDisk?.free();
    });
    // It was full: some had to wait.
    expect(words.get("pending") ?? 0).toBeGreaterThan(0);
    expect(words.get("settled") ?? 0).toBeGreaterThan(RATE);
  },
);

it.skipIf(!mayMount)(
  "no room for Redis' log: it ends rather than lie, and purchases are settled without it",
  async () => {
    let ended = false;
    const words = await during(async () => {
      redisDisk?.fill(0);
      await sleep(FULL_MS);
      ended = await stage.eye.ping().then(
        () => false,
        () => true,
      );
      redisDisk?.free();
      await stage.redis.kill();
      await stage.redis.start();
    });
    expect(ended).toBe(true);
    expect(words.get("settled") ?? 0).toBeGreaterThan(RATE);
  },
);

it.skipIf(!mayMount)("a disk that takes long: Redis stands still in its fsync, again and again", async () => {
  const words = await during(async () => {
    for (let n = 0; n < 8; n++) {
      process.kill(stage.redis.pid, "SIGSTOP");
      await sleep(350);
      process.kill(stage.redis.pid, "SIGCONT");
      await sleep(100);
    }
  });
  expect(words.get("settled") ?? 0).toBeGreaterThan(RATE);
});
