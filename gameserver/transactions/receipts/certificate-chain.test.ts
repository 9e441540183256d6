import { describe, expect, it } from "vitest";
import { leafOfChain } from "./certificate-chain.ts";
import { type ChainOptions, ecKey, INTERMEDIATE_MARK, LEAF_MARK, makeChain } from "./testing/certificates.ts";

const HOUR_MS = 3_600_000;
const now = Date.now();
const stranger = { subject: "Test Intermediate", key: ecKey() };

describe("a chain of certificates", () => {
  it("leads to its leaf", () => {
    const chain = makeChain();
    expect(leafOfChain(chain.x5c, [makeChain().root, chain.root], now).subject).toBe("CN=Test Leaf");
  });

  it.each<[string, ChainOptions, string]>([
    ["a leaf that has expired", { leaf: { toMs: now - HOUR_MS } }, "not valid then: CN=Test Leaf"],
    ["a leaf that is not valid yet", { leaf: { fromMs: now + HOUR_MS } }, "not valid then"],
    ["an intermediate that has expired", { intermediate: { toMs: now - HOUR_MS } }, "not valid then"],
    ["a root that has expired", { root: { toMs: now - HOUR_MS } }, "not valid then"],
    ["a leaf of another issuer's key", { leaf: { issuer: stranger } }, "broken"],
    ["a leaf of another issuer", { leaf: { issuer: { ...stranger, subject: "Other" } } }, "broken"],
    ["an intermediate of another issuer", { intermediate: { issuer: stranger } }, "broken"],
    ["an intermediate that may not issue", { intermediate: { ca: false } }, "broken"],
    ["a leaf for another purpose", { leaf: { marks: [INTERMEDIATE_MARK] } }, "not issued for receipts"],
    [
      "an intermediate for another purpose",
      { intermediate: { marks: [LEAF_MARK] } },
      "not issued for receipts",
    ],
    ["a leaf without extensions", { leaf: { bare: true } }, "not issued for receipts"],
    // The mark in a name is none.
    [
      "a leaf with the mark in its name only",
      { leaf: { marks: [], subject: `\u0006\n${LEAF_MARK}` } },
      "not issued for receipts",
    ],
  ])("with %s is refused", (_what, wrong, why) => {
    const chain = makeChain(wrong);
    expect(() => leafOfChain(chain.x5c, [chain.root], now)).toThrow(why);
  });

  it("that leads elsewhere is refused, also when it is called the same", () => {
    expect(() => leafOfChain(makeChain().x5c, [makeChain().root], now)).toThrow("apple.roots");
  });

  it("of another length is refused", () => {
    const { x5c, root } = makeChain();
    expect(() => leafOfChain(x5c.slice(0, 2), [root], now)).toThrow("3 certificates");
    expect(() => leafOfChain([...x5c, x5c[2] as string], [root], now)).toThrow("3 certificates");
  });

  it("of what is no certificate is refused", () => {
    const { x5c, root } = makeChain();
    expect(() => leafOfChain(["AAAA", ...x5c.slice(1)], [root], now)).toThrow(/asn1|PEM|routines/i);
  });
});
