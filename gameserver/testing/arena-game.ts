/** A game of a page for tests: walkers who move, shout and fall; one rock; a timer; a rule that throws. */
import { defineGame } from "../game.ts";

const unit = { type: "f32", min: -1, max: 1, step: 0.01 } as const;

export const game = defineGame(
  {
    name: "arena",
    version: 1,
    space: { width: 200, height: 200, step: 1 / 16, maxSpeed: 20 },
    interest: { radius: 50, cap: 8 },
    updateHz: 20,
    columns: {
      hp: { type: "u8", to: "near" },
      gold: { type: "u32", to: "owner" },
      secret: { type: "i16", to: "nobody" },
    },
    kinds: {
      walker: { radius: 1, mass: 1, perPlayer: 2, columns: ["hp", "gold", "secret"] },
      rock: { radius: 10, perZone: 2, columns: ["hp"] },
    },
    inputs: { walk: { dx: unit, dy: unit }, shout: { word: { type: "u16" } }, fail: {}, finish: {} },
    events: {
      shouted: { by: { type: "u32" }, word: { type: "u16" } },
      told: { word: { type: "u16" } },
      rang: {},
    },
    records: { tally: { shouts: { type: "u32" } } },
    timers: ["bell"],
  },
  {
    open(zone) {
      zone.spawn("rock", { x: 150, y: 150, hp: 7 });
      zone.setTimer("bell", 2);
    },
    join: (zone, player) => zone.spawn("walker", { x: 40 + (player.slot % 10) * 3, y: 40, hp: 100, gold: 5 }),
    inputs: {
      walk(_zone, walker, { dx, dy }) {
        walker.vx = dx * 10;
        walker.vy = dy * 10;
      },
      shout(zone, walker, { word }) {
        zone.records.tally.shouts += 1;
        walker.gold += 1;
        zone.send("shouted", { by: walker.id, word }, { x: walker.x, y: walker.y, radius: 60 });
        if (word === 999) zone.send("told", { word }, { player: 0 });
      },
      fail() {
        throw new Error("a rule that fails");
      },
      finish: (zone) => zone.end(),
    },
    timers: {
      bell(zone) {
        zone.send("rang", {}, "everyone");
        zone.setTimer("bell", 2);
      },
    },
    touch(_zone, a) {
      a.hp = Math.max(0, a.hp - 1);
    },
  },
);
