/** A pod of a fleet: ownership in PostgreSQL, load and directory in Redis, tickets signed by the allocators. */
import type { Log } from "../../platform/log.ts";
import { release } from "../../platform/ownership/ownership.ts";
import { createPool } from "../../platform/postgres.ts";
import { connectRedis, firstConnection, type Redis } from "../../platform/redis.ts";
import { warnAgain } from "../../platform/warn-again.ts";
import { keys } from "../../protocol/directory.ts";
import type { Config } from "../config.ts";
import { Tickets } from "../sessions/tickets.ts";
import type { Backing, BackingHost } from "./backing.ts";
import type { Chore } from "./chores.ts";
import { Directory } from "./directory.ts";
import { publishLoad } from "./load.ts";
import { Ownership } from "./ownership.ts";
import { StoreHealth } from "./stores.ts";
import type { Zones } from "./zones.ts";

const KEYS_MS = 5_000;
const DIRECTORY_MS = 60_000;

export function storeBacking(config: Config, zones: Zones, host: BackingHost, log: Log): Backing {
  const name = `gamefleet-pod-${config.GAMEFLEET_SERVER}`;
  const redis = connectRedis({ url: config.GAMEFLEET_REDIS_URL ?? "", name, log });
  const listener = connectRedis({ url: config.GAMEFLEET_REDIS_URL ?? "", name: `${name}-poke`, log });
  const pool = createPool({ url: config.GAMEFLEET_DATABASE_URL ?? "", name, log });
  const { serverKey: server, fleetKey: fleet, GAMEFLEET_SERVER: plainName, GAMEFLEET_LIFE: life } = config;
  const health = new StoreHealth();
  const emptyZoneMs = config.GAMEFLEET_EMPTY_ZONE_TIME;
  const ownership = new Ownership({
    pool,
    server,
    fleet,
    life,
    zones,
    emptyZoneMs,
    health,
    log,
    evict: (zone, why) => host.evict(zone, why),
    opened: () => host.opened(),
  });
  const tickets = new Tickets({ server, fleet, redis });
  const directory = new Directory({ redis, fleet, server: plainName });
  const load = { redis, serverKey: server, fleetKey: fleet, server: plainName, life };
  /** Whether Redis may have lost our entries: it was away, if only for a moment. */
  let stale = false;
  redis.on("close", () => {
    stale = true;
  });

  const quiet = (what: string) => (error: unknown) => warnAgain(log, "not written", error, { what });
  const chore = (what: string, of: Chore["class"], everyMs: number, work: () => Promise<void>): Chore => ({
    name: what,
    class: of,
    everyMs,
    work,
    onError: quiet(what),
  });
  const publishAll = () => directory.publish(host.sessions());

  return {
    get settled() {
      return ownership.settled;
    },
    get fenced() {
      return ownership.fenced;
    },
    get cutOff() {
      return health.cutOff;
    },
    begin: () => firstConnection(redis),
    away: () => health.away(),
    verify: (ticket) => tickets.verify(ticket),
    zone: (id) => ownership.zone(id),
    over: () => void ownership.look().catch(quiet("zone")),
    joined: (session) => void directory.publish([session]).catch(quiet("session")),
    ended: (session, over) => void directory.withdraw(session, over).catch(quiet("session")),
    async publish(sample) {
      try {
        const entry = await publishLoad(load, sample);
        health.note("redis", true);
        if (stale) {
          stale = false;
          await publishAll().catch((error: unknown) => {
            stale = true;
            throw error;
          });
        }
        return entry;
      } catch (error) {
        health.note("redis", false);
        throw error;
      }
    },
    chores: [
      // A new key must be known before its first ticket comes: not background.
      chore("keys", "transactions", KEYS_MS, () => tickets.refresh()),
      chore("directory", "background", DIRECTORY_MS, publishAll),
    ],
    async run(signal) {
      listenForPokes(listener, keys.poke(server), () => void ownership.look().catch(() => {}));
      await ownership.run(signal);
    },
    async close(sample) {
      // Without the lease our zones can be placed at once instead of when it runs out.
      await release(pool, server, life).catch(quiet("release"));
      await publishLoad(load, sample).catch(quiet("load"));
      redis.disconnect();
      listener.disconnect();
      await pool.end().catch(() => {});
    },
  };
}

/** A poke says nothing but "look now"; a lost one costs 2 s. */
function listenForPokes(listener: Redis, channel: string, poked: () => void): void {
  const subscribe = () => void listener.subscribe(channel).catch(() => {});
  listener.on("ready", subscribe);
  listener.on("message", poked);
  if (listener.status === "ready") subscribe();
}
