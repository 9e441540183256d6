/** Configuration of the operator role. */
import { z } from "zod";
import { duration, flag, logLevel, port, readConfig } from "../platform/config.ts";

const portRange = z
  .string()
  .regex(/^\d{1,5}-\d{1,5}$/, "must be two ports with a dash between them, such as 7000-8000")
  .transform((text, context) => {
    const [min = 0, max = 0] = text.split("-").map(Number);
    if (min < 1 || max > 65_535 || min > max) {
      context.addIssue({ code: "custom", message: "must be a range within 1-65535, the lower port first" });
      return z.NEVER;
    }
    return { min, max };
  });

const ms = (fallback: number) => duration.optional().transform((value) => value ?? fallback);

const shape = {
  GAMEFLEET_REDIS_URL: z.url().describe("Redis of the directory."),
  GAMEFLEET_DATABASE_URL: z.url().describe("PostgreSQL that owns the zones."),
  GAMEFLEET_OPERATOR_NAMESPACE: z
    .string()
    .min(1)
    .default("gamefleet-system")
    .describe("Namespace of the lease."),
  GAMEFLEET_LEASE_NAME: z.string().min(1).default("gamefleet-operator"),
  GAMEFLEET_WATCH_NAMESPACE: z.string().optional().describe("Only this namespace; all when not set."),
  GAMEFLEET_IDENTITY: z.string().max(100).optional().describe("Name of this replica; the pod's name."),
  GAMEFLEET_PLAYER_PORTS: portRange.prefault("7000-8000").describe("Ports of the nodes for players."),
  GAMEFLEET_HTTP_PORT: port.default(8080).describe("Probes and metrics."),
  GAMEFLEET_LEASE_SECONDS: z.coerce.number().int().min(2).max(60).default(3),
  GAMEFLEET_RENEW_DEADLINE: ms(2_000),
  GAMEFLEET_RENEW_EVERY: ms(500),
  GAMEFLEET_STOP_GRACE: ms(20_000),
  GAMEFLEET_MIGRATE: flag.prefault("true").describe("Apply database migrations at start."),
  GAMEFLEET_LOG_LEVEL: logLevel.default("info"),
};

export const readOperatorConfig = (env: NodeJS.ProcessEnv) => readConfig(shape, env);
export type OperatorConfig = ReturnType<typeof readOperatorConfig>;
