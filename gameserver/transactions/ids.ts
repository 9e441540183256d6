/**
 * Ids of transactions: made by whoever wants one, before the first attempt, and the same at every attempt.
 *
 * A client makes a UUIDv7. Where the world gives a key of its own (a store's token, an event id, a season's reward for
 * a player), the id is derived from that key, so that two who know the key cannot make two transactions of it.
 */
import { hash } from "node:crypto";

/** RFC 9562: version 7, variant 10. */
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** Derived ids: version 8 and a first byte of 0xff, which no UUIDv7 has before the year 10,900. They have a partition of their own. */
const DERIVED = /^ff[0-9a-f]{6}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const DAY_MS = 86_400_000;
/** How old a new id may be, and how far ahead: room for clients whose clock is wrong. */
const MAX_AGE_MS = 30 * DAY_MS;
const MAX_AHEAD_MS = DAY_MS;

export type IdScope = "store" | "webhook" | "reward" | "refund" | "correction";

/** The id of what the world names by `parts`: UUIDv8 (RFC 9562 §5.8) from SHA-256, 108 bits of it. */
export function derivedId(scope: IdScope, ...parts: readonly string[]): string {
  // Lengths in front, so that ("a", "bc") and ("ab", "c") differ.
  const text = [scope, ...parts].map((part) => `${part.length}:${part}`).join("");
  const hex = hash("sha256", text, "hex");
  const variant = "89ab".charAt(Number.parseInt(hex.charAt(12), 16) & 3);
  return `ff${hex.slice(0, 6)}-${hex.slice(6, 10)}-8${hex.slice(13, 16)}-${variant}${hex.slice(16, 19)}-${hex.slice(19, 31)}`;
}

/** What is wrong with an id that nobody has used yet; undefined when it may be used at `nowMs`. */
export function idProblem(id: string, nowMs: number): string | undefined {
  if (DERIVED.test(id)) return undefined;
  if (!UUID_V7.test(id))
    return "id: must be a UUIDv7 in lower case, made by the caller before the first attempt";
  const madeAt = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  if (madeAt < nowMs - MAX_AGE_MS) return "id: was made more than 30 days ago; make a new one";
  if (madeAt > nowMs + MAX_AHEAD_MS) return "id: was made more than a day ahead; set the caller's clock";
  return undefined;
}
