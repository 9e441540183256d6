import { expect, it } from "vitest";
import { PlayerLimits } from "./player-limits.ts";

const refused = expect.objectContaining({ code: "RATE_LIMITED" }) as Error;

it("lets a burst through, then so many a second, each player by himself", () => {
  const limits = new PlayerLimits();
  for (let n = 0; n < 20; n++) limits.take("ann", 0);
  expect(() => limits.take("ann", 0)).toThrow(refused);
  expect(() => limits.take("ann", 199)).toThrow(refused);
  limits.take("ann", 201);
  expect(() => limits.take("ann", 202)).toThrow(refused);
  limits.take("bob", 202);
});

it("is full again after a while, and never fuller", () => {
  const limits = new PlayerLimits();
  for (let n = 0; n < 20; n++) limits.take("ann", 0);
  for (let n = 0; n < 20; n++) limits.take("ann", 3_600_000);
  expect(() => limits.take("ann", 3_600_000)).toThrow(refused);
});

it("remembers a bounded number of players: whom it heard least lately it forgets first", () => {
  const limits = new PlayerLimits();
  for (const player of ["ann", "bob"]) for (let n = 0; n < 20; n++) limits.take(player, 0);
  // Ann's bucket is forgotten, and so full again; Bob was heard after her.
  for (let n = 0; n < 49_999; n++) limits.take(`p${n}`, 1);
  expect(() => limits.take("bob", 2)).toThrow(refused);
  limits.take("ann", 2);
});
