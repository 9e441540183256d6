/**
 * Identifiers. Ids made here are unique without a store, and time-ordered where that helps an index.
 */
import { createHash, randomBytes } from "node:crypto";

/** UUID version 7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then 74 random bits. Sorts by creation. */
export function uuidv7(nowMs: number = Date.now()): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Kubernetes' own alphabet for generated names: no vowels and no look-alikes. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** A random lower-case suffix for object names, as `generateName` makes them. */
export function nameSuffix(length = 5): string {
  let out = "";
  for (const byte of randomBytes(length)) out += ALPHABET[byte % ALPHABET.length];
  return out;
}

/** 128 random bits as base64url (22 characters): tokens and nonces. */
export function secretToken(): string {
  return randomBytes(16).toString("base64url");
}

/** SHA-256 as base64url (43 characters): what is stored in place of a secret. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
