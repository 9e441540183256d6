import { expect, it } from "vitest";
import type { View } from "./sdk.ts";
import { wordsOf } from "./ticker.ts";

const view = {
  welcome: { entity: 1 },
  entities: new Map([
    [1, { kind: "ship" }],
    [40, { kind: "drone" }],
  ]),
} as unknown as View;

it.each([
  [{ kind: "hit", fields: { by: 1, target: 40, hull: 60 } }, "you hit drone 14: hull 60"],
  [{ kind: "destroyed", fields: { by: 40, target: 1 } }, "drone 14 destroyed you"],
  [{ kind: "destroyed", fields: { by: 1, target: 99 } }, "you destroyed something 2R"],
  [{ kind: "docked", fields: { station: 3 } }, "docked: hull and tank are full"],
  [{ kind: "delivered", fields: { station: 3, credits: 25 } }, "crate delivered: 25 credits"],
  [{ kind: "wave", fields: { number: 4 } }, "wave 4: new drones"],
  [{ kind: "unheard", fields: {} }, undefined],
])("says %j in words", (event, words) => {
  expect(wordsOf(event, view)).toBe(words);
});
