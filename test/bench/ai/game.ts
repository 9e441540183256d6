/**
 * The bench's world: 5,000 players on 1 km² in sixteen crowds, two of which are in a fight, and 4,000
 * hounds, a fifth of them at the crowds, who look around (hundreds in sight in a crowd, few outside) and run after the nearest player.
 */
import {
  type Brain,
  defineGame,
  type Entity,
  type Game,
  type GameDeclaration,
  type Zone,
} from "../../../gameserver/game.ts";

export const PLAYERS = 5_000;
export const HOUNDS = 4_000;
const SIDE = 1_000;
const CROWDS = 16;
const FIGHTING_CROWDS = 2;
const CROWD_RADIUS = 50;
const SIGHT = 40;

const declaration = {
  name: "hounds",
  version: 1,
  space: { width: SIDE, height: SIDE, step: 1 / 16, maxSpeed: 20, edge: "bounce" },
  interest: { radius: SIGHT, cap: 64 },
  columns: { prey: { type: "u32" } },
  kinds: {
    player: { radius: 0.5, mass: 1, perPlayer: 1, columns: [] },
    hound: { radius: 0.5, mass: 1, perZone: HOUNDS, columns: ["prey"] },
  },
  inputs: { nothing: {} },
  events: { nothing: {} },
} as const satisfies GameDeclaration;

type HoundZone = Zone<typeof declaration>;
type Hound = Entity<typeof declaration>;

/** Which forms the brain has. */
export type Forms = "none" | "full" | "all";

/** `thought` is told of every thought: the bench keeps count, outside of the zone's state. */
export function benchGame(forms: Forms, thought: (row: number, tick: number) => void): Game {
  const told = (think: (zone: HoundZone, hound: Hound) => void) => (zone: HoundZone, hound: Hound) => {
    thought(hound.row, zone.tick);
    think(zone, hound);
  };
  const full: Brain<typeof declaration> = { thinkHz: 10, think: told(hunt) };
  const brain = forms === "full" ? full : { ...full, simple: told(chase), idle: told(roam) };
  return defineGame(declaration, {
    open(zone) {
      for (let n = 0; n < HOUNDS; n++)
        zone.spawn("hound", placeOf(zone, n % 5 === 0 ? (n / 5) % CROWDS : -1));
    },
    join: (zone, { slot }) => zone.spawn("player", placeOf(zone, slot % CROWDS)),
    inputs: { nothing() {} },
    tick(zone) {
      if (zone.tick % 60 !== 1) return;
      for (let slot = 0; slot < PLAYERS; slot++) {
        if (slot % CROWDS < FIGHTING_CROWDS) zone.engage(slot, 2);
      }
    },
    ...(forms !== "none" && { brains: { hound: brain } }),
  });
}

/** In a crowd, or anywhere. */
function placeOf(zone: HoundZone, crowd: number): { x: number; y: number } {
  if (crowd < 0) return { x: zone.random() * SIDE, y: zone.random() * SIDE };
  const angle = zone.random() * Math.PI * 2;
  const radius = CROWD_RADIUS * Math.sqrt(zone.random());
  const [x, y] = [125 + (crowd % 4) * 250, 125 + Math.floor(crowd / 4) * 250];
  return { x: x + Math.cos(angle) * radius, y: y + Math.sin(angle) * radius };
}

/** Looks at all in sight. */
function hunt(zone: HoundZone, hound: Hound): void {
  let best = Number.POSITIVE_INFINITY;
  hound.prey = 0;
  zone.near(hound.x, hound.y, SIGHT, (other) => {
    if (other.player < 0) return;
    const square = (other.x - hound.x) ** 2 + (other.y - hound.y) ** 2;
    if (square >= best) return;
    best = square;
    hound.prey = other.id;
  });
  chase(zone, hound);
}

/** Runs after the one it knows. */
function chase(zone: HoundZone, hound: Hound): void {
  const prey = zone.entity(hound.prey);
  if (!prey) return roam(zone, hound);
  const angle = Math.atan2(prey.y - hound.y, prey.x - hound.x);
  hound.vx = Math.cos(angle);
  hound.vy = Math.sin(angle);
}

function roam(zone: HoundZone, hound: Hound): void {
  hound.vx = zone.random() * 2 - 1;
  hound.vy = zone.random() * 2 - 1;
}
