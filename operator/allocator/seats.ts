/**
 * Taking seats: one Lua script in Redis, so that of any number of allocators none can overfill a zone or a server,
 * and a repeated request gets the answer of the first.
 *
 * A seat is a member of two sorted sets (zone, server) whose score is the Redis time until which it is held; the pod
 * renews it while the player plays. All keys of a fleet share a hash tag: the script also runs on Redis Cluster.
 */
import { createHash } from "node:crypto";
import type { Redis } from "../../platform/redis.ts";
import {
  type FleetKey,
  IDEMPOTENCY_TTL_MS,
  keys,
  RESERVATION_MS,
  SESSION_TTL_MS,
  type SessionRecord,
} from "../../protocol/directory.ts";

// KEYS: zone seats, server seats, request (or the same as the first, when there is none), then one per session.
// ARGV: zone capacity, server capacity, reservation ms, session ttl ms, request ttl ms, request body ('' = none),
// number of sessions, then per session: id, record.
const TAKE = `
local body = ARGV[6]
if body ~= '' then
  local old = redis.call('GET', KEYS[3])
  if old then return {'again', old} end
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local n = tonumber(ARGV[7])
for i = 1, 2 do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
  local new = 0
  for s = 1, n do
    if not redis.call('ZSCORE', KEYS[i], ARGV[6 + 2 * s]) then new = new + 1 end
  end
  if redis.call('ZCARD', KEYS[i]) + new > tonumber(ARGV[i]) then return {i == 1 and 'zone-full' or 'server-full'} end
end
for s = 1, n do
  local id = ARGV[6 + 2 * s]
  redis.call('ZADD', KEYS[1], now + ARGV[3], id)
  redis.call('ZADD', KEYS[2], now + ARGV[3], id)
  redis.call('SET', KEYS[3 + s], ARGV[7 + 2 * s], 'PX', ARGV[4])
end
if body ~= '' then redis.call('SET', KEYS[3], body, 'PX', ARGV[5]) end
return {'taken'}
`;
const TAKE_SHA = createHash("sha1").update(TAKE).digest("hex");

export interface SeatRequest {
  readonly fleet: FleetKey;
  readonly server: string;
  readonly zone: string;
  readonly zoneCapacity: number;
  readonly serverCapacity: number;
  readonly sessions: readonly SessionRecord[];
  /** Stored with the seats under the request key, and given back to whoever repeats it. */
  readonly request?: { readonly key: string; readonly body: string };
}

export type SeatAnswer =
  | { readonly result: "taken" | "zone-full" | "server-full" }
  | { readonly result: "again"; readonly body: string };

export async function takeSeats(redis: Redis, seat: SeatRequest): Promise<SeatAnswer> {
  const zoneKey = keys.zoneSeats(seat.fleet, seat.zone);
  const names = [
    zoneKey,
    keys.serverSeats(seat.fleet, seat.server),
    seat.request ? keys.request(seat.fleet, seat.request.key) : zoneKey,
    ...seat.sessions.map((record) => keys.session(seat.fleet, record.session)),
  ];
  const args = [
    seat.zoneCapacity,
    seat.serverCapacity,
    RESERVATION_MS,
    SESSION_TTL_MS,
    IDEMPOTENCY_TTL_MS,
    seat.request?.body ?? "",
    seat.sessions.length,
    ...seat.sessions.flatMap((record) => [record.session, JSON.stringify(record)]),
  ];
  const answer = (await evalCached(redis, names, args)) as [string, string?];
  if (answer[0] === "again") return { result: "again", body: answer[1] ?? "" };
  return { result: answer[0] as "taken" | "zone-full" | "server-full" };
}

/** EVALSHA, with the source only when Redis has forgotten it (a restart). */
async function evalCached(
  redis: Redis,
  names: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(TAKE_SHA, names.length, ...names, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes("NOSCRIPT")) throw error;
    return redis.eval(TAKE, names.length, ...names, ...args);
  }
}

/** Gives the seats of a session back and forgets where it was. */
export async function releaseSeats(redis: Redis, fleet: FleetKey, record: SessionRecord): Promise<void> {
  await redis
    .multi()
    .zrem(keys.zoneSeats(fleet, record.zone), record.session)
    .zrem(keys.serverSeats(fleet, record.server), record.session)
    .del(keys.session(fleet, record.session))
    .exec();
}
