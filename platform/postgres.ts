/**
 * PostgreSQL: pool, transactions, migrations.
 *
 * A client on which anything failed is destroyed, never put back: node-postgres keeps a client whose query
 * timed out half-open and poisons later queries.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client as PgClient, Pool as PgPool, type PoolClient, type QueryResultRow } from "pg";
import { fail } from "./errors.ts";
import { sha256 } from "./ids.ts";
import type { Log } from "./log.ts";

export type Pool = PgPool;
export type Client = PoolClient;

export interface PostgresSettings {
  readonly url: string;
  readonly name: string;
  readonly log: Log;
  readonly maxConnections?: number;
  /** Settings of each session, such as `role` (act with fewer rights than the user who logs in). */
  readonly session?: Readonly<Record<string, string>>;
  /** Longest run of one statement on the server, ms. Default 1,500. */
  readonly statementTimeoutMs?: number;
}

export function createPool(settings: PostgresSettings): Pool {
  const statement = settings.statementTimeoutMs ?? 1_500;
  const session = Object.entries(settings.session ?? {}).map(([name, value]) => `-c ${name}=${value}`);
  const pool = new PgPool({
    connectionString: settings.url,
    application_name: settings.name,
    ...(session.length > 0 ? { options: session.join(" ") } : {}),
    max: settings.maxConnections ?? 4,
    connectionTimeoutMillis: 2_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: statement,
    lock_timeout: Math.floor(statement * 0.8),
    idle_in_transaction_session_timeout: statement * 2,
    // The client's own limit is the last resort when the network is a black hole.
    query_timeout: statement + 500,
    keepAlive: true,
  });
  // A client that loses its server says so by an event besides failing its query; unheard, it would end the process.
  pool.on("connect", (client) => client.on("error", () => {}));
  pool.on("error", (err) =>
    settings.log.warn({ err: { message: err.message }, store: "postgres" }, "store away"),
  );
  return pool;
}

/** Runs `work` on one client; the client is destroyed when anything throws. */
export async function withClient<T>(pool: Pool, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    return await work(client);
  } catch (error) {
    broken = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    client.release(broken);
  }
}

/** One query on a client of its own from the pool. Use for all single statements. */
export async function query<R extends QueryResultRow>(
  pool: Pool,
  text: string,
  values: readonly unknown[] = [],
): Promise<R[]> {
  return withClient(pool, async (client) => (await client.query<R>(text, [...values])).rows);
}

/** One number for all of gamefleet's migrations: two processes never migrate at once. */
const MIGRATION_LOCK = 0x67616d65;

/**
 * Applies the files `NNN-name.sql` of `folder` that the database has not seen, in order, each in a transaction,
 * under an advisory lock. Refuses with `SCHEMA_TOO_NEW` when the database knows a later file than we do, with
 * `SCHEMA_DIFFERS` when a file it has applied reads otherwise here: nothing after that would be what we take it for.
 * Uses a connection of its own: a migration, or the wait for another's, may take longer than a pool's time-outs.
 */
export async function migrate(
  databaseUrl: string,
  folder: string,
  component: string,
  log: Log,
): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^\d{3}-.*\.sql$/.test(name)).sort();
  const client = new PgClient({
    connectionString: databaseUrl,
    application_name: `${component}-migrate`,
    connectionTimeoutMillis: 2_000,
  });
  // As with those of a pool: the query that fails says enough, and unheard the event would end the process.
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK]);
    await client.query(`CREATE TABLE IF NOT EXISTS schema_migration (
      component text NOT NULL, name text NOT NULL, hash text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (component, name))`);
    const { rows } = await client.query<{ name: string; hash: string }>(
      "SELECT name, hash FROM schema_migration WHERE component = $1 ORDER BY name",
      [component],
    );
    const known = new Map(rows.map((row) => [row.name, row.hash]));
    const unknown = [...known.keys()].filter((name) => !names.includes(name));
    if (unknown.length > 0) {
      throw fail(
        "SCHEMA_TOO_NEW",
        `${component}: the database has ${unknown.join(", ")}; run a newer version`,
      );
    }
    for (const name of names) {
      const text = await readFile(join(folder, name), "utf8");
      const hash = sha256(text);
      const applied = known.get(name);
      if (applied === hash) continue;
      if (applied !== undefined) {
        throw fail(
          "SCHEMA_DIFFERS",
          `${component}: ${name} was applied to this database as another text; use the build that made it, or a new database`,
        );
      }
      await client.query("BEGIN");
      await client.query(text);
      await client.query("INSERT INTO schema_migration (component, name, hash) VALUES ($1, $2, $3)", [
        component,
        name,
        hash,
      ]);
      await client.query("COMMIT");
      log.info({ component, migration: name }, "migration applied");
    }
  } finally {
    // The end of the session frees the lock and rolls back what was not committed.
    await client.end().catch(() => {});
  }
}
