import { expect, it } from "vitest";
import { CLOSE, CLOSE_CODES, closeKind, isResumable } from "./close.ts";

it("every code has one name and one meaning, in the private range", () => {
  const byName = Object.entries(CLOSE).map(([name, code]) => [code, name]);
  const byCode = Object.entries(CLOSE_CODES).map(([code, kind]) => [Number(code), kind.name]);
  expect(byCode).toEqual(byName);
  expect(Object.values(CLOSE).every((code) => code >= 4000 && code <= 4099)).toBe(true);
});

it("a broken line is resumable, a standard refusal is not", () => {
  expect([4000, 4005, 1001, 1002, 1006].map((code) => isResumable(code))).toEqual([
    true,
    false,
    true,
    false,
    true,
  ]);
  expect(closeKind(1000)).toBeUndefined();
});
