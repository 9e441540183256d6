/**
 * One pod as a process of its own, to be killed: the real transaction processor behind a TCP port on loopback. Says
 * "ready" to its parent once it takes requests, and ends with it.
 *
 * Told to halt at a crash point, it stands still there as a whole (nothing is read, written or timed) until it is
 * killed or the file that says so is removed.
 */
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { At, CrashPoint } from "../../../gameserver/transactions/crash-points.ts";
import { openTransactions, type Transactions } from "../../../gameserver/transactions/transactions.ts";
import { createLog } from "../../../platform/log.ts";
import { createRegistry } from "../../../platform/metrics.ts";
import { type Ask, lineWriter, readLines } from "./wire.ts";

const {
  POD_REDIS = "",
  POD_DATABASE = "",
  POD_SERVER = "",
  POD_LIFE = "",
  POD_PORT = "0",
  POD_HALT = "",
} = process.env;
const CLOSE_MS = 5_000;

process.on("disconnect", () => process.exit(0));
const log = createLog({ name: POD_SERVER, level: process.env["POD_LOG"] ?? "silent" });
const never = new Int32Array(new SharedArrayBuffer(4));
let halting: CrashPoint | undefined;
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
  else halting = (message as { readonly halt: CrashPoint }).halt;
});

function at(point: CrashPoint): void {
  if (point !== halting) return;
  halting = undefined;
  // ioredis writes the commands of a turn together at its end: one step later they are with Redis, and not answered.
  if (point === "append-sent") setImmediate(halt, point);
  else halt(point);
}

function halt(point: CrashPoint): void {
  writeFileSync(POD_HALT, point);
  while (existsSync(POD_HALT)) Atomics.wait(never, 0, 0, 1);
}

/** A pod that starts while PostgreSQL is away is started again by Kubernetes; here it tries again. */
async function open(): Promise<Transactions> {
  const own = { server: POD_SERVER, life: POD_LIFE, registry: createRegistry(), log, at: at satisfies At };
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
