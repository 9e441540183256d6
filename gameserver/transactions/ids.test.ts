import fc from "fast-check";
import { expect, it } from "vitest";
import { uuidv7 } from "../../platform/ids.ts";
import { derivedId, idProblem } from "./ids.ts";

const NOW = Date.UTC(2026, 10, 21);
const DAY = 86_400_000;

it("takes what a client makes about now, and says what is wrong with the rest", () => {
  expect(idProblem(uuidv7(NOW), NOW)).toBeUndefined();
  expect(idProblem(uuidv7(NOW - 29 * DAY), NOW)).toBeUndefined();
  expect(idProblem(uuidv7(NOW - 31 * DAY), NOW)).toContain("more than 30 days ago");
  expect(idProblem(uuidv7(NOW + 2 * DAY), NOW)).toContain("ahead");
  for (const id of [
    "",
    "x",
    uuidv7(NOW).toUpperCase(),
    "b9e1c9f0-6f2d-4c1a-9f42-0123456789ab",
    `${uuidv7(NOW)} `,
  ])
    expect(idProblem(id, NOW)).toContain("must be a UUIDv7");
});

it("a derived id is always good, depends on every part, and on where one ends and the next begins", () => {
  const part = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), fc.array(part, { maxLength: 4 }), (a, b) => {
      const id = derivedId("reward", ...a);
      expect(idProblem(id, NOW)).toBeUndefined();
      expect(derivedId("reward", ...a)).toBe(id);
      expect(derivedId("refund", ...a)).not.toBe(id);
      expect(derivedId("reward", ...b) === id).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
  );
});
