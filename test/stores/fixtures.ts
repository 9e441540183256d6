/** The stores of this test run, fresh for one test file: an own database, an emptied Redis. */
import { Redis } from "ioredis";
import { Client } from "pg";
import { uuidv7 } from "../../platform/ids.ts";

function needed(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new Error(`${name} is not set: run this file with vitest's project "integration" or "faults"`);
  return value;
}

export const redisUrl = (): string => needed("GAMEFLEET_TEST_REDIS_URL");

/** An emptied Redis. Files run one at a time, so it is theirs alone. */
export async function freshRedis(): Promise<Redis> {
  const redis = new Redis(redisUrl());
  await redis.flushall();
  return redis;
}

/** URL of a new, empty database. */
export async function freshDatabase(): Promise<string> {
  const url = new URL(needed("GAMEFLEET_TEST_DATABASE_URL"));
  const name = `test_${uuidv7().replaceAll("-", "")}`;
  const admin = new Client({ connectionString: url.href });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  url.pathname = `/${name}`;
  return url.href;
}
