/**
 * One allocator process with real Redis and PostgreSQL against bare fastify with the same JSON: interleaved rounds,
 * then an open loop at 2,000 allocations a second. Checks that no ticket is given twice and no zone is overfilled.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { Pool } from "pg";
import { silentLog } from "../../../platform/log.ts";
import { MIGRATIONS } from "../../../platform/ownership/migrations.ts";
import { migrate } from "../../../platform/postgres.ts";
import { RESERVATION_MS } from "../../../protocol/directory.ts";
import { startPostgres, startRedis } from "../../stores/stores.ts";
import { type Bench, cpuSecondsOf, median } from "../harness.ts";
import { closedLoop, openLoop, type Taken } from "./load.ts";
import { makeWorld, report } from "./world.ts";

const TOKEN = "bench-token-of-sixteen-or-more";
const SERVERS = 100;
const ZONE_SESSIONS = 50;
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

interface Running {
  readonly url: string;
  readonly child: ChildProcess;
}

/** Starts a program that prints its URL, bare or as the field `url` of a log line. */
async function startProgram(args: readonly string[], env: Record<string, string>): Promise<Running> {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout as NonNullable<ChildProcess["stdout"]> })) {
    if (line.startsWith("http")) return { url: line, child };
    const url = line.startsWith("{") ? (JSON.parse(line) as { url?: string }).url : undefined;
    if (url) {
      child.stdout?.resume();
      return { url, child };
    }
  }
  throw new Error(`${args.join(" ")} ended before it listened`);
}

async function readyAt(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the allocator did not become ready");
}

/** Most seats of one zone held at once: a seat counts for the time it is reserved. */
function overfilled(taken: readonly Taken[]): number {
  const byZone = new Map<string, number[]>();
  for (const { zone, atMs } of taken) {
    const times = byZone.get(zone) ?? [];
    times.push(atMs);
    byZone.set(zone, times);
  }
  let zones = 0;
  // Answers reach us a little after the seat was taken: the window is narrower than the reservation by that.
  const window = RESERVATION_MS - 500;
  for (const times of byZone.values()) {
    times.sort((a, b) => a - b);
    let from = 0;
    let most = 0;
    for (let to = 0; to < times.length; to++) {
      while ((times[to] ?? 0) - (times[from] ?? 0) >= window) from += 1;
      most = Math.max(most, to - from + 1);
    }
    if (most > ZONE_SESSIONS) zones += 1;
  }
  return zones;
}

export const bench: Bench = async ({ quick, say }) => {
  const [redisStore, postgresStore] = await Promise.all([startRedis(), startPostgres()]);
  const redis = new Redis(redisStore.url);
  const pool = new Pool({ connectionString: postgresStore.url, max: 2 });
  const tokens = mkdtempSync(join(tmpdir(), "gamefleet-bench-"));
  writeFileSync(join(tokens, "bench"), TOKEN);
  const world = { redis, pool, servers: SERVERS, sessionsPerServer: 5_000, sessionsPerZone: ZONE_SESSIONS };
  const children: ChildProcess[] = [];
  let reporter: NodeJS.Timeout | undefined;
  try {
    await migrate(postgresStore.url, MIGRATIONS, "ownership", silentLog());
    await makeWorld(world);
    await report(world);
    reporter = setInterval(() => void report(world), 1_000);
    const ours = await startProgram(["operator/main.ts", "--role", "allocator"], {
      GAMEFLEET_REDIS_URL: redisStore.url,
      GAMEFLEET_DATABASE_URL: postgresStore.url,
      GAMEFLEET_SERVICE_TOKENS_DIR: tokens,
      GAMEFLEET_ALLOCATOR_HOST: "127.0.0.1",
      GAMEFLEET_ALLOCATOR_PORT: "0",
      GAMEFLEET_RATE_PER_CALLER: "1000000",
    });
    children.push(ours.child);
    await readyAt(ours.url);
    const bare = await startProgram(["test/bench/allocator/bare.ts"], {});
    children.push(bare.child);

    const taken: Taken[] = [];
    const onAnswer = (one: Taken) => taken.push(one);
    const onRefusal = say;
    const seconds = quick ? 6 : 15;
    const rounds = quick ? 3 : 5;
    await closedLoop({ url: ours.url, token: TOKEN, seconds: 3, onAnswer, onRefusal });
    await closedLoop({ url: bare.url, token: TOKEN, seconds: 2 });
    const rates: { ours: number[]; bare: number[] } = { ours: [], bare: [] };
    let failed = 0;
    let cpu = 0;
    for (let round = 1; round <= rounds; round++) {
      const cpuBefore = cpuSecondsOf(ours.child.pid ?? 0);
      const mine = await closedLoop({ url: ours.url, token: TOKEN, seconds, onAnswer, onRefusal });
      cpu += cpuSecondsOf(ours.child.pid ?? 0) - cpuBefore;
      const floor = await closedLoop({ url: bare.url, token: TOKEN, seconds });
      rates.ours.push(mine.perSecond);
      rates.bare.push(floor.perSecond);
      failed += mine.failed;
      say(
        `round ${round}/${rounds}: ${mine.perSecond.toFixed(0)}/s, bare fastify ${floor.perSecond.toFixed(0)}/s`,
      );
    }
    const calm = { url: ours.url, token: TOKEN, seconds: quick ? 10 : 30, onAnswer, onRefusal };
    const open = await openLoop(calm, 2_000);
    say(`open loop 2,000/s: p50 ${open.p50.toFixed(1)} ms, p99 ${open.p99.toFixed(1)} ms`);
    const tickets = new Set(taken.map((one) => one.ticket));
    return {
      ratios: { vsBareFastify: median(rates.ours.map((rate, index) => rate / (rates.bare[index] ?? 1))) },
      figures: {
        allocationsPerSecond: Math.round(median(rates.ours)),
        barePerSecond: Math.round(median(rates.bare)),
        allocatorCpuShare: Number((cpu / (rounds * seconds)).toFixed(2)),
        p50MsAt2000: Number(open.p50.toFixed(2)),
        p99MsAt2000: Number(open.p99.toFixed(2)),
        allocations: taken.length,
        refused: failed + open.failed,
        ticketsGivenTwice: taken.length - tickets.size,
        zonesOverCapacity: overfilled(taken),
        servers: SERVERS,
      },
    };
  } finally {
    clearInterval(reporter);
    for (const child of children) child.kill("SIGTERM");
    redis.disconnect();
    await pool.end().catch(() => {});
    await Promise.all([redisStore.stop(), postgresStore.stop()]);
    rmSync(tokens, { recursive: true, force: true });
  }
};
