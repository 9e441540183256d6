/**
 * A pod that is paused (SIGSTOP) past its lease and wakes again: it was taken over meanwhile, so nothing of what it
 * still held may be written by it. GAMEFLEET_PAUSES says how many pauses.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { query } from "../../../platform/postgres.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { audit } from "./audit.ts";
import { startCaller } from "./processes.ts";
import { openStage, type Stage } from "./stage.ts";

const PAUSES = Number(process.env["GAMEFLEET_PAUSES"] ?? 4);
const SEED = Number(process.env["GAMEFLEET_SEED"] ?? Date.now() % 1_000_000);
const PLAYERS = 200;
const RATE = 150;
let stage: Stage;

beforeAll(async () => {
  stage = await openStage(PLAYERS, 200);
});
afterAll(() => stage.close());

it(
  "writes nothing any more once it was taken over",
  async () => {
    console.log(`leader pauses: GAMEFLEET_SEED=${SEED}, ${PAUSES} pauses`);
    const { logFile, pods, pool } = stage;
    const ports = pods.map((pod) => pod.port);
    const caller = await startCaller({ ports, rate: RATE, players: PLAYERS, seed: SEED, logFile });
    for (let n = 0; n < PAUSES; n++) {
      await sleep(500);
      const pod = pods[n % pods.length] as (typeof pods)[number];
      const streams = await stage.streamsOf(pod.life);
      pod.signal("SIGSTOP");
      await eventually(async () => (await closedBy(streams)).every((by) => by !== null), "a takeover");
      // By the other pod, or by itself in an earlier pause: never by a pod that is stopped now.
      expect((await closedBy(streams)).at(-1)).not.toBe(`default/pod-${n % pods.length}`);
      pod.signal("SIGCONT");
      await eventually(
        async () => (await stage.streamsOf(pod.life)).length > streams.length,
        "a new journal",
      );
    }
    const summary = await caller.finish();
    await eventually(async () => (await stage.journaled()) === 0, "all journals empty");
    expect(await audit(pool, logFile, summary, stage.before)).toEqual({
      lost: 0,
      doubled: 0,
      imbalance: undefined,
    });
    expect(await staleWrites()).toBe(0);
    expect(summary.asked).toBeGreaterThan(PAUSES * RATE);
  },
  60_000 + PAUSES * 10_000,
);

async function closedBy(streams: readonly number[]): Promise<(string | null)[]> {
  const sql = "SELECT closed_by FROM ledger.stream WHERE id = ANY ($1) ORDER BY id";
  return (await query<{ closed_by: string | null }>(stage.pool, sql, [streams])).map((row) => row.closed_by);
}

/**
 * Transactions that were begun under a journal after another had taken it over. Where the owner closed it itself, its
 * other lane may begin one between the close's beginning (its timestamp) and its lock: that is no harm.
 */
async function staleWrites(): Promise<number> {
  const sql = `SELECT count(*)::int AS n FROM ledger.transaction t JOIN ledger.stream s ON s.id = t.stream
    WHERE t.settled_at > s.closed_at AND s.closed_by <> 'its owner'`;
  return (await query<{ n: number }>(stage.pool, sql))[0]?.n ?? Number.NaN;
}
