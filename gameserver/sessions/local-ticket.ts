/**
 * Unsigned tickets for a pod without stores (`GAMEFLEET_LOCAL`): JSON instead of a JWT. For development by hand.
 *
 * `{"player":"ada","zone":"sol"}`; with a resume token of one's own choice also `"resume":"<session>.<secret>"`.
 */
import { z } from "zod";
import { fail } from "../../platform/errors.ts";
import { sha256, uuidv7 } from "../../platform/ids.ts";
import { SESSION_ROLES } from "../../protocol/ticket.ts";
import type { Grant } from "./sessions.ts";

const LocalTicket = z.object({
  player: z.string().min(1).max(256),
  zone: z.string().min(1).max(253),
  resume: z.string().min(3).max(128).optional(),
  role: z.enum(SESSION_ROLES).default("player"),
});

export function localGrant(token: string): Grant {
  const ticket = LocalTicket.safeParse(parse(token));
  if (!ticket.success)
    throw fail("TICKET_INVALID", 'a local ticket is JSON like {"player":"ada","zone":"sol"}');
  const { player, zone, resume, role } = ticket.data;
  const session = resume?.split(".")[0] ?? uuidv7();
  return {
    session,
    player,
    zone,
    resumeHash: sha256(resume ?? uuidv7()),
    party: undefined,
    role,
    back: false,
  };
}

function parse(token: string): unknown {
  try {
    return JSON.parse(token);
  } catch {
    return undefined;
  }
}
