import { describe, expect, it } from "vitest";
import { hasCode } from "../../platform/errors.ts";
import type { GameDeclaration } from "../game.ts";
import { game as arena } from "../testing/arena-game.ts";
import { rowsOf } from "./memory.ts";
import { compileGame } from "./schema.ts";

const base = arena.declaration;
const faultsOf = (over: Partial<GameDeclaration>): Readonly<Record<string, string>> => {
  try {
    compileGame({ ...base, ...over });
  } catch (error) {
    if (hasCode(error, "GAME_INVALID")) return error.fields ?? {};
    throw error;
  }
  return {};
};

describe("a declaration", () => {
  it("becomes columns in memory and fields on the wire", () => {
    const schema = compileGame(base);
    expect(schema.columns.map(({ name, published }) => [name, published])).toEqual([
      ["x", 0],
      ["y", 1],
      ["vx", -1],
      ["vy", -1],
      ["hp", 2],
      ["gold", 3],
      ["secret", -1],
    ]);
    expect(schema.descriptor.columns.map(({ name, width }) => [name, width])).toEqual([
      ["x", 2],
      ["y", 2],
      ["hp", 1],
      ["gold", 4],
    ]);
    expect(schema.descriptor.kinds[0]).toEqual({ name: "walker", radius: 1, near: [0, 1, 2], owner: [3] });
    expect([rowsOf(schema, 0), rowsOf(schema, 1), schema.updateTicks, schema.inputBytes]).toEqual([
      2, 4, 3, 2,
    ]);
  });

  it.each<[string, Partial<GameDeclaration>]>([
    ["columns.speed", { columns: { ...base.columns, speed: { type: "f32", to: "near" } } }],
    ["columns.x", { columns: { ...base.columns, x: { type: "f32" } } }],
    ["columns.Bad name", { columns: { ...base.columns, "Bad name": { type: "u8" } } }],
    [
      "columns.hp",
      { columns: { ...base.columns, hp: { type: "f64", min: 0, max: 1e12, step: 1e-3, to: "near" } } },
    ],
    ["columns.gold", { columns: { ...base.columns, gold: { type: "text" as "u8" } } }],
    ["kinds.walker.columns", { kinds: { walker: { radius: 1, perPlayer: 1, columns: ["nothing"] } } }],
    ["kinds.walker.radius", { kinds: { walker: { radius: 0, perPlayer: 1, columns: [] } } }],
    ["kinds", { kinds: { rock: { radius: 1, perZone: 1 } } }],
    ["inputs.walk.dx", { inputs: { walk: { dx: { type: "f32" } } } }],
    ["space.maxSpeed", { space: { ...base.space, maxSpeed: Number.NaN } }],
    ["interest.cap", { interest: { radius: 5, cap: 255 } }],
    ["updateHz", { updateHz: 60 }],
  ])("with a fault in %s is refused naming it", (field, over) => {
    expect(Object.keys(faultsOf(over))).toEqual([field]);
  });

  it("with several faults is refused with all of them", () => {
    expect(Object.keys(faultsOf({ updateHz: 1, version: 0 })).sort()).toEqual(["updateHz", "version"]);
  });

  const refit = { price: 50, currency: "credits", gives: { refit: 1 } };
  it.each<[string, object]>([
    ["offers.refit.price", { price: 0 }],
    ["offers.refit.price", { price: 0.5 }],
    ["offers.refit.price", { price: Number.NaN }],
    // Times 65,535, the most that may be asked for at once, it would not be exact any more.
    ["offers.refit.price", { price: 137_441_050_657 }],
    ["offers.refit.currency", { currency: "" }],
    ["offers.refit.currency", { currency: undefined }],
    ["offers.refit.currency", { currency: "two\nlines" }],
    ["offers.refit.gives", { gives: {} }],
    ["offers.refit.gives", { gives: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`i${n}`, 1])) }],
    ["offers.refit.gives.refit", { gives: { refit: -1 } }],
    [`offers.refit.gives.${"x".repeat(65)}`, { gives: { ["x".repeat(65)]: 1 } }],
    ["offers.refit.gives.credits", { gives: { credits: 5 } }],
  ])("with a fault in %s is refused before anybody can buy", (field, over) => {
    expect(faultsOf({ offers: { refit } })).toEqual({});
    expect(faultsOf({ offers: { refit: { ...refit, price: 137_441_050_656 } } })).toEqual({});
    expect(Object.keys(faultsOf({ offers: { refit: { ...refit, ...over } } }))).toEqual([field]);
  });

  it("names what is wrong with navigation", () => {
    const grid = (over: object) => faultsOf({ navigation: { cell: 1, kinds: ["rock"], ...over } });
    expect(grid({})).toEqual({});
    expect(Object.keys(grid({ cell: 0 }))).toEqual(["navigation.cell"]);
    expect(grid({ cell: 0.5 })["navigation.cell"]).toContain("65535 are the most");
    expect(grid({ kinds: [] })["navigation.kinds"]).toContain("at least one");
    expect(grid({ kinds: ["ghost"] })["navigation.kinds"]).toContain("ghost");
    expect(
      Object.keys(
        grid({
          blocked: [
            [0, 0, 1, 1],
            [0, 0, 0, 1],
          ],
        }),
      ),
    ).toEqual(["navigation.blocked.1"]);
  });
});
