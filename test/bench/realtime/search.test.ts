import fc from "fast-check";
import { expect, it } from "vitest";
import { searchHeld, type Trial } from "./search.ts";

/** A server that holds so many, and half as many as the goal asks for. */
const server = (holds: number) => (sessions: number) =>
  Promise.resolve<Trial>({
    sessions,
    held: sessions <= holds,
    goal: sessions <= holds / 2,
    perCore: sessions / 2,
  });

it("finds what a server holds to within a tenth, wherever it begins, in a few trials", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 600, max: 50_000 }),
      fc.integer({ min: 4, max: 400 }),
      async (holds, from) => {
        const trial = server(holds);
        const found = await searchHeld(await trial(from * 50), trial, () => true);
        expect(found.sessions).toBeLessThanOrEqual(holds);
        expect(found.above).toBeGreaterThan(holds);
        expect(found.above).toBeLessThanOrEqual(found.sessions * 1.1 + 50);
        expect(found.perCore).toBe(found.sessions / 2);
        expect(found.trials).toBeLessThan(20);
      },
    ),
  );
});

it("says what it knows when there is no time left, and that nothing was held", async () => {
  const trial = server(1_000);
  let left = 2;
  const cut = await searchHeld(await trial(500), trial, () => left-- > 0);
  expect(cut).toEqual({ sessions: 750, perCore: 375, goal: 500, above: 1_150, trials: 2 });
  const none = await searchHeld(await server(0)(400), server(0), () => true);
  expect(none.sessions).toBe(0);
  expect(none.perCore).toBeNaN();
});
