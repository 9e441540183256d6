/** The sides of the bench: each takes one purchase and resolves when it is durably done. */
import { DBOS } from "@dbos-inc/dbos-sdk";
import { Queue, Worker } from "bullmq";
import { makeWorkerUtils, run as runGraphile } from "graphile-worker";
import { Redis } from "ioredis";
import pg from "pg";
import PgBoss from "pg-boss";
import { realClock } from "../../../gameserver/transactions/clock.ts";
import type { Asset } from "../../../gameserver/transactions/decide.ts";
import {
  LEDGER_SESSION,
  mayRunAgain,
  PostgresLedger,
} from "../../../gameserver/transactions/ledger/settle.ts";
import { Processor } from "../../../gameserver/transactions/processor.ts";
import { entryOf } from "../../../gameserver/transactions/request.ts";
import { openTransactions } from "../../../gameserver/transactions/transactions.ts";
import { uuidv7 } from "../../../platform/ids.ts";
import { silentLog } from "../../../platform/log.ts";
import { createRegistry } from "../../../platform/metrics.ts";
import { createPool, query } from "../../../platform/postgres.ts";
import type { World } from "./world.ts";

const PRICE = 1;

export interface Side {
  buy(player: string): Promise<void>;
  close(): Promise<void>;
}

/** Our processor, whole: journal, settle, answer. */
export async function ours(world: World): Promise<Side> {
  const transactions = await openTransactions({
    ...world,
    server: "bench/a",
    life: "bench",
    registry: createRegistry(),
    log: silentLog(),
    // The wallets of this world come from nowhere, and what verifying costs is measured by the bench ledger-verify.
    verify: false,
  });
  const stop = new AbortController();
  const running = transactions.run(stop.signal);
  const { assets, limited, processor } = transactions;
  return {
    buy: buyer(processor, assets, limited),
    async close() {
      stop.abort();
      await transactions.close(5_000);
      await running;
    },
  };
}

/** Our settle without the journal: what the journal costs is the difference. */
export async function settleAlone(world: World): Promise<Side> {
  const log = silentLog();
  const pool = createPool({ url: world.databaseUrl, name: "alone", log, session: LEDGER_SESSION });
  const [row] = await query<{ id: number }>(
    pool,
    "INSERT INTO ledger.stream (server, life) VALUES ('bench/alone', 'bench') RETURNING id::int AS id",
  );
  const assets = new Map([
    ["credits", { kind: "currency" as const }],
    ["hull-plate", { kind: "item" as const }],
  ]);
  const none = () => {};
  const observer = {
    answered: none,
    settled: none,
    quarantined: none,
    delayed: none,
    swept: none,
    unreadable: none,
  };
  const stores = {
    journal: () => undefined,
    ledger: new PostgresLedger({ pool, stream: () => row?.id ?? 0, assets: () => assets }),
    journaling: <T>(work: () => Promise<T>) => work(),
    settling: <T>(work: () => Promise<T>) => work(),
    journalAway: true,
    settleAway: false,
    journalShare: undefined,
    mayRunAgain,
    fenced: none,
  };
  const processor = new Processor(stores, observer, realClock);
  return { buy: buyer(processor, assets), close: () => pool.end() };
}

