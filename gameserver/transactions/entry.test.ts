import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeEntry, type Entry, encodeEntry, KINDS, parametersHash } from "./entry.ts";
import { buy, grant, trade } from "./testing/entries.ts";

const anyEntry: fc.Arbitrary<Entry> = fc
  .record({
    id: fc.uuid(),
    kind: fc.constantFrom(...KINDS),
    player: fc.string(),
    counterparty: fc.option(fc.string(), { nil: undefined }),
    transfers: fc.array(
      fc.record({ from: fc.string(), to: fc.string(), asset: fc.string(), amount: fc.maxSafeNat() }),
      { maxLength: 5 },
    ),
    hash: fc.string(),
    acceptedAt: fc.maxSafeNat(),
    validUntil: fc.option(fc.maxSafeNat(), { nil: undefined }),
    trace: fc.string(),
  })
  .map(
    (entry) =>
      Object.fromEntries(
        Object.entries(entry).filter(([, value]) => value !== undefined),
      ) as unknown as Entry,
  );

it("comes out of the journal as it went in", () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      expect(decodeEntry(encodeEntry(entry))).toEqual(entry);
    }),
  );
});

it("is not read when a byte of it is missing, changed or of another version", () => {
  const text = encodeEntry(buy(5));
  fc.assert(
    fc.property(fc.nat(text.length - 1), (at) => {
      expect(decodeEntry(text.slice(0, at) + text.slice(at + 1))).toBeUndefined();
      const other = text[at] === "x" ? "y" : "x";
      expect(decodeEntry(text.slice(0, at) + other + text.slice(at + 1))).toBeUndefined();
    }),
  );
  expect(decodeEntry("")).toBeUndefined();
});

it("has the same hash when it is sent again, and another when it does another thing", () => {
  const first = trade("ann", "bob", 5);
  expect(parametersHash({ ...first })).toBe(first.hash);
  const again = { ...first, acceptedAt: 1, trace: "other", validUntil: 9 };
  expect(parametersHash(again)).toBe(first.hash);
  for (const other of [
    { ...first, player: "eve" },
    { ...first, counterparty: "eve" },
    { ...first, kind: "purchase" as const },
    { ...first, transfers: first.transfers.slice(1) },
    { ...first, transfers: [...first.transfers].reverse() },
  ])
    expect(parametersHash(other)).not.toBe(first.hash);
});

it("an entry of a later version is left alone", () => {
  const body = encodeEntry(grant(1)).slice(8).replace(/^\[1,/, "[2,");
  expect(decodeEntry(crc32(body).toString(16).padStart(8, "0") + body)).toBeUndefined();
});
