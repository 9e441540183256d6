/** An outage of PostgreSQL under steady load: how fast what gathered in the journals is settled once it is back. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { query } from "../../../platform/postgres.ts";
import { type Audit, audit } from "../../faults/transactions/audit.ts";
import { startCaller } from "../../faults/transactions/processes.ts";
import type { Stage } from "../../faults/transactions/stage.ts";

export interface DrainOptions {
  readonly players: number;
  readonly seed: number;
  /** Requests a second. */
  readonly rate: number;
  readonly outageMs: number;
}

export interface Drain extends Audit {
  /** Entries in the books of all the phase. */
  readonly accepted: number;
  /** Entries that waited when PostgreSQL took connections again. */
  readonly backlog: number;
  /** From then until the last of them was settled. */
  readonly seconds: number;
  /** Settled a second in that time, what arrived meanwhile included, by the rate of arrival. */
  readonly vsArrival: number;
}

const LEAD_MS = 1_500;
const AFTER_MS = 3_000;
const DRAINED_MS = 60_000;

export async function drainAfterOutage(stage: Stage, options: DrainOptions): Promise<Drain> {
  const { rate, players, seed, outageMs } = options;
  const ports = stage.pods.map((pod) => pod.port);
  const logFile = `${stage.logFile}.drain`;
  const from = Date.now();
  // Nobody asks again after "pending": what is measured is the drain, not the questions.
  const caller = await startCaller({ ports, rate, players, seed: seed + 1, logFile, askAgain: false });
  try {
    await sleep(LEAD_MS);
    await stage.postgres.kill();
    await sleep(outageMs);
    const starting = stage.postgres.start();
    const up = await connected(stage.postgres.url);
    await starting;
    await sleep(AFTER_MS);
    const summary = await caller.finish();
    const end = Date.now() + DRAINED_MS;
    while ((await stage.journaled()) > 0 && Date.now() < end) await sleep(50);
    const books = await audit(stage.pool, logFile, summary, new Map());
    return { ...books, ...(await measured(stage, from, up, rate)) };
  } finally {
    caller.kill();
  }
}

async function measured(stage: Stage, from: number, up: number, rate: number) {
  const [row] = await query<{ backlog: number; until: number }>(
    stage.pool,
    `SELECT count(*)::int AS backlog, (extract(epoch FROM max(settled_at)) * 1000)::float8 AS until
     FROM ledger.transaction WHERE accepted_at >= to_timestamp($1 / 1000.0)
       AND accepted_at < to_timestamp($2 / 1000.0) AND settled_at >= to_timestamp($2 / 1000.0)`,
    [from, up],
  );
  const { backlog, until } = row as { backlog: number; until: number };
  const [sums] = await query<{ accepted: number; drained: number }>(
    stage.pool,
    `SELECT count(*)::int AS accepted, (count(*) FILTER (WHERE settled_at >= to_timestamp($2 / 1000.0)
       AND settled_at <= to_timestamp($3 / 1000.0)))::int AS drained
     FROM ledger.transaction WHERE accepted_at >= to_timestamp($1 / 1000.0)`,
    [from, up, until],
  );
  const { accepted, drained } = sums as { accepted: number; drained: number };
  const seconds = (until - up) / 1_000;
  return { accepted, backlog, seconds, vsArrival: drained / seconds / rate };
}

/** Unix ms at which PostgreSQL took a connection again. */
async function connected(url: string): Promise<number> {
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    client.on("error", () => {});
    try {
      await client.connect();
      return Date.now();
    } catch {
      await sleep(10);
    } finally {
      await client.end().catch(() => {});
    }
  }
}