/** One plate for one credit, asked for until it is settled: refused at the door is asked again, as a client does. */
function buyer(
  processor: Processor,
  assets: ReadonlyMap<string, Asset>,
  limited: ReadonlySet<string> = new Set(),
) {
  const lot = (asset: string) => [{ asset, amount: PRICE }];
  return async (player: string): Promise<void> => {
    const nowMs = Date.now();
    const request = {
      kind: "purchase" as const,
      id: uuidv7(nowMs),
      player,
      price: lot("credits"),
      goods: lot("hull-plate"),
      validForSeconds: 60,
    };
    const entry = entryOf(request, { nowMs, trace: "bench", assets, limited });
    for (;;) {
      const answer = await processor.submit(entry);
      if (answer.status === "settled") return;
      if (answer.status !== "refused" && answer.status !== "pending")
        throw new Error(`told ${answer.status}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
}

const poolOf = (world: World, max: number) => new pg.Pool({ connectionString: world.databaseUrl, max });
const BUY = { name: "buy", text: "SELECT bench.buy($1, $2, $3)" };

/** One statement a purchase, committed by itself. */
export async function direct(world: World, connections = 8): Promise<Side> {
  const pool = poolOf(world, connections);
  return {
    buy: async (player) => void (await pool.query({ ...BUY, values: [uuidv7(), player, PRICE] })),
    close: () => pool.end(),
  };
}

/** Resolves callers when a worker in this process has done their job. */
class Waiting {
  readonly #waiting = new Map<string, () => void>();

  for(id: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  done(id: string): void {
    this.#waiting.get(id)?.();
    this.#waiting.delete(id);
  }
}

interface Job {
  readonly id: string;
  readonly player: string;
}

export async function bullmq(world: World): Promise<Side> {
  const pool = poolOf(world, 16);
  const waiting = new Waiting();
  const connection = () => new Redis(world.redisUrl, { maxRetriesPerRequest: null });
  const [forQueue, forWorker] = [connection(), connection()];
  const queue = new Queue<Job>("bench", {
    connection: forQueue,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: 100 },
  });
  const worker = new Worker<Job>(
    "bench",
    async ({ data }) => {
      await pool.query({ ...BUY, values: [data.id, data.player, PRICE] });
      waiting.done(data.id);
    },
    { connection: forWorker, concurrency: 64 },
  );
  await worker.waitUntilReady();
  return {
    async buy(player) {
      const id = uuidv7();
      const done = waiting.for(id);
      await queue.add("buy", { id, player }, { jobId: id });
      await done;
    },
    async close() {
      await worker.close(true);
      await queue.close();
      forQueue.disconnect();
      forWorker.disconnect();
      await pool.end();
    },
  };
}

export async function graphile(world: World): Promise<Side> {
  const pool = poolOf(world, 24);
  const waiting = new Waiting();
  const utils = await makeWorkerUtils({ pgPool: pool });
  await utils.migrate();
  const runner = await runGraphile({
    pgPool: pool,
    concurrency: 16,
    pollInterval: 50,
    noHandleSignals: true,
    logger: quietLogger() as never,
    preset: { worker: { localQueue: { size: 64 } } } as never,
    taskList: {
      buy: async (payload) => {
        const { id, player } = payload as Job;
        await pool.query({ ...BUY, values: [id, player, PRICE] });
        waiting.done(id);
      },
    },
  });
  return {
    async buy(player) {
      const id = uuidv7();
      const done = waiting.for(id);
      await utils.addJob("buy", { id, player });
      await done;
    },
    async close() {
      await runner.stop();
      await utils.release();
      await pool.end();
    },
  };
}

export async function pgBoss(world: World): Promise<Side> {
  const pool = poolOf(world, 16);
  const waiting = new Waiting();
  const boss = new PgBoss({
    connectionString: world.databaseUrl,
    max: 12,
    supervise: false,
    schedule: false,
  });
  boss.on("error", () => {});
  await boss.start();
  await boss.createQueue("buy");
  for (let n = 0; n < 4; n++) {
    await boss.work<Job>("buy", { batchSize: 256, pollingIntervalSeconds: 0.5 }, async (jobs) => {
      await Promise.all(
        jobs.map(async ({ data }) => {
          await pool.query({ ...BUY, values: [data.id, data.player, PRICE] });
          waiting.done(data.id);
        }),
      );
    });
  }
  return {
    async buy(player) {
      const id = uuidv7();
      const done = waiting.for(id);
      await boss.send("buy", { id, player });
      await done;
    },
    async close() {
      await boss.stop({ graceful: false, wait: false });
      await pool.end();
    },
  };
}

export async function dbos(world: World): Promise<Side> {
  const pool = poolOf(world, 16);
  DBOS.setConfig({
    name: "bench",
    systemDatabaseUrl: world.databaseUrl.replace(/\/[^/]*$/, "/postgres_dbos_sys"),
    logLevel: "error",
    runAdminServer: false,
  });
  const step = async (id: string, player: string) =>
    void (await pool.query({ ...BUY, values: [id, player, PRICE] }));
  const workflow = DBOS.registerWorkflow(
    async (id: string, player: string) => {
      await DBOS.runStep(() => step(id, player), { name: "buy" });
    },
    { name: "buy" },
  );
  await DBOS.launch();
  return {
    async buy(player) {
      const id = uuidv7();
      const handle = await DBOS.startWorkflow(workflow, { workflowID: id })(id, player);
      await handle.getResult();
    },
    async close() {
      await DBOS.shutdown();
      await pool.end();
    },
  };
}

/** How many commits of one row the disk groups in a second: the ceiling of one row a commit. */
export async function groupCommit(world: World, connections = 16): Promise<Side> {
  const pool = poolOf(world, connections);
  let next = 0;
  return {
    buy: async () =>
      void (await pool.query({
        name: "tick",
        text: "UPDATE bench.tick SET n = n + 1 WHERE id = $1",
        values: [(next++ % 64) + 1],
      })),
    close: () => pool.end(),
  };
}

const quietLogger = () => {
  const none = () => {};
  const logger = { error: none, warn: none, info: none, debug: none, scope: () => logger };
  return logger;
};
