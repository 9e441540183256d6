/**
 * Which failed calls are tried again at once, and when. Pure.
 *
 * Few and short: the work queue retries whole reconciles anyway, so this only bridges a blip (an API server
 * restarting behind its address, a reset keep-alive connection) that would otherwise cost a reconcile.
 */
import { backoff } from "../../platform/background.ts";
import { ApiError } from "./errors.ts";

const MAX_RETRIES = 3;
/** A server that asks for a longer pause is obeyed by the queue's back-off, not by holding a reconcile here. */
const MAX_PAUSE_MS = 5_000;

/** Errors raised before a single byte was sent: any verb may be tried again. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

export interface Attempt {
  /** Same effect whether carried out once or twice. */
  readonly idempotent: boolean;
  /** How many tries were made before this failed one. */
  readonly retries: number;
}

/** Milliseconds to wait before the next try, or undefined to give up and throw. */
export function retryDelayMs(
  error: unknown,
  attempt: Attempt,
  random: () => number = Math.random,
): number | undefined {
  if (!(error instanceof ApiError) || attempt.retries >= MAX_RETRIES) return undefined;
  if (!mayRetry(error, attempt.idempotent)) return undefined;
  const own = backoff(attempt.retries, { baseMs: 100, maxMs: 2_000 }, random);
  const asked = (error.retryAfterSeconds ?? 0) * 1_000;
  if (asked > MAX_PAUSE_MS) return undefined;
  // Jitter on top of Retry-After: all clients were given the same number.
  return asked === 0 ? own : asked + own;
}

function mayRetry(error: ApiError, idempotent: boolean): boolean {
  // 429 is sent by priority and fairness before the request is carried out.
  if (error.status === 429) return true;
  if (error.status === 0) return idempotent || NEVER_SENT.has(codeOf(error.cause));
  return error.status >= 500 && idempotent;
}

function codeOf(cause: unknown): string {
  return typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "";
}
