/** Requests and answers of the allocation API. */
import { z } from "zod";
import { RESUME_TOKEN, SESSION_ROLES } from "../../protocol/ticket.ts";

const objectName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "must be a DNS label: lower-case letters, digits, dashes");
export const MAX_PARTY = 64;

const namespace = objectName.describe("Namespace of the fleet.");
const fleet = objectName.describe("Name of the fleet.");

export const FleetParams = z.object({ namespace, fleet });
export const SessionParams = FleetParams.extend({ session: z.uuid().describe("Session id.") });

export const AllocateBody = z.strictObject({
  namespace: namespace.default("default"),
  fleet,
  players: z
    .array(z.string().min(1).max(256))
    .min(1)
    .max(MAX_PARTY)
    .refine((players) => new Set(players).size === players.length, "must not name a player twice")
    .describe("Who wants to play. More than one is a party: all get a place in one zone, or nobody does."),
  zone: objectName.optional().describe("Zone to enter; the allocator chooses when it is not given."),
  party: z.string().min(1).max(128).optional().describe("Name of the party, for logs and the game."),
  role: z
    .enum(SESSION_ROLES)
    .optional()
    .describe("spectator: sees the zone around a player it follows, has no ship and sends no inputs."),
  requestKey: z
    .string()
    .min(8)
    .max(128)
    .optional()
    .describe("The same key within 60 s gets the same answer: send it with every retry."),
});
export type AllocateBody = z.output<typeof AllocateBody>;

export const Seat = z.object({
  player: z.string().describe("The player, as asked for."),
  session: z.string().describe("Session id."),
  ticket: z.string().describe("Single-use leave to connect, valid for 30 s."),
  resumeToken: z
    .string()
    .describe("Secret of the player: lets the SDK come back after a loss of connection."),
});

export const Allocation = z.object({
  namespace: z.string().describe("Namespace of the fleet."),
  fleet: z.string().describe("Name of the fleet."),
  server: z.string().describe("Server that has the place."),
  zone: z.string().describe("Zone that has the place."),
  address: z.string().describe("Address to connect to."),
  port: z.int().describe("Port to connect to."),
  expiresAt: z.string().describe("When the tickets end."),
  sessions: z.array(Seat).describe("One for each player, in the order asked for."),
});
export type Allocation = z.infer<typeof Allocation>;

export const ResumeBody = z.strictObject({
  namespace: namespace.default("default"),
  fleet,
  resumeToken: z
    .string()
    .regex(RESUME_TOKEN, "must be a resume token as given with the allocation")
    .describe("As given with the place."),
});
export type ResumeBody = z.output<typeof ResumeBody>;

export const Place = z.object({
  session: z.string().describe("Session id."),
  player: z.string().describe("Whose session it is."),
  zone: z.string().describe("Zone it is in."),
  server: z.string().describe("Server that holds it, or held it last."),
  address: z.string().optional().describe("Address to connect to, while its server is known."),
  port: z.int().optional().describe("Port to connect to, while its server is known."),
  state: z.string().describe("State of the server that holds it; Unknown while it is being moved."),
});

export const ServerInfo = z.object({
  name: z.string().describe("Name of the server."),
  state: z.string().describe("Where it is in its life, as in the status of its GameServer."),
  address: z.string().describe("Address players connect to."),
  port: z.int().describe("Port players connect to."),
  sessions: z.int().describe("Places taken."),
  capacity: z.int().describe("Most sessions."),
  cpuPercent: z.number().describe("CPU used in the last second, per cent of its quota."),
  zones: z
    .array(
      z.object({
        id: z.string().describe("Name of the zone."),
        kind: z.string().describe("fixed, or on-demand."),
        sessions: z.int().describe("Places taken."),
        capacity: z.int().describe("Most sessions."),
        open: z.boolean().describe("Whether it takes anybody in."),
      }),
    )
    .describe("Zones it serves."),
});
