/** A game for tests of rigid bodies: pushers, crates, balls, a pillar, and a table wide enough for four regions. */
import { defineGame } from "../game.ts";

const unit = { type: "f32", min: -1, max: 1, step: 0.01 } as const;

export const game = defineGame(
  {
    name: "crates",
    version: 1,
    space: { width: 400, height: 200, step: 1 / 16, maxSpeed: 40, edge: "bounce" },
    interest: { radius: 60, cap: 64 },
    columns: {
      angle: { type: "f32", min: 0, max: Math.PI * 2, step: Math.PI / 128, wrap: true, to: "near" },
      spin: { type: "f32" },
      hits: { type: "u16", to: "nobody" },
    },
    kinds: {
      pusher: { radius: 1, mass: 4, perPlayer: 1, columns: ["hits"] },
      pillar: { radius: 12, perZone: 2 },
      crate: {
        radius: 1.5,
        perZone: 400,
        angle: "angle",
        spin: "spin",
        rigid: { shape: { box: [2, 2] }, density: 0.5, friction: 0.4, restitution: 0.2, damping: 0.3 },
        columns: ["angle", "hits"],
      },
      wedge: {
        radius: 2,
        perZone: 50,
        angle: "angle",
        spin: "spin",
        rigid: {
          shape: {
            polygon: [
              [-1, -1],
              [2, -1],
              [-1, 2],
            ],
          },
        },
        columns: ["angle"],
      },
      bolt: { radius: 0.25, mass: 0.1, perPlayer: 8, columns: [] },
    },
    inputs: { push: { dx: unit, dy: unit }, shoot: {}, spoil: { what: { type: "u8" } } },
    events: { ended: {} },
  },
  {
    open(zone) {
      zone.spawn("pillar", { x: 200, y: 100 });
      for (let n = 0; n < 300; n++) {
        const place = { x: 4 + zone.random() * 392, y: 4 + zone.random() * 192, angle: zone.random() * 6 };
        const [vx, vy] = [zone.random() * 20 - 10, zone.random() * 20 - 10];
        zone.spawn(n % 8 === 0 ? "wedge" : "crate", { ...place, vx, vy });
      }
    },
    join: (zone, player) =>
      zone.spawn("pusher", { x: 20 + ((player.slot * 37) % 360), y: 20 + ((player.slot * 53) % 160) }),
    inputs: {
      push(_zone, pusher, { dx, dy }) {
        pusher.vx = dx * 30;
        pusher.vy = dy * 30;
      },
      shoot(zone, pusher) {
        zone.spawn("bolt", { x: pusher.x + 2, y: pusher.y, vx: 40 });
      },
      /** Breaks the nearest crate in one of several ways, or takes it away. */
      spoil(zone, pusher, { what }) {
        let done = false;
        zone.near(pusher.x, pusher.y, 60, (entity) => {
          if (done || entity.kind !== "crate") return;
          done = true;
          if (what === 0) entity.x = Number.NaN;
          else if (what === 1) entity.vx = 1e9;
          else if (what === 2) entity.angle = 1;
          else if (what === 3) zone.despawn(entity);
          else zone.spawn("crate", { x: entity.x + 3, y: entity.y });
        });
      },
    },
    touch(zone, a, b) {
      a.hits = (a.hits + 1) & 0xffff;
      if (b.kind === "bolt") zone.despawn(b);
    },
  },
);
