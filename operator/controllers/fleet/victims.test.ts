import fc from "fast-check";
import { expect, it } from "vitest";
import { gameServer } from "../testing.ts";
import type { Member } from "./observed.ts";
import { byExpendability } from "./victims.ts";

const member = (name: string, over: Partial<Member> & { readonly createdMs?: number } = {}): Member => ({
  server: gameServer({ name, ...(over.createdMs === undefined ? {} : { createdMs: over.createdMs }) }),
  revision: "new",
  ready: true,
  finished: false,
  sessions: 0,
  ...over,
});
const order = (members: readonly Member[]) =>
  [...members].sort(byExpendability("new")).map((entry) => entry.server.metadata.name);

it("lets go first who is missed least", () => {
  const members = [
    member("unknown", { sessions: undefined }),
    member("crowded", { sessions: 90 }),
    member("few", { sessions: 2 }),
    member("empty"),
    member("empty-old", { createdMs: -90_000 }),
    member("outdated-crowded", { revision: "old", sessions: 90 }),
    member("starting", { ready: false }),
    member("given-up", { ready: false, finished: true }),
  ];
  expect(order(members)).toEqual([
    "given-up",
    "starting",
    "outdated-crowded",
    "empty",
    "empty-old",
    "few",
    "crowded",
    "unknown",
  ]);
});

it("gives the same order however the members came", () => {
  const members = Array.from({ length: 12 }, (_, n) =>
    member(`s-${n}`, { sessions: n % 3, ready: n % 2 === 0, revision: n % 4 === 0 ? "old" : "new" }),
  );
  fc.assert(
    fc.property(fc.shuffledSubarray(members, { minLength: members.length }), (shuffled) => {
      expect(order(shuffled)).toEqual(order(members));
    }),
  );
});
