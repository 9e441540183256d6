/** Global set-up of the vitest projects that need stores: one Redis and one PostgreSQL for the whole run. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { startPostgres, startRedis } from "./stores.ts";

export async function setup(): Promise<() => Promise<void>> {
  execFileSync(fileURLToPath(new URL("install.sh", import.meta.url)), { stdio: "inherit" });
  const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
  process.env.GAMEFLEET_TEST_REDIS_URL = redis.url;
  process.env.GAMEFLEET_TEST_DATABASE_URL = postgres.url;
  return async () => {
    await Promise.all([redis.stop(), postgres.stop()]);
  };
}
