/** Requests and answers of the allocation API. */
import { z } from "zod";
import { RESUME_TOKEN, SESSION_ROLES } from "../../protocol/ticket.ts";

const objectName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "must be a DNS label: lower-case letters, digits, dashes");
export const MAX_PARTY = 64;

export const FleetParams = z.object({ namespace: objectName, fleet: objectName });
export const SessionParams = FleetParams.extend({ session: z.uuid() });

export const AllocateBody = z.strictObject({
  namespace: objectName.default("default").describe("Namespace of the fleet."),
  fleet: objectName.describe("Name of the fleet."),
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
  namespace: objectName.default("default"),
  fleet: objectName,
  resumeToken: z.string().regex(RESUME_TOKEN, "must be a resume token as given with the allocation"),
});
export type ResumeBody = z.output<typeof ResumeBody>;

export const Place = z.object({
  session: z.string(),
  player: z.string(),
  zone: z.string(),
  server: z.string(),
  address: z.string().optional(),
  port: z.int().optional(),
  state: z.string().describe("State of the server that holds it; Unknown while it is being moved."),
});

export const ServerInfo = z.object({
  name: z.string(),
  state: z.string(),
  address: z.string(),
  port: z.int(),
  sessions: z.int(),
  capacity: z.int(),
  cpuPercent: z.number(),
  zones: z.array(
    z.object({ id: z.string(), kind: z.string(), sessions: z.int(), capacity: z.int(), open: z.boolean() }),
  ),
});
