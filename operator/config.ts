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

/** Each with what it means, and its unit: docs/reference/configuration.md is made of this. */
export const operatorShape = {
  GAMEFLEET_REDIS_URL: z.url().describe("Redis of the directory."),
  GAMEFLEET_DATABASE_URL: z.url().describe("PostgreSQL that owns the zones."),
  GAMEFLEET_OPERATOR_NAMESPACE: z
    .string()
    .min(1)
    .default("gamefleet-system")
    .describe("Namespace of the lease by which replicas choose their leader."),
  GAMEFLEET_LEASE_NAME: z
    .string()
    .min(1)
    .default("gamefleet-operator")
    .describe("Name of that lease. Replicas with the same lease are one operator."),
  GAMEFLEET_WATCH_NAMESPACE: z
    .string()
    .optional()
    .describe("Only this namespace is looked after; all of them when not set."),
  GAMEFLEET_IDENTITY: z
    .string()
    .max(100)
    .optional()
    .describe("Name of this replica in the lease. Not set: the host's name, which is the pod's."),
  GAMEFLEET_PLAYER_PORTS: portRange
    .prefault("7000-8000")
    .describe("Ports of the nodes that are given to players' ports with policy Dynamic, first and last."),
  GAMEFLEET_HTTP_PORT: port.default(8080).describe("Port of probes and metrics."),
  GAMEFLEET_LEASE_SECONDS: z.coerce
    .number()
    .int()
    .min(2)
    .max(60)
    .default(3)
    .describe("Seconds that other replicas wait after the leader's last renewal before one takes over."),
  GAMEFLEET_RENEW_DEADLINE: duration
    .prefault("2s")
    .describe("A leader that could not renew the lease for so long stops acting. Less than the lease."),
  GAMEFLEET_RENEW_EVERY: duration
    .prefault("500ms")
    .describe("Time between two renewals. At most half of GAMEFLEET_RENEW_DEADLINE."),
  GAMEFLEET_STOP_GRACE: duration
    .prefault("20s")
    .describe("From SIGTERM: how long work that is under way may take to end."),
  GAMEFLEET_MIGRATE: flag
    .prefault("true")
    .describe(
      "The database's migrations of zone ownership are applied at start. Game servers bring those of the ledger.",
    ),
  GAMEFLEET_LOG_LEVEL: logLevel.default("info").describe("Least serious lines of the log that are written."),
};

export const readOperatorConfig = (env: NodeJS.ProcessEnv) => readConfig(operatorShape, env);
export type OperatorConfig = ReturnType<typeof readOperatorConfig>;
