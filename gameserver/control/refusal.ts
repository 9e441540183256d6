/** Which close code tells a client why its HELLO was refused. */
import { type ErrorCode, GamefleetError } from "../../platform/errors.ts";
import { CLOSE, type CloseCode } from "../../protocol/close.ts";

const CODES: Partial<Record<ErrorCode, CloseCode>> = {
  TICKET_INVALID: CLOSE.ticketInvalid,
  TICKET_EXPIRED: CLOSE.ticketInvalid,
  TICKET_USED: CLOSE.ticketInvalid,
  TICKET_ELSEWHERE: CLOSE.ticketInvalid,
  RESUME_REFUSED: CLOSE.resumeRefused,
  // The session may live on elsewhere, or be restored: the allocator knows.
  SESSION_NOT_FOUND: CLOSE.zoneMoved,
  ZONE_NOT_FOUND: CLOSE.zoneMoved,
  ZONE_FULL: CLOSE.serverFull,
  SERVER_FULL: CLOSE.serverFull,
  SERVER_DRAINING: CLOSE.draining,
  MEMORY_LOW: CLOSE.serverFull,
  SERVER_OVERLOADED: CLOSE.serverFull,
  STORE_UNAVAILABLE: CLOSE.storeAway,
};

/** `reason` is the stable error code: details stay in our log. */
export function refusalCode(error: unknown): { readonly code: CloseCode; readonly reason: string } {
  if (!(error instanceof GamefleetError)) return { code: CLOSE.internal, reason: "INTERNAL" };
  return { code: CODES[error.code] ?? CLOSE.internal, reason: error.code };
}
