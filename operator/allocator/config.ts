/** Configuration of the allocator role. */
import { z } from "zod";
import { duration, logLevel, port, readConfig } from "../../platform/config.ts";

const shape = {
  GAMEFLEET_REDIS_URL: z.url().describe("Redis of the directory."),
  GAMEFLEET_DATABASE_URL: z.url().describe("PostgreSQL that owns the zones."),
  GAMEFLEET_ALLOCATOR_PORT: port.default(8080).describe("Port of the allocation API, and of its probes."),
  GAMEFLEET_ALLOCATOR_HOST: z.string().default("0.0.0.0"),
  GAMEFLEET_SERVICE_TOKENS_DIR: z
    .string()
    .describe("Folder with one file per caller: name of the caller, its token."),
  GAMEFLEET_KEY_ROTATION: duration.prefault("24h").describe("How long a signing key is used."),
  GAMEFLEET_RATE_PER_CALLER: z.coerce
    .number()
    .int()
    .min(1)
    .default(10_000)
    .describe("Requests a second and caller."),
  GAMEFLEET_RATE_PER_ADDRESS: z.coerce
    .number()
    .int()
    .min(1)
    .default(500)
    .describe("Resumes a second and address."),
  GAMEFLEET_LOG_LEVEL: logLevel.default("info"),
};

export const readAllocatorConfig = (env: NodeJS.ProcessEnv) => readConfig(shape, env);
export type AllocatorConfig = ReturnType<typeof readAllocatorConfig>;
