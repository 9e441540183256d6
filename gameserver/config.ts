/** Configuration of a game server pod: `GAMEFLEET_*` environment variables, read once. */
import { z } from "zod";
import { duration, flag, logLevel, port, readConfig } from "../platform/config.ts";
import { fail } from "../platform/errors.ts";
import { MAX_SESSIONS } from "../protocol/directory.ts";

const name = z.string().min(1).max(253);
const count = (least: number, most: number) => z.coerce.number().int().min(least).max(most);

/** Each with what it means, and its unit: docs/reference/configuration.md is made of this. */
export const gameserverShape = {
  GAMEFLEET_NAMESPACE: name.default("default").describe("Namespace of the server. Set by the operator."),
  GAMEFLEET_FLEET: name
    .default("local")
    .describe("Fleet it belongs to; its own name when it stands alone. Set by the operator."),
  GAMEFLEET_SERVER: name.default("local").describe("Name of this server. Set by the operator."),
  GAMEFLEET_LIFE: z
    .string()
    .min(1)
    .max(64)
    .default("local")
    .describe("Which life of the server this is: the pod's uid. Set by the operator."),
  GAMEFLEET_GAME: z
    .string()
    .min(1)
    .default("games/starlanes/game.ts")
    .describe("Module of the game, from the folder the process starts in; it exports `game`."),
  GAMEFLEET_HOST: z
    .string()
    .min(1)
    .default("0.0.0.0")
    .describe("Address that both ports listen on; 0.0.0.0 is all of them."),
  GAMEFLEET_PORT: port
    .default(7_000)
    .describe("Port that players connect to; 0 takes a free one. Set by the operator."),
  GAMEFLEET_ADMIN_PORT: port
    .default(9_000)
    .describe("Port of probes, metrics and the API for back ends; 0 takes a free one. Set by the operator."),
  GAMEFLEET_REDIS_URL: z
    .url()
    .optional()
    .describe(
      "Redis of the directory and the journals. Must be set unless GAMEFLEET_LOCAL is true. Set by the operator.",
    ),
  GAMEFLEET_DATABASE_URL: z
    .url()
    .optional()
    .describe(
      "PostgreSQL of zones and ledger. Must be set unless GAMEFLEET_LOCAL is true. Set by the operator.",
    ),
  GAMEFLEET_CAPACITY_SESSIONS: count(1, MAX_SESSIONS)
    .default(500)
    .describe("Most sessions at a time. Set by the operator."),
  GAMEFLEET_MAX_ZONES: count(1, 1_000)
    .default(64)
    .describe("Most zones at a time: bounds the memory that zones take."),
  GAMEFLEET_IO_THREADS: count(0, 8)
    .default(0)
    .describe("Threads that serve players. 0 chooses by the CPU quota: 1 below two cores, else 2."),
  GAMEFLEET_TRANSPORT: z
    .enum(["own", "ws"])
    .default("own")
    .describe("WebSocket server for players: our own, or the ws library's to fall back on."),
  GAMEFLEET_DETAIL_RINGS: flag
    .prefault("true")
    .describe("Far entities are sent less often than near ones. Off only to measure what that saves."),
  GAMEFLEET_PHYSICS_WORKERS: count(0, 2)
    .default(0)
    .describe(
      "Threads that step physics. 0 chooses: 2 for a game with rigid kinds on four cores or more, else 1.",
    ),
  GAMEFLEET_RECORD: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder for recordings of all that goes into each zone, for gameserver/replay.ts. Costly: for finding faults.",
    ),
  GAMEFLEET_DUMPS: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder for the last seconds before a physics anomaly, in the same form; the newest 20 are kept.",
    ),
  GAMEFLEET_CPU_CAP_PERCENT: count(1, 100)
    .default(80)
    .describe("Per cent of the CPU quota that the pod stays below, giving way step by step when it cannot."),
  GAMEFLEET_MEMORY_LIMIT_BYTES: count(0, 2 ** 46)
    .default(0)
    .describe("Bytes of memory the process may use; 0 takes the container's limit."),
  GAMEFLEET_SEND_BYTES_PER_SECOND: count(10_000, 2 ** 33)
    .default(50_000_000)
    .describe("Bytes a second that the pod may send to all players together."),
  GAMEFLEET_SESSION_BYTES_PER_SECOND: count(1_000, 2 ** 24)
    .default(24_000)
    .describe("Bytes a second that the pod may send to one player."),
  GAMEFLEET_LOG_LEVEL: logLevel.default("info").describe("Least serious lines of the log that are written."),
  GAMEFLEET_DRAIN_SECONDS: count(1, 3_600)
    .default(20)
    .describe(
      "Seconds from SIGTERM to the exit at the latest. Set by the operator: terminationGraceSeconds less 2.",
    ),
  GAMEFLEET_EMPTY_ZONE_TIME: duration
    .prefault("60s")
    .describe("An on-demand zone that stays empty for so long is closed."),
  GAMEFLEET_SERVICE_TOKENS_DIR: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder with one file per caller of the API for back ends: its name is the caller's, its text the token (16 characters or more). Not set: the API is not served.",
    ),
  GAMEFLEET_RECEIPTS_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      "JSON file with the app stores: credentials and what each product gives (docs/transactions.md). Not set: no receipts.",
    ),
  GAMEFLEET_LOCAL: flag
    .prefault("false")
    .describe(
      "Runs without stores: zones from GAMEFLEET_LOCAL_ZONES, unsigned tickets, no purchases. Never in a cluster.",
    ),
  GAMEFLEET_LOCAL_ZONES: z
    .string()
    .regex(/^[a-z0-9-]+:\d+(,[a-z0-9-]+:\d+)*$/, "must be like sol:100,vega:50")
    .default("sol:200")
    .describe("Zones with GAMEFLEET_LOCAL, each with its most sessions: `name:sessions,name:sessions`."),
};

export type Config = ReturnType<typeof readGameserverConfig>;

/** Throws `CONFIG_INVALID` naming every bad variable. */
export function readGameserverConfig(env: Readonly<Record<string, string | undefined>>) {
  const raw = readConfig(gameserverShape, env);
  const missing = (["GAMEFLEET_REDIS_URL", "GAMEFLEET_DATABASE_URL"] as const).filter((key) => !raw[key]);
  if (!raw.GAMEFLEET_LOCAL && missing.length > 0) {
    const fields = Object.fromEntries(
      missing.map((key) => [key, "must be set unless GAMEFLEET_LOCAL is true"]),
    );
    throw fail("CONFIG_INVALID", `configuration: ${missing.join(", ")} must be set`, { fields });
  }
  return {
    ...raw,
    /** `<namespace>/<name>`: how a server and a fleet are known outside. */
    serverKey: `${raw.GAMEFLEET_NAMESPACE}/${raw.GAMEFLEET_SERVER}`,
    fleetKey: `${raw.GAMEFLEET_NAMESPACE}/${raw.GAMEFLEET_FLEET}`,
  };
}

export interface LocalZone {
  readonly id: string;
  readonly capacity: number;
}

export function localZones(text: string): LocalZone[] {
  return text.split(",").map((entry) => {
    const [id = "", capacity = ""] = entry.split(":");
    return { id, capacity: Number(capacity) };
  });
}
