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
/**
 * SQLSTATE: connection exceptions (08), read-only after a failover or because the disk is full (25006), insufficient
 * resources such as disk, memory, connections (53), the server stops or starts (57P), errors of its system (58).
 */
const SQLSTATE = /^(08...|25006|53...|57P0[1-4]|58...)$/;
const TEXTS = [
  /^Connection is closed/,
  /^Stream isn't writeable/,
  /^Command timed out/,
  /^Reached the max retries per request/,
  /^(LOADING|MASTERDOWN|READONLY|TRYAGAIN|CLUSTERDOWN|MISCONF|OOM|NOREPLICAS) /,
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
