/** Configuration of the allocator role. */
import { z } from "zod";
import { duration, logLevel, port, readConfig } from "../../platform/config.ts";

/** Each with what it means, and its unit: docs/reference/configuration.md is made of this. */
export const allocatorShape = {
  GAMEFLEET_REDIS_URL: z.url().describe("Redis of the directory."),
  GAMEFLEET_DATABASE_URL: z.url().describe("PostgreSQL that owns the zones."),
  GAMEFLEET_ALLOCATOR_PORT: port.default(8080).describe("Port of the allocation API, probes and metrics."),
  GAMEFLEET_ALLOCATOR_HOST: z
    .string()
    .default("0.0.0.0")
    .describe("Address that the port listens on; 0.0.0.0 is all of them."),
  GAMEFLEET_SERVICE_TOKENS_DIR: z
    .string()
    .describe(
      "Folder with one file per caller: its name is the caller's, its text the token (16 characters or more).",
    ),
  GAMEFLEET_KEY_ROTATION: duration
    .prefault("24h")
    .describe("How long a key signs tickets before the next one does."),
  GAMEFLEET_RATE_PER_CALLER: z.coerce
    .number()
    .int()
    .min(1)
    .default(10_000)
    .describe("Most requests a second of one caller, at one allocator."),
  GAMEFLEET_RATE_PER_ADDRESS: z.coerce
    .number()
    .int()
    .min(1)
    .default(500)
    .describe("Most resumes a second from one IP address, at one allocator."),
  GAMEFLEET_LOG_LEVEL: logLevel.default("info").describe("Least serious lines of the log that are written."),
};

export const readAllocatorConfig = (env: NodeJS.ProcessEnv) => readConfig(allocatorShape, env);
export type AllocatorConfig = ReturnType<typeof readAllocatorConfig>;
