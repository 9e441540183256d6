/** A game for tests of AI: wolves who count their thoughts, by form, and the longest time between two. */
import { defineGame } from "../game.ts";

export const WOLVES = 1_200;
const TICK_HZ = 60;

export const game = defineGame(
  {
    name: "crowd",
    version: 1,
    space: { width: 1_200, height: 1_200, step: 1 / 16, maxSpeed: 20 },
    interest: { radius: 60, cap: 8 },
    columns: {
      full: { type: "u32" },
      simple: { type: "u32" },
      idle: { type: "u32" },
      /** Ticks: the longest between two thoughts so far, and the last as the rule was told. */
      gap: { type: "u32" },
      told: { type: "u32" },
      chance: { type: "f32" },
    },
    kinds: {
      hero: { radius: 1, perPlayer: 1, columns: [] },
      wolf: { radius: 0.1, perZone: WOLVES, collides: false, columns: [] },
      sheep: { radius: 0.1, perZone: 500, collides: false, columns: [] },
    },
    inputs: { nothing: {} },
    events: { nothing: {} },
    records: { now: { thoughts: { type: "u32" }, tick: { type: "u32" }, most: { type: "u32" } } },
  },
  {
    join: (zone, { slot }) => zone.spawn("hero", { x: 100 * (slot + 1), y: 100 }),
    inputs: { nothing() {} },
    brains: {
      wolf: {
        thinkHz: 10,
        think: (zone, wolf, seconds) => count(zone, wolf, seconds, "full"),
        simple: (zone, wolf, seconds) => count(zone, wolf, seconds, "simple"),
        idle: (zone, wolf, seconds) => count(zone, wolf, seconds, "idle"),
      },
      // Slow, of one form only, and each third thought goes wrong.
      sheep: {
        thinkHz: 2,
        think(zone, sheep, seconds) {
          count(zone, sheep, seconds, "full");
          if (sheep.full % 3 === 0) throw new Error("a sheep that fails");
        },
      },
    },
  },
);

interface Counted {
  full: number;
  simple: number;
  idle: number;
  gap: number;
  told: number;
  chance: number;
}

interface CountingZone {
  readonly tick: number;
  random(): number;
  readonly records: { readonly now: { thoughts: number; tick: number; most: number } };
}

function count(zone: CountingZone, npc: Counted, seconds: number, form: "full" | "simple" | "idle"): void {
  npc.told = Math.round(seconds * TICK_HZ);
  // The first thought has no gap before it.
  if (npc.full + npc.simple + npc.idle > 0) npc.gap = Math.max(npc.gap, npc.told);
  npc[form] += 1;
  npc.chance = zone.random();
  const { now } = zone.records;
  if (now.tick !== zone.tick) now.thoughts = 0;
  now.tick = zone.tick;
  now.thoughts += 1;
  now.most = Math.max(now.most, now.thoughts);
}
