/**
 * What processes tell each other through Redis: who serves what, under which load, and who sits where.
 *
 * All of it is a cache: the operator re-publishes rosters, pods re-publish samples, sessions and seats. Losing
 * Redis loses nothing that must survive. Names of fleets and servers are `<namespace>/<name>` (`FleetKey`,
 * `ServerKey`), because both are unique only within a namespace.
 */
import { z } from "zod";
import { SESSION_ROLES } from "./ticket.ts";

/** Most sessions that a server can be made for, and so of a zone: its tables have a fixed size. */
export const MAX_SESSIONS = 20_000;

export type FleetKey = string;
export type ServerKey = string;

/** All keys, in one place. `{…}` is a Redis Cluster hash tag: keys of one fleet live in one slot. */
export const keys = {
  /** Set of FleetKey: the fleets that exist. */
  fleets: () => "gf:fleets",
  /** String, JSON `FleetRecord`. Written by the leading operator. */
  fleet: (fleet: FleetKey) => `gf:fleet:{${fleet}}`,
  /** Hash server name -> JSON `RosterEntry`. Written by the leading operator. */
  roster: (fleet: FleetKey) => `gf:roster:{${fleet}}`,
  /** String, JSON `LoadSample`, expires after `LOAD_TTL_MS`. Written by the pod each second. */
  load: (server: ServerKey) => `gf:load:${server}`,
  /** Channel: a hint to the pod to look at its zones at once. Carries nothing. */
  poke: (server: ServerKey) => `gf:poke:${server}`,
  /** String, JSON `SessionRecord`, expires after `SESSION_TTL_MS`. Written at allocation, then by the pod. */
  session: (fleet: FleetKey, session: string) => `gf:session:{${fleet}}:${session}`,
  /** Sorted set session id -> ms of the Redis clock until which its seat in the zone is held. */
  zoneSeats: (fleet: FleetKey, zone: string) => `gf:seats:{${fleet}}:zone:${zone}`,
  /** The same for the whole server: what `capacity.sessions` is counted by. */
  serverSeats: (fleet: FleetKey, server: string) => `gf:seats:{${fleet}}:server:${server}`,
  /** String, JSON of the answer given to an allocation request key, expires after `IDEMPOTENCY_TTL_MS`. */
  request: (fleet: FleetKey, requestKey: string) => `gf:request:{${fleet}}:${requestKey}`,
  /** Hash key id -> JSON `PublishedKey`: the public keys that tickets are checked against. */
  jwks: () => "gf:jwks",
} as const;

export const LOAD_TTL_MS = 4_000;
export const SESSION_TTL_MS = 600_000;
/** A seat taken by an allocation is freed when the player has not come by then. */
export const RESERVATION_MS = 35_000;
/** A seat of a player who plays; the pod refreshes it every 60 s. */
export const SEAT_TTL_MS = 150_000;
export const IDEMPOTENCY_TTL_MS = 60_000;

const name = z.string().min(1).max(253);
const count = z.number().int().min(0);

/** Where a server is in its life; only Ready ones are given players. */
export const serverStates = [
  "Pending",
  "Starting",
  "Ready",
  "NotReady",
  "Draining",
  "Unhealthy",
  "Stopped",
] as const;

/** What the leading operator says of a server. Pods read their own entry to learn that they must drain. */
export const RosterEntry = z.object({
  state: z.enum(serverStates),
  /** Address and port a player connects to. */
  address: z.string().max(253),
  port: z.number().int().min(0).max(65_535),
  /** The pod's uid: which life of the server is meant. */
  life: z.string().max(64),
  /** Unix ms by which a draining server must be empty; 0 when it is not draining. */
  drainBy: count,
});
export type RosterEntry = z.infer<typeof RosterEntry>;

export const FleetRecord = z.object({
  namespace: name,
  name,
  /** Sessions one server may hold. */
  capacity: count,
  /** Sessions one on-demand zone may hold; 0 when the fleet makes none. */
  onDemandSessions: count,
  /** Most on-demand zones at a time. */
  onDemandMax: count,
});
export type FleetRecord = z.infer<typeof FleetRecord>;

export const zoneKinds = ["fixed", "on-demand"] as const;

export const ZoneLoad = z.object({
  id: name.describe("Name of the zone."),
  kind: z.enum(zoneKinds).describe("Of the fleet's list, or made at allocation."),
  epoch: count.describe("How often the zone has had a new owner."),
  sessions: count.describe("Sessions in it."),
  capacity: count.describe("Most sessions."),
  open: z.boolean().describe("False while the zone takes nobody in (ending, freezing)."),
});
export type ZoneLoad = z.infer<typeof ZoneLoad>;

/** One second of a pod's life. A pod of another runtime writes the same. */
export const LoadSample = z.object({
  v: z.literal(1).describe("Version of this form."),
  server: name.describe("Name of the server."),
  fleet: name.describe("Name of the fleet."),
  life: z.string().max(64).describe("Which life of the server this is: the pod's uid."),
  state: z.enum(["Starting", "Ready", "Draining"]).describe("What the server says of itself."),
  cpuPercent: z
    .number()
    .min(0)
    .describe(
      "CPU used in the last second, per cent of the pod's quota (of the machine's cores without one).",
    ),
  memoryBytes: count.describe("Memory the process uses, bytes."),
  sessions: count.describe("Sessions, connected or not."),
  capacity: count.describe("Most sessions."),
  tickLatenessMs: z.number().min(0).describe("p99 of how late a tick began in the last second, ms."),
  loopDelayMs: z
    .number()
    .min(0)
    .describe("p99 of the control thread's event-loop delay in the last second, ms."),
  zones: z.array(ZoneLoad).max(10_000).describe("Zones it serves."),
});
export type LoadSample = z.infer<typeof LoadSample>;

export const SessionRecord = z.object({
  session: name,
  player: z.string().min(1).max(256),
  zone: name,
  server: name,
  /** sha256 (base64url) of the resume token: whoever shows the token is the player. */
  resumeHash: z.string().length(43),
  party: z.string().max(128).optional(),
  /** Given for spectators. */
  role: z.enum(SESSION_ROLES).optional(),
  /** Said by the pod that let it in: an allocation alone is no session in play. */
  played: z.literal(true).optional(),
});
export type SessionRecord = z.infer<typeof SessionRecord>;

/** A public Ed25519 key (JWK, RFC 8037) and the Unix ms after which nothing signed with it is valid. */
export const PublishedKey = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string(),
  kid: z.string(),
  expiresAt: count,
});
export type PublishedKey = z.infer<typeof PublishedKey>;
