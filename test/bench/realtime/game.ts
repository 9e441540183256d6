/**
 * The fixed world of the `realtime` bench: walkers, half of them in ten crowds, and NPCs that wander among them.
 *
 * 1 × 1 km for 5,000 players; the side follows the square root of their number, so that a view is as full (about 45
 * of 64 places) with few players as with many. Interest 40 m. Inputs: where to walk; a player who strays from its
 * place turns back, so that the crowds last. `gather` calls a player into the first crowd (influx).
 */
import { defineGame } from "../../../gameserver/game.ts";
import { placeOf, worldOf } from "./world.ts";

const world = worldOf(Number(process.env.GAMEFLEET_BENCH_PLAYERS ?? 5_000));
const unit = { type: "f32", min: -1, max: 1, step: 1 / 100 } as const;
const TAU = Math.PI * 2;
const heading = { type: "f32", min: 0, max: TAU, step: TAU / 256, wrap: true, to: "near" } as const;
const WALK = 5;
const SPRINT = 40;
const LEASH = 30;
const NPC_HZ = 10;
const NPC_SIGHT = 15;

export const game = defineGame(
  {
    name: "crowds",
    version: 1,
    // 1.6 cm, as fine as 16 bits allow over a kilometre; a walker moves 32 steps between two updates: one byte.
    space: { width: world.side, height: world.side, step: 1 / 64, maxSpeed: SPRINT, edge: "bounce" },
    interest: { radius: 40, cap: 64 },
    updateHz: 10,
    columns: {
      heading,
      hp: { type: "u8", max: 100, to: "near" },
      homeX: { type: "f32", to: "nobody" },
      homeY: { type: "f32", to: "nobody" },
      gathers: { type: "u8", to: "nobody" },
    },
    kinds: {
      walker: { radius: 0.4, mass: 1, perPlayer: 1, columns: ["heading", "hp", "homeX", "homeY", "gathers"] },
      npc: { radius: 0.4, mass: 1, perZone: world.npcs, columns: ["heading", "hp"] },
    },
    inputs: { walk: { dx: unit, dy: unit }, hit: {}, gather: {}, cheer: {} },
    events: { hit: { target: { type: "u32" }, hp: { type: "u8" } }, cheer: { number: { type: "u16" } } },
    records: { cheers: { number: { type: "u16" } } },
  },
  {
    open(zone) {
      for (let n = 0; n < world.npcs; n++) {
        const x = zone.random() * world.side;
        zone.spawn("npc", { x, y: zone.random() * world.side, hp: 100 });
      }
    },
    join(zone, player) {
      const { x, y } = placeOf(world, player.seed);
      return zone.spawn("walker", { x, y, hp: 100, homeX: x, homeY: y });
    },
    inputs: {
      walk(_zone, walker, { dx, dy }) {
        if (walker.gathers !== 0) return;
        walker.vx = dx * WALK;
        walker.vy = dy * WALK;
        if (dx !== 0 || dy !== 0) walker.heading = (Math.atan2(dy, dx) + TAU) % TAU;
      },
      hit(zone, walker) {
        zone.near(walker.x, walker.y, 2, (other) => {
          if (other.id === walker.id) return;
          other.hp = other.hp > 1 ? other.hp - 1 : 100;
          zone.send("hit", { target: other.id, hp: other.hp }, { x: other.x, y: other.y, radius: 20 });
        });
      },
      gather(_zone, walker) {
        walker.gathers = 1;
        walker.homeX = world.crowds[0]?.x ?? 0;
        walker.homeY = world.crowds[0]?.y ?? 0;
      },
      /** An event for everyone in the world at once. */
      cheer(zone) {
        zone.records.cheers.number += 1;
        zone.send("cheer", { number: zone.records.cheers.number }, "everyone");
      },
    },
    tick(zone) {
      // A quarter of the walkers is looked at in each tick: a leash needs no more.
      const turn = zone.tick & 3;
      zone.each("walker", (walker) => {
        if ((walker.row & 3) !== turn) return;
        const dx = walker.homeX - walker.x;
        const dy = walker.homeY - walker.y;
        const far = Math.hypot(dx, dy);
        if (far > LEASH) {
          const speed = walker.gathers === 0 ? WALK : SPRINT;
          walker.vx = (dx / far) * speed;
          walker.vy = (dy / far) * speed;
        } else if (walker.gathers !== 0) walker.gathers = 0;
      });
    },
    brains: {
      npc: {
        thinkHz: NPC_HZ,
        think(zone, npc) {
          let nearest = NPC_SIGHT * NPC_SIGHT;
          let towards = -1;
          zone.near(npc.x, npc.y, NPC_SIGHT, (other) => {
            if (other.kind !== "walker") return;
            const dx = other.x - npc.x;
            const dy = other.y - npc.y;
            const square = dx * dx + dy * dy;
            if (square >= nearest) return;
            nearest = square;
            towards = Math.atan2(dy, dx);
          });
          const wanted = towards >= 0 ? towards : npc.heading + (zone.random() - 0.5);
          npc.heading = (wanted + TAU) % TAU;
          npc.vx = Math.cos(wanted) * 2;
          npc.vy = Math.sin(wanted) * 2;
        },
      },
    },
  },
);
