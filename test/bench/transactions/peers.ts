/** What one would use instead: a statement for each purchase, four queues, and the disk's own ceiling. */
import { DBOS } from "@dbos-inc/dbos-sdk";
import { Queue, Worker } from "bullmq";
import { makeWorkerUtils, run as runGraphile } from "graphile-worker";
import { Redis } from "ioredis";
import pg from "pg";
import PgBoss from "pg-boss";
import { uuidv7 } from "../../../platform/ids.ts";
import { PRICE, type Side } from "./side.ts";
import type { World } from "./world.ts";

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
