import { expect, it } from "vitest";
import { fail } from "./errors.ts";
import { isStoreAway } from "./store-errors.ts";

const withCode = (code: string) => Object.assign(new Error("x"), { code });

it("knows a store that is away from a mistake of ours", () => {
  for (const code of ["ECONNREFUSED", "57P01", "08006", "53100", "25006", "58030"])
    expect(isStoreAway(withCode(code))).toBe(true);
  for (const text of [
    "Connection is closed.",
    "Command timed out",
    "LOADING Redis is loading",
    "MISCONF Errors writing to the AOF file: No space left on device",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "Connection terminated",
  ]) {
    expect(isStoreAway(new Error(text))).toBe(true);
  }
  expect(isStoreAway(new AggregateError([withCode("ECONNREFUSED")]))).toBe(true);
  for (const other of [
    withCode("23505"),
    new TypeError("x is undefined"),
    fail("ZONE_FULL", "full"),
    "text",
    undefined,
  ]) {
    expect(isStoreAway(other)).toBe(false);
  }
});
