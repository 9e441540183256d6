/**
 * Every error of gamefleet that a user, an operator or a client may see, in one table.
 *
 * Promise: a code never changes its meaning and is never reused. The message says what is wrong, names the
 * field, and says how to mend it; callers decide by `code`, never by message. `status` is the HTTP status
 * used in problem+json answers (RFC 9457); `retry` says that the same request may succeed later.
 */

interface ErrorKind {
  readonly status: number;
  readonly title: string;
  readonly retry?: true;
}

export const ERRORS = {
  // Start-up
  CONFIG_INVALID: { status: 500, title: "Configuration is invalid" },
  GAME_INVALID: { status: 500, title: "Game definition is invalid" },
  SCHEMA_TOO_NEW: { status: 500, title: "Database schema is newer than this program" },
  SCHEMA_DIFFERS: { status: 500, title: "Database schema was made by another build" },
  // Requests
  REQUEST_INVALID: { status: 400, title: "Request is invalid" },
  ROUTE_NOT_FOUND: { status: 404, title: "No such route" },
  UNAUTHENTICATED: { status: 401, title: "Credentials are missing or wrong" },
  RATE_LIMITED: { status: 429, title: "Too many requests", retry: true },
  BODY_TOO_LARGE: { status: 413, title: "Body is too large" },
  MEDIA_TYPE_UNSUPPORTED: { status: 415, title: "Media type is not supported" },
  IDEMPOTENCY_CONFLICT: { status: 409, title: "Same request key, other parameters" },
  INTERNAL: { status: 500, title: "Internal error" },
  TIMEOUT: { status: 504, title: "Timed out", retry: true },
  ABORTED: { status: 503, title: "Stopped", retry: true },
  // Stores
  STORE_UNAVAILABLE: { status: 503, title: "A store is not reachable", retry: true },
  CIRCUIT_OPEN: { status: 503, title: "Circuit breaker is open", retry: true },
  // Placement
  FLEET_NOT_FOUND: { status: 404, title: "No such fleet" },
  FLEET_FULL: { status: 503, title: "No place in the fleet", retry: true },
  ZONE_NOT_FOUND: { status: 404, title: "No such zone" },
  ZONE_FULL: { status: 503, title: "No place in the zone", retry: true },
  ZONE_UNPLACED: { status: 503, title: "The zone is being placed", retry: true },
  SESSION_NOT_FOUND: { status: 404, title: "No such session" },
  RESUME_REFUSED: { status: 401, title: "Resume token is not valid" },
  // Pod
  TICKET_INVALID: { status: 401, title: "Ticket is not valid" },
  TICKET_EXPIRED: { status: 401, title: "Ticket has expired" },
  TICKET_USED: { status: 401, title: "Ticket was used already" },
  TICKET_ELSEWHERE: { status: 401, title: "Ticket is for another server" },
  SERVER_FULL: { status: 503, title: "Server is full", retry: true },
  SERVER_DRAINING: { status: 503, title: "Server is draining", retry: true },
  FRAME_INVALID: { status: 400, title: "Frame is malformed" },
  SNAPSHOT_INVALID: { status: 422, title: "Snapshot cannot be restored" },
  RECORDING_INVALID: { status: 422, title: "Recording cannot be replayed" },
  FENCED: { status: 409, title: "Ownership has moved on" },
  TASK_CYCLE: { status: 500, title: "Tasks would wait for each other" },
  MEMORY_LOW: { status: 503, title: "Server is short of memory", retry: true },
  SERVER_OVERLOADED: { status: 503, title: "Server takes nobody new while it is overloaded", retry: true },
  // Transactions
  TRANSACTION_NOT_FOUND: { status: 404, title: "No such transaction" },
  TRANSACTION_REFUSED: { status: 503, title: "Nothing was promised just now", retry: true },
  RECEIPT_REFUSED: { status: 422, title: "The store does not vouch for the receipt" },
  RECEIPT_TAKEN: { status: 409, title: "The receipt belongs to another player" },
  RECEIPT_UNVERIFIED: { status: 503, title: "The store cannot be asked just now", retry: true },
  // Kubernetes
  KUBE_API: { status: 502, title: "Kubernetes API call failed" },
  LEADERSHIP_LOST: { status: 503, title: "Not the leader any more" },
  TERMINAL: { status: 422, title: "Cannot succeed without a change" },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export interface FailOptions {
  readonly cause?: unknown;
  /** Fields that are at fault, each with what must be done: `{"spec.replicas": "must be ≥ 0"}`. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Seconds after which a retry may make sense. */
  readonly retryAfterSeconds?: number;
}

/** The base of all errors raised on purpose. Anything else that is thrown is a bug and is counted as one. */
export class GamefleetError extends Error {
  readonly code: ErrorCode;
  readonly fields: Readonly<Record<string, string>> | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, detail: string, options: FailOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "GamefleetError";
    this.code = code;
    this.fields = options.fields;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retryable(): boolean {
    return "retry" in ERRORS[this.code];
  }
}

/** Makes an error of the table. Use as `throw fail("ZONE_FULL", "zone sol-3 holds 50 of 50 sessions")`. */
export function fail(code: ErrorCode, detail: string, options?: FailOptions): GamefleetError {
  return new GamefleetError(code, detail, options);
}

/** True when `error` is ours and carries `code`. */
export function hasCode(error: unknown, code: ErrorCode): error is GamefleetError {
  return error instanceof GamefleetError && error.code === code;
}

/** The message of anything that can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
