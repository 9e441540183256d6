/**
 * Taking seats: one Lua script in Redis, so that of any number of allocators none can overfill a zone or a server,
 * and a repeated request gets the answer of the first.
 *
 * A seat is a member of two sorted sets (zone, server) whose score is the Redis time until which it is held; the pod
 * renews it while the player plays. All keys of a fleet share a hash tag: the script also runs on Redis Cluster.
 */
import { createHash } from "node:crypto";
import { Command, type Redis } from "../../platform/redis.ts";
import { isStoreAway } from "../../platform/store-errors.ts";
import {
  type FleetKey,
  IDEMPOTENCY_TTL_MS,
  keys,
  RESERVATION_MS,
  SESSION_TTL_MS,
  type SessionRecord,
} from "../../protocol/directory.ts";
import { Batches } from "./batches.ts";

// Any number of requests of one fleet, each by itself: what one is refused, or fails by, is its own answer.
// ARGV: reservation ms, session ttl ms, request ttl ms, then per request: zone capacity, server capacity,
// request body ('' = none), number of sessions, then per session: id, record.
// KEYS, per request: zone seats, server seats, request (only with a body), then one per session.
// Seats that have run out are swept out when there seems to be no room: nobody else counts them.
const TAKE = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function room(key, capacity, n, ids)
  if redis.call('ZCARD', key) + n <= capacity then return true end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  local new = 0
  for s = 0, n - 1 do
    if not redis.call('ZSCORE', key, ARGV[ids + 2 * s]) then new = new + 1 end
  end
  return redis.call('ZCARD', key) + new <= capacity
end
local function take(k, a, n)
  local zone, server, body, ids = KEYS[k], KEYS[k + 1], ARGV[a + 2], a + 4
  local sessions = k + 2
  if body ~= '' then
    sessions = k + 3
    local old = redis.call('GET', KEYS[k + 2])
    if old then return {'again', old} end
  end
  if not room(zone, tonumber(ARGV[a]), n, ids) then return {'zone-full'} end
  if not room(server, tonumber(ARGV[a + 1]), n, ids) then return {'server-full'} end
  local held = now + ARGV[1]
  for s = 0, n - 1 do
    local id = ARGV[ids + 2 * s]
    redis.call('ZADD', zone, held, id)
    redis.call('ZADD', server, held, id)
    redis.call('SET', KEYS[sessions + s], ARGV[ids + 2 * s + 1], 'PX', ARGV[2])
  end
  if body ~= '' then redis.call('SET', KEYS[k + 2], body, 'PX', ARGV[3]) end
  return {'taken'}
end
local answers = {}
local k, a = 1, 4
while a <= #ARGV do
  local n = tonumber(ARGV[a + 3])
  local ok, answer = pcall(take, k, a, n)
  if not ok then answer = {'failed', type(answer) == 'table' and answer.err or tostring(answer)} end
  answers[#answers + 1] = answer
  k = k + 2 + n
  if ARGV[a + 2] ~= '' then k = k + 1 end
  a = a + 4 + 2 * n
end
return answers
`;
const TAKE_SHA = createHash("sha1").update(TAKE).digest("hex");

/** Requests in one call: Redis does nothing else meanwhile, about 10 µs for each. */
const MOST = 32;

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

type Said = readonly [result: SeatAnswer["result"] | "failed", text?: string];

export class Seats {
  readonly #redis: Redis;
  readonly #batches: Batches<SeatRequest, Said | Error>;

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#batches = new Batches((requests) => takeAll(redis, requests), MOST);
  }

  /** Takes all seats of a request or none, in the order of arrival. Throws the store's error. */
  async take(request: SeatRequest): Promise<SeatAnswer> {
    const said = await this.#batches.ask(request);
    if (said instanceof Error) throw said;
    const [result, text = ""] = said;
    if (result === "failed") throw new Error(text);
    return result === "again" ? { result, body: text } : { result };
  }

  /** Gives the seats of a session back and forgets where it was. */
  async release(fleet: FleetKey, record: SessionRecord): Promise<void> {
    await this.#redis
      .multi()
      .zrem(keys.zoneSeats(fleet, record.zone), record.session)
      .zrem(keys.serverSeats(fleet, record.server), record.session)
      .del(keys.session(fleet, record.session))
      .exec();
  }
}

/**
 * One call for each fleet: the keys of a call are in one slot. Throws when Redis is away: whoever waits behind these
 * need not find out by a time-out of its own.
 */
async function takeAll(redis: Redis, requests: readonly SeatRequest[]): Promise<(Said | Error)[]> {
  const answers: (Said | Error)[] = [];
  const fleets = Map.groupBy(requests.keys(), (index) => requests[index]?.fleet);
  const calls = fleets.values().map(async (indexes) => {
    const said = await takeOfFleet(
      redis,
      indexes.map((index) => requests[index] as SeatRequest),
    ).catch((error: Error) => {
      if (isStoreAway(error)) throw error;
      return error;
    });
    for (const [at, index] of indexes.entries()) {
      answers[index] = said instanceof Error ? said : (said[at] as Said);
    }
  });
  await Promise.all(calls);
  return answers;
}

async function takeOfFleet(redis: Redis, requests: readonly SeatRequest[]): Promise<Said[]> {
  const names: string[] = [];
  const args: (string | number)[] = [RESERVATION_MS, SESSION_TTL_MS, IDEMPOTENCY_TTL_MS];
  for (const { fleet, zone, server, zoneCapacity, serverCapacity, sessions, request } of requests) {
    names.push(keys.zoneSeats(fleet, zone), keys.serverSeats(fleet, server));
    if (request) names.push(keys.request(fleet, request.key));
    args.push(zoneCapacity, serverCapacity, request?.body ?? "", sessions.length);
    for (const record of sessions) {
      names.push(keys.session(fleet, record.session));
      args.push(record.session, JSON.stringify(record));
    }
  }
  return (await evalCached(redis, names, args)) as Said[];
}

/** EVALSHA, with the source only when Redis has forgotten it (a restart). */
async function evalCached(
  redis: Redis,
  names: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  // Sent as it is: ioredis would hold it back until whatever else is away has come back, to send them together.
  const call = new Command("evalsha", [TAKE_SHA, names.length, ...names, ...args], { replyEncoding: "utf8" });
  try {
    return await redis.sendCommand(call);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes("NOSCRIPT")) throw error;
    return redis.eval(TAKE, names.length, ...names, ...args);
  }
}
