/** The bench's world: circles and rigid boxes at the density of `research/realtime.md` §3, 1 body per 16 m². */
import { defineGame, type Game, type GameDeclaration } from "../../../gameserver/game.ts";

export interface Size {
  readonly circles: number;
  readonly rigid: number;
}

const SQUARE_METRES = 16;

/** Metres: side of the world for so many bodies. */
export const sideOf = ({ circles, rigid }: Size) => Math.ceil(Math.sqrt((circles + rigid) * SQUARE_METRES));

export function benchGame(size: Size): Game {
  const side = sideOf(size);
  const declaration = {
    name: "bench",
    version: 1,
    space: { width: side, height: side, step: 1 / 16, maxSpeed: 20, edge: "bounce" },
    // Everything is near: nothing is slowed, nothing sleeps for being far away.
    interest: { radius: side, cap: 64 },
    columns: {
      angle: { type: "f32", min: 0, max: Math.PI * 2, step: Math.PI / 128, wrap: true, to: "near" },
      spin: { type: "f32", to: "nobody" },
    },
    kinds: {
      watcher: { radius: 0.5, mass: 1, perPlayer: 1, columns: [] },
      circle: { radius: 0.5, mass: 1, perZone: size.circles, columns: [] },
      box: {
        radius: 0.75,
        perZone: size.rigid,
        angle: "angle",
        spin: "spin",
        rigid: { shape: { box: [1, 1] }, friction: 0.1, restitution: 0.9 },
        columns: ["angle"],
      },
    },
    inputs: { nothing: {} },
    events: { nothing: {} },
  } as const satisfies GameDeclaration;
  return defineGame(declaration, {
    open(zone) {
      const place = () => ({ x: zone.random() * side, y: zone.random() * side });
      const speed = () => ({ vx: zone.random() * 8 - 4, vy: zone.random() * 8 - 4 });
      for (let n = 0; n < size.circles; n++) zone.spawn("circle", { ...place(), ...speed() });
      for (let n = 0; n < size.rigid; n++)
        zone.spawn("box", { ...place(), ...speed(), angle: zone.random() });
    },
    join: (zone) => zone.spawn("watcher", { x: side / 2, y: side / 2 }),
    inputs: { nothing() {} },
  });
}
