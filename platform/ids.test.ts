import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nameSuffix, secretToken, sha256, uuidv7 } from "./ids.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const instant = fc.integer({ min: 0, max: 2 ** 48 - 1 });

describe("uuidv7", () => {
  it("has the form of RFC 9562 and carries its time", () => {
    fc.assert(
      fc.property(instant, (nowMs) => {
        const id = uuidv7(nowMs);
        expect(id).toMatch(UUID_V7);
        expect(Number.parseInt(id.replace("-", "").slice(0, 12), 16)).toBe(nowMs);
      }),
    );
  });

  it("sorts by creation", () => {
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        fc.pre(a < b);
        expect(uuidv7(a) < uuidv7(b)).toBe(true);
      }),
    );
  });

  it("is told apart within one millisecond, over many pages of random bytes", () => {
    const ids = Array.from({ length: 20_000 }, () => uuidv7(1));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("takes the time of the call", () => {
    const before = Date.now();
    const id = uuidv7();
    const time = Number.parseInt(id.replace("-", "").slice(0, 12), 16);
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(Date.now());
  });
});

describe("nameSuffix", () => {
  it("ends an object's name lawfully, in the wanted length", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), (length) => {
        expect(nameSuffix(length)).toMatch(new RegExp(`^[bcdfghjklmnpqrstvwxz2456789]{${length}}$`));
      }),
    );
    expect(nameSuffix()).toHaveLength(5);
  });

  it("uses every letter of its alphabet", () => {
    expect(new Set(nameSuffix(4_000)).size).toBe(27);
  });
});

it("a secret token is 128 bits in 22 characters, never the same", () => {
  const tokens = Array.from({ length: 5_000 }, secretToken);
  for (const token of tokens) expect(token).toMatch(/^[\w-]{22}$/);
  expect(new Set(tokens).size).toBe(tokens.length);
  // What was given away must not change when the page is filled anew: the first is still what it was.
  expect(Buffer.from(tokens[0] ?? "", "base64url")).toHaveLength(16);
});

it("sha256 is the known digest, as base64url", () => {
  expect(sha256("abc")).toBe("ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
  expect(sha256("")).toHaveLength(43);
});
