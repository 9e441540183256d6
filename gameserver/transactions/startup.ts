/**
 * Whether the stores keep the promise that "accepted" means. Looked at once at the start: a store that answers before
 * it is on disk, or that forgets when it is full, would lose purchases in silence.
 */
import { messageOf } from "../../platform/errors.ts";
import { type Pool, query } from "../../platform/postgres.ts";
import type { Redis } from "../../platform/redis.ts";

/** What is wrong with a store's settings, each with the setting to change. Empty when all is well. */
export type Problems = readonly string[];

const REDIS_SETTINGS = [
  "appendonly",
  "appendfsync",
  "maxmemory-policy",
  "no-appendfsync-on-rewrite",
] as const;
const REDIS_WANTED: Readonly<Record<(typeof REDIS_SETTINGS)[number], string>> = {
  appendonly: "yes",
  // With everysec a killed process loses what the disk had not taken: half of it on a slow disk (measured).
  appendfsync: "always",
  "maxmemory-policy": "noeviction",
  "no-appendfsync-on-rewrite": "no",
};

/** Settings of Redis without which the journal may lose what it accepted. Rejects when Redis is away. */
export async function redisProblems(redis: Redis): Promise<Problems> {
  const problems: string[] = [];
  for (const name of REDIS_SETTINGS) {
    let value: string | undefined;
    try {
      [, value] = (await redis.config("GET", name)) as [string, string?];
    } catch (error) {
      if (!/NOPERM|unknown command/i.test(messageOf(error))) throw error;
      problems.push(`redis ${name}: cannot be read (${messageOf(error)}); allow CONFIG GET`);
      continue;
    }
    if (value !== REDIS_WANTED[name])
      problems.push(`redis ${name}: is ${value}, must be ${REDIS_WANTED[name]}`);
  }
  return problems;
}

/** Settings of PostgreSQL without which a commit may be lost. Rejects when PostgreSQL is away. */
export async function postgresProblems(pool: Pool): Promise<Problems> {
  const rows = await query<{ name: string; setting: string }>(
    pool,
    "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')",
  );
  const problems = rows
    .filter(({ setting }) => setting === "off")
    .map(({ name }) => `postgresql ${name}: is off, must be on`);
  const [rights] = await query<{ changes: boolean }>(
    pool,
    "SELECT has_table_privilege('ledger.transfer', 'UPDATE') OR has_table_privilege('ledger.transfer', 'DELETE') AS changes",
  );
  if (rights?.changes) {
    problems.push(
      "postgresql role: may change the ledger; let the migrating user create the role gamefleet_ledger, or create it",
    );
  }
  return problems;
}

/** Memory that Redis uses of what it may, 0 … 1; undefined when it has no limit. */
export async function memoryShare(redis: Redis): Promise<number | undefined> {
  const info = await redis.info("memory");
  const figure = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1]);
  const most = figure("maxmemory");
  return most > 0 ? figure("used_memory") / most : undefined;
}
