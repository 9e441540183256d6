/** Configuration of a game server pod: `GAMEFLEET_*` environment variables, read once. */
import { z } from "zod";
import { duration, flag, logLevel, port, readConfig } from "../platform/config.ts";
import { fail } from "../platform/errors.ts";

const name = z.string().min(1).max(253);
const count = (least: number, most: number) => z.coerce.number().int().min(least).max(most);

const SHAPE = {
  GAMEFLEET_NAMESPACE: name.default("default"),
  GAMEFLEET_FLEET: name.default("local"),
  /** Name of this server, and which life of it this is (the pod's uid). */
  GAMEFLEET_SERVER: name.default("local"),
  GAMEFLEET_LIFE: z.string().min(1).max(64).default("local"),
  GAMEFLEET_GAME: z.string().min(1).default("games/starlanes/game.ts"),
  GAMEFLEET_HOST: z.string().min(1).default("0.0.0.0"),
  /** Players connect here. 0 takes any free port (tests). */
  GAMEFLEET_PORT: port.default(7_000),
  GAMEFLEET_ADMIN_PORT: port.default(9_000),
  GAMEFLEET_REDIS_URL: z.url().optional(),
  GAMEFLEET_DATABASE_URL: z.url().optional(),
  GAMEFLEET_CAPACITY_SESSIONS: count(1, 20_000).default(500),
  /** Most zones at a time: bounds the memory that zones take. */
  GAMEFLEET_MAX_ZONES: count(1, 1_000).default(64),
  /** Threads that serve players. 0 chooses by the CPU quota: 1 below two cores, else 2. */
  GAMEFLEET_IO_THREADS: count(0, 8).default(0),
  /** `ws` serves players through the ws library instead of our own WebSocket server. */
  GAMEFLEET_TRANSPORT: z.enum(["own", "ws"]).default("own"),
  /** Far entities are sent less often than near ones. Off only to measure what that saves. */
  GAMEFLEET_DETAIL_RINGS: flag.default(true),
  /** Threads that step physics. 0 chooses: 2 for a game with rigid kinds on four cores or more, else 1. */
  GAMEFLEET_PHYSICS_WORKERS: count(0, 2).default(0),
  /** Directory for recordings of all that goes into each zone: for `gameserver/replay.ts`. Costly: for finding faults. */
  GAMEFLEET_RECORD: z.string().min(1).optional(),
  /** Directory for the last seconds before a physics anomaly, in the same form; the newest 20 are kept. */
  GAMEFLEET_DUMPS: z.string().min(1).optional(),
  /** Per cent of the CPU quota that the pod stays below, giving way step by step when it cannot. */
  GAMEFLEET_CPU_CAP_PERCENT: count(1, 100).default(80),
  /** Bytes of memory the process may use; 0 takes the container's limit. */
  GAMEFLEET_MEMORY_LIMIT_BYTES: count(0, 2 ** 46).default(0),
  /** Bytes a second the pod may send to players: all together, and each. */
  GAMEFLEET_SEND_BYTES_PER_SECOND: count(10_000, 2 ** 33).default(50_000_000),
  GAMEFLEET_SESSION_BYTES_PER_SECOND: count(1_000, 2 ** 24).default(24_000),
  GAMEFLEET_LOG_LEVEL: logLevel.default("info"),
  /** From SIGTERM to exit at the latest. */
  GAMEFLEET_DRAIN_SECONDS: count(1, 3_600).default(20),
  /** An on-demand zone that stays empty for so long is closed. */
  GAMEFLEET_EMPTY_ZONE_TIME: duration.default(60_000),
  /** Folder with one file per caller of the transactions API (name, token); without it the API is not served. */
  GAMEFLEET_SERVICE_TOKENS_DIR: z.string().min(1).optional(),
  /** JSON file with the app stores: credentials and what each product gives (docs/transactions.md). */
  GAMEFLEET_RECEIPTS_FILE: z.string().min(1).optional(),
  /** Runs without stores: zones from GAMEFLEET_LOCAL_ZONES, unsigned tickets. Never in a cluster. */
  GAMEFLEET_LOCAL: flag.default(false),
  /** `name:players,name:players`. */
  GAMEFLEET_LOCAL_ZONES: z
    .string()
    .regex(/^[a-z0-9-]+:\d+(,[a-z0-9-]+:\d+)*$/, "must be like sol:100,vega:50")
    .default("sol:200"),
};

export type Config = ReturnType<typeof readGameserverConfig>;

/** Throws `CONFIG_INVALID` naming every bad variable. */
export function readGameserverConfig(env: Readonly<Record<string, string | undefined>>) {
  const raw = readConfig(SHAPE, env);
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
