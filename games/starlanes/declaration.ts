/**
 * What there is in starlanes. The runtime derives memory, wire format and the client's view from this.
 * Angles in radians, lengths in metres, times in seconds.
 */
import type { Field, GameDeclaration } from "../../gameserver/game.ts";

const TAU = Math.PI * 2;
/** A full turn in 256 steps: one byte on the wire. */
const angle = { type: "f32", min: 0, max: TAU, step: TAU / 256, wrap: true } as const satisfies Field;
/** −1 … 1 in one byte: what a stick or a key gives. */
const axis = { type: "f32", min: -1, max: 1, step: 1 / 100 } as const satisfies Field;
const entity = { type: "u32" } as const satisfies Field;

export const STATIONS = [
  [250, 250],
  [750, 250],
  [250, 750],
  [750, 750],
] as const;
const STATION_RADIUS = 24;
const CRATE_SIDE = 3;
export const CRATES = 24;
/** Half the side of the square that drones fly round: the station, and a drone's width. */
const BERTH = STATION_RADIUS + 4;

export const declaration = {
  name: "starlanes",
  version: 3,
  // A quarter of a metre: a ship at full speed moves less than 63 steps between two updates, one byte a coordinate.
  space: { width: 1_000, height: 1_000, step: 1 / 4, maxSpeed: 60, edge: "bounce" },
  interest: { radius: 120, cap: 64 },
  updateHz: 12,
  columns: {
    heading: { ...angle, to: "near" },
    hull: { type: "u8", max: 100, to: "near" },
    /** What the pilot asks for: set by input, read by the tick. */
    thrust: { type: "f32", to: "nobody" },
    turn: { type: "f32", to: "nobody" },
    fuel: { type: "f32", min: 0, max: 100, step: 0.5, to: "owner" },
    /** Tick at which the gun is ready again, or at which a shot is spent. */
    dueTick: { type: "u32", to: "nobody" },
    /** Who fired a shot: entity id. */
    firedBy: { type: "u32", to: "nobody" },
    /** Whom a drone hunts: entity id, 0 for nobody. */
    prey: { type: "u32", to: "nobody" },
    /** How fast a crate turns, radians a second, and who pushed it last: entity id, 0 for nobody. */
    spin: { type: "f32", to: "nobody" },
    pushedBy: { type: "u32", to: "nobody" },
  },
  kinds: {
    ship: {
      radius: 2,
      mass: 1,
      perPlayer: 1,
      columns: ["heading", "hull", "thrust", "turn", "fuel", "dueTick"],
    },
    drone: { radius: 2, mass: 0.5, perZone: 24, columns: ["heading", "hull", "prey"] },
    station: { radius: STATION_RADIUS, perZone: 4 },
    shot: { radius: 0.5, mass: 0.01, collides: true, perPlayer: 2, columns: ["dueTick", "firedBy"] },
    // Rigid: Rapier moves it. A third of a ship's mass; a little drag, or it would never rest.
    crate: {
      radius: CRATE_SIDE * Math.SQRT1_2,
      perZone: CRATES,
      angle: "heading",
      spin: "spin",
      rigid: {
        shape: { box: [CRATE_SIDE, CRATE_SIDE] },
        density: 0.04,
        friction: 0.4,
        restitution: 0.3,
        damping: 0.1,
      },
      columns: ["heading", "pushedBy"],
    },
  },
  inputs: {
    steer: { thrust: axis, turn: axis },
    fire: {},
  },
  events: {
    hit: { target: entity, by: entity, hull: { type: "u8", max: 100 } },
    destroyed: { target: entity, by: entity },
    docked: { station: entity },
    delivered: { station: entity, credits: { type: "u16" } },
    wave: { number: { type: "u16" } },
  },
  records: { waves: { number: { type: "u16" } } },
  timers: ["wave"],
  navigation: {
    cell: 8,
    kinds: ["drone"],
    blocked: STATIONS.map(([x, y]) => [x - BERTH, y - BERTH, 2 * BERTH, 2 * BERTH] as const),
  },
  offers: { refit: { price: 50, currency: "credits", gives: { refit: 1 } } },
} as const satisfies GameDeclaration;
