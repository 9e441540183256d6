/** What to do about each error, in a line. One without advice does not pass the type check. */
import type { ErrorCode } from "../../../platform/errors.ts";

export const ADVICE: Readonly<Record<ErrorCode, string>> = {
  CONFIG_INVALID: "Mend the variable or file that the message names: [configuration](configuration.md).",
  GAME_INVALID: "Mend the game; the message names the field of its declaration.",
  SCHEMA_TOO_NEW: "The database is ahead of this build: run the newer build.",
  SCHEMA_DIFFERS:
    "The migration that the message names was applied with another text: run the build that made the database.",
  REQUEST_INVALID: "Change the request; `fields` says what is wrong where.",
  ROUTE_NOT_FOUND: "Check method and path: [HTTP](http.md).",
  UNAUTHENTICATED:
    "Show a known service token; for an event of a store, check what its signature is made with.",
  RATE_LIMITED: "Wait for `Retry-After`. Limits of the allocator: [configuration](configuration.md).",
  BODY_TOO_LARGE: "Send less.",
  MEDIA_TYPE_UNSUPPORTED: "Send `application/json`.",
  IDEMPOTENCY_CONFLICT: "The key or id stands for another request already: make a new one for a new request.",
  INTERNAL: "A bug: look up `requestId` in the log, and report it.",
  TIMEOUT: "Try again. If it stays: a store or the API server is too slow.",
  ABORTED: "The process was stopping: try again.",
  STORE_UNAVAILABLE: "Redis or PostgreSQL is away: look there; try again.",
  CIRCUIT_OPEN: "A store has failed too often and is left alone for a moment: look there; try again.",
  FLEET_NOT_FOUND: "Check namespace and name of the fleet.",
  FLEET_FULL: "Ask again later. If it stays: more `replicas`, or more zones on demand.",
  ZONE_NOT_FOUND: "No server serves the zone: check its name; it may be over.",
  ZONE_FULL: "Choose another zone, or ask again later.",
  ZONE_UNPLACED: "The zone is on its way to a server: ask again in a second.",
  SESSION_NOT_FOUND: "The session is over, or on another server: ask the allocator.",
  RESUME_REFUSED: "The resume token is wrong or of another session: ask for a new place.",
  TICKET_INVALID: "Ask for a new ticket. If all are refused: do allocator and server use the same Redis?",
  TICKET_EXPIRED: "Ask for a new ticket, and connect at once. If all are late: check the clocks.",
  TICKET_USED: "A ticket lets in once: resume, or ask for a new one.",
  TICKET_ELSEWHERE: "Connect to the server that was told with the ticket.",
  SERVER_FULL: "Ask the allocator again.",
  SERVER_DRAINING: "Ask the allocator again: another server takes the player.",
  FRAME_INVALID: "The client sent what [the protocol](../protocol.md) does not know: mend or update it.",
  SNAPSHOT_INVALID:
    "The state was saved under another version of the game, or is cut off: the message says which.",
  RECORDING_INVALID: "Replay with the game it was made with; the message names the line.",
  FENCED: "Another process owns the journal now: this one writes no more. Nothing to do.",
  TASK_CYCLE: "A bug: the message names the tasks. Report it.",
  MEMORY_LOW:
    "Ask the allocator again. If it stays: a higher memory limit, or fewer sessions: [scheduler](../scheduler.md).",
  SERVER_OVERLOADED:
    "Ask the allocator again. If it stays: more CPU or more servers: [scheduler](../scheduler.md).",
  TRANSACTION_NOT_FOUND: "Send it again with the same id. For a refund: there is nothing to undo.",
  TRANSACTION_REFUSED: "Nothing was accepted: send it again with the same id after `Retry-After`.",
  RECEIPT_REFUSED: "The message has the store's reason; the same receipt stays refused.",
  RECEIPT_TAKEN: "It was granted to another player, and is granted once.",
  RECEIPT_UNVERIFIED: "Show the receipt again later; look whether the store can be reached.",
  KUBE_API: "The message has the API server's answer: often rights (RBAC), a quota or an admission rule.",
  LEADERSHIP_LOST: "Another replica leads; this one starts over. If it comes often: the API server is slow.",
  TERMINAL: "Change what the message names; the same try fails again.",
};
