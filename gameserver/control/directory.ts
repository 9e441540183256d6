/**
 * This pod's entries in the session directory: who plays here, and which seats are taken. A cache: written when it
 * changes, written again every minute, and whole when Redis comes back empty. Failures are left to the next time.
 */
import type { Redis } from "../../platform/redis.ts";
import { keys, SEAT_TTL_MS, SESSION_TTL_MS, type SessionRecord } from "../../protocol/directory.ts";
import type { Session } from "../sessions/sessions.ts";

/** Sessions in one round trip. */
const CHUNK = 200;

// KEYS: zone seats, server seats. ARGV: ttl ms, session ids. By the clock of Redis: pods' clocks differ.
const HOLD_SEATS = `
local t = redis.call('TIME')
local untilMs = t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[1]
for i = 2, #ARGV do
  redis.call('ZADD', KEYS[1], untilMs, ARGV[i])
  redis.call('ZADD', KEYS[2], untilMs, ARGV[i])
end
return #ARGV - 1
`;

export interface DirectoryOptions {
  readonly redis: Redis;
  /** FleetKey, and the plain name of this server. */
  readonly fleet: string;
  readonly server: string;
}

export class Directory {
  readonly #options: DirectoryOptions;

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  /** Writes these sessions and holds their seats. Throws the store's error. */
  async publish(sessions: readonly Session[]): Promise<void> {
    const byZone = Map.groupBy(sessions, (session) => session.zone);
    for (const [zone, players] of byZone) {
      for (let from = 0; from < players.length; from += CHUNK) {
        await this.#publishChunk(zone, players.slice(from, from + CHUNK));
      }
    }
  }

  /** Gives the seat back. `over` also forgets where the session was: it cannot be resumed. */
  async withdraw(session: Session, over: boolean): Promise<void> {
    const { redis, fleet, server } = this.#options;
    const batch = redis
      .multi()
      .zrem(keys.zoneSeats(fleet, session.zone), session.session)
      .zrem(keys.serverSeats(fleet, server), session.session);
    if (over) batch.del(keys.session(fleet, session.session));
    await batch.exec();
  }

  async #publishChunk(zone: string, players: readonly Session[]): Promise<void> {
    const { redis, fleet, server } = this.#options;
    const batch = redis.pipeline();
    for (const session of players) {
      const record = JSON.stringify(recordOf(session, server));
      batch.set(keys.session(fleet, session.session), record, "PX", SESSION_TTL_MS);
    }
    const ids = players.map((session) => session.session);
    batch.eval(
      HOLD_SEATS,
      2,
      keys.zoneSeats(fleet, zone),
      keys.serverSeats(fleet, server),
      SEAT_TTL_MS,
      ...ids,
    );
    const answers = (await batch.exec()) ?? [];
    const failed = answers.find(([error]) => error !== null);
    if (failed?.[0]) throw failed[0];
  }
}

function recordOf(session: Session, server: string): SessionRecord {
  const { session: id, player, zone, resumeHash, party, role } = session;
  return {
    session: id,
    player,
    zone,
    server,
    resumeHash,
    played: true,
    ...(party ? { party } : {}),
    ...(role === "spectator" ? { role } : {}),
  };
}
