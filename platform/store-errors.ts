/**
 * Which errors of ioredis and node-postgres mean that a store is away, as opposed to a mistake of ours.
 *
 * Neither library has one class for it; the codes and texts here were seen with stores killed, cut off and restarting.
 */

const SOCKET = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EHOSTUNREACH",
  "EAI_AGAIN",
]);
/** SQLSTATE: connection exceptions (08), the server stops or starts (57P), too many connections (53300). */
const SQLSTATE = /^(08...|57P0[1-4]|53300)$/;
const TEXTS = [
  /^Connection is closed/,
  /^Stream isn't writeable/,
  /^Command timed out/,
  /^Reached the max retries per request/,
  /^(LOADING|MASTERDOWN|READONLY|TRYAGAIN|CLUSTERDOWN) /,
  /^Connection terminated/,
  /^Client has encountered a connection error/,
  /^timeout exceeded when trying to connect/,
  /^Query read timeout/,
  /^connect E[A-Z]+/,
];

export function isStoreAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === "string" && (SOCKET.has(code) || SQLSTATE.test(code))) return true;
  if (error instanceof AggregateError) return error.errors.some(isStoreAway);
  return TEXTS.some((text) => text.test(error.message));
}
