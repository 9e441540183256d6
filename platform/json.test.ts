import fc from "fast-check";
import { expect, it } from "vitest";
import { canonicalJson, sameJson } from "./json.ts";

/** The same value with the keys of every object in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, child]) => [key, reversed(child)] as const);
  return Object.fromEntries(entries.reverse());
}

it("equal values give equal text, in whatever order their keys were set", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      expect(sameJson(value, structuredClone(value))).toBe(true);
    }),
  );
});

it("the text says the value and nothing else", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

it("undefined members count as absent, null ones do not", () => {
  expect(sameJson({ a: 1, b: undefined }, { a: 1 })).toBe(true);
  expect(sameJson({ a: null }, {})).toBe(false);
  expect(sameJson(undefined, undefined)).toBe(true);
  expect(sameJson(undefined, {})).toBe(false);
});

it("the order of a list is part of what it says", () => {
  expect(sameJson([1, 2], [2, 1])).toBe(false);
  expect(sameJson({ 0: 1 }, [1])).toBe(false);
});
