/**
 * One pod as a process of its own, to be killed: the real transaction processor behind a TCP port on loopback. Says
 * "ready" to its parent once it takes requests, and ends with it.
 */
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { openTransactions, type Transactions } from "../../../gameserver/transactions/transactions.ts";
import { createLog } from "../../../platform/log.ts";
import { createRegistry } from "../../../platform/metrics.ts";
import { type Ask, lineWriter, readLines } from "./wire.ts";

const { POD_REDIS = "", POD_DATABASE = "", POD_SERVER = "", POD_LIFE = "", POD_PORT = "0" } = process.env;
const CLOSE_MS = 5_000;

process.on("disconnect", () => process.exit(0));
const log = createLog({ name: POD_SERVER, level: process.env["POD_LOG"] ?? "silent" });
const transactions = await open();
const stop = new AbortController();
const running = transactions.run(stop.signal);
const server = createServer({ noDelay: true }, (socket) => {
  const say = lineWriter(socket);
  socket.on("error", () => {});
  readLines(socket, (line) => {
    const [n, entry] = JSON.parse(line) as Ask;
    void transactions.processor.submit(entry).then((answer) => say(JSON.stringify([n, answer])));
  });
});
server.listen(Number(POD_PORT), "127.0.0.1", () => process.send?.("ready"));
process.on("message", (message) => {
  if (message === "stop") void end();
});

/** A pod that starts while PostgreSQL is away is started again by Kubernetes; here it tries again. */
async function open(): Promise<Transactions> {
  const own = { server: POD_SERVER, life: POD_LIFE, registry: createRegistry(), log };
  for (;;) {
    try {
      return await openTransactions({ ...own, redisUrl: POD_REDIS, databaseUrl: POD_DATABASE });
    } catch {
      own.registry = createRegistry();
      await sleep(50);
    }
  }
}

async function end(): Promise<void> {
  server.close();
  stop.abort();
  await running;
  await transactions.close(CLOSE_MS);
  process.exit(0);
}
