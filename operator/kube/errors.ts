/**
 * What the API server said no with. Every failed call throws an `ApiError` (code `KUBE_API`), `TIMEOUT` or
 * `ABORTED`; a guard's error (`LEADERSHIP_LOST`) passes through as it is.
 *
 * The message holds the server's own message, never a request body or a header: both may carry secrets.
 */
import { type FailOptions, GamefleetError } from "../../platform/errors.ts";

/** The `Status` object the API server answers failures with, as far as we read it. */
interface StatusBody {
  readonly reason?: unknown;
  readonly message?: unknown;
  readonly details?: { readonly retryAfterSeconds?: unknown } | null;
}

export class ApiError extends GamefleetError {
  readonly #status: number;
  /** Kubernetes' machine-readable reason (`NotFound`, `Conflict`, `Expired`…); `ConnectionFailed` when none came. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string, options: FailOptions = {}) {
    super("KUBE_API", message, options);
    this.name = "ApiError";
    this.#status = status;
    this.reason = reason;
  }

  /** HTTP status of the answer; 0 when there was none (refused, reset, TLS). */
  override get status(): number {
    return this.#status;
  }

  override get retryable(): boolean {
    return this.#status === 0 || this.#status === 429 || this.#status >= 500;
  }
}

/** Reads a failed answer. `what` names the call ("GET /api/v1/pods"); the body may be JSON, text or empty. */
export function apiErrorFrom(what: string, status: number, body: string, retryAfter?: string): ApiError {
  const parsed = statusBody(body);
  const reason = typeof parsed?.reason === "string" && parsed.reason !== "" ? parsed.reason : `Http${status}`;
  const detail = typeof parsed?.message === "string" ? parsed.message : body.slice(0, 200);
  const seconds = retryAfterSeconds(retryAfter) ?? numberOf(parsed?.details?.retryAfterSeconds);
  return new ApiError(
    status,
    reason,
    `${what}: ${status} ${reason}${detail === "" ? "" : `: ${detail}`}`,
    seconds === undefined ? {} : { retryAfterSeconds: seconds },
  );
}

/** An error of the connection itself: no status, because nothing answered. */
export function connectionError(what: string, cause: unknown): ApiError {
  const detail = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new ApiError(0, "ConnectionFailed", `${what}: ${detail}`, { cause });
}

function statusBody(body: string): StatusBody | undefined {
  if (!body.startsWith("{")) return undefined;
  try {
    return JSON.parse(body) as StatusBody;
  } catch {
    return undefined;
  }
}

function retryAfterSeconds(header: string | undefined): number | undefined {
  // The API server sends whole seconds; the date form of RFC 9110 is left to the back-off.
  return header !== undefined && /^\d+$/.test(header) ? Number(header) : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && value > 0 ? value : undefined;
}

const hasStatus =
  (status: number) =>
  (error: unknown): error is ApiError =>
    error instanceof ApiError && error.status === status;

export const isNotFound = hasStatus(404);
/** 410: the resourceVersion or continue token is too old. Relist. */
export const isExpired = hasStatus(410);
/** 422: the object breaks its schema or a CEL rule. Trying again cannot help. */
export const isInvalid = hasStatus(422);
export const isThrottled = hasStatus(429);

/** 409 with the reason that a name is taken already. */
export function isAlreadyExists(error: unknown): error is ApiError {
  return hasStatus(409)(error) && error.reason === "AlreadyExists";
}

/** 409 because the object changed since it was read, or another field manager owns a field. */
export function isConflict(error: unknown): error is ApiError {
  return hasStatus(409)(error) && error.reason !== "AlreadyExists";
}

/** For `delete(...).catch(ignoreNotFound)`: gone already is as good as deleted. */
export function ignoreNotFound(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}
