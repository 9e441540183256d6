/**
 * Identifiers. Ids made here are unique without a store, and time-ordered where that helps an index.
 */
import { hash, randomFillSync } from "node:crypto";

/** Random bytes are fetched by the page: the call costs far more than the bytes. */
const PAGE = Buffer.allocUnsafe(4_096);
let unused = 0;

function random(length: number): Buffer {
  if (unused < length) {
    randomFillSync(PAGE);
    unused = PAGE.length;
  }
  const start = PAGE.length - unused;
  unused -= length;
  // A copy: a page that is filled again must not change what was given away.
  return Buffer.from(PAGE.subarray(start, start + length));
}

/** UUID version 7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then 74 random bits. Sorts by creation. */
export function uuidv7(nowMs: number = Date.now()): string {
  const bytes = random(16);
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
  for (const byte of random(length)) out += ALPHABET[byte % ALPHABET.length];
  return out;
}

/** 128 random bits as base64url (22 characters): tokens and nonces. */
export function secretToken(): string {
  return random(16).toString("base64url");
}

/** SHA-256 as base64url (43 characters): what is stored in place of a secret. */
export function sha256(text: string): string {
  return hash("sha256", text, "base64url");
}
