/**
 * Tickets: signed, short-lived, single-use leave to enter one server.
 *
 * A ticket is a JWT (RFC 7519) signed with EdDSA over Ed25519 (RFC 8037). The allocator makes them; a pod checks
 * the signature against the keys published in the directory, the audience against its own name, and each `jti`
 * once. The resume token is not part of the ticket: the ticket carries its hash, so a leaked ticket cannot resume.
 */
import { z } from "zod";

export const TICKET_ISSUER = "gamefleet";
/** Time a player has to connect. */
export const TICKET_SECONDS = 30;

/** A spectator watches a player of the zone: it has no entity and sends no inputs. */
export const SESSION_ROLES = ["player", "spectator"] as const;
export type SessionRole = (typeof SESSION_ROLES)[number];

export const TicketClaims = z.object({
  iss: z.literal(TICKET_ISSUER),
  /** ServerKey of the one pod that may accept it. */
  aud: z.string().min(1).max(512),
  /** Unique id: a second use is refused. */
  jti: z.string().min(1).max(64),
  /** Player. */
  sub: z.string().min(1).max(256),
  iat: z.number().int(),
  exp: z.number().int(),
  /** Session id. */
  sid: z.string().min(1).max(64),
  zone: z.string().min(1).max(253),
  fleet: z.string().min(1).max(512),
  /** sha256 (base64url) of the resume token. */
  rh: z.string().length(43),
  party: z.string().max(128).optional(),
  /** What the session may do; a player when it is not said. */
  role: z.enum(SESSION_ROLES).optional(),
  /** The session has been in play: its player comes back, and is let in where nobody new is. */
  back: z.literal(true).optional(),
});
export type TicketClaims = z.infer<typeof TicketClaims>;

/** A resume token is `<session id>.<128 random bits, base64url>`; only its hash is ever stored. */
export const RESUME_TOKEN = /^([0-9a-f-]{36})\.([A-Za-z0-9_-]{22})$/;
