/**
 * NPCs: drones patrol, hunt ships that come near, and fly round stations. Under load they hunt what they know already,
 * or only fly on.
 */
import { behaviour } from "../../gameserver/game.ts";
import { fly } from "./flight.ts";
import type { StarEntity, StarZone } from "./types.ts";

const SIGHT = 40;
export const DRONE_HZ = 10;
/** Seconds that one thought steers for at most: beyond that, flight is no longer like a ship's. */
const LONGEST = 0.5;
const HUNTING = 0.6;
const PATROLLING = 0.3;

/** Sees the nearest ship, and remembers it. */
function seesPrey(zone: StarZone, drone: StarEntity): boolean {
  let best = SIGHT * SIGHT;
  drone.prey = 0;
  zone.near(drone.x, drone.y, SIGHT, (other) => {
    if (other.kind !== "ship") return;
    const square = (other.x - drone.x) ** 2 + (other.y - drone.y) ** 2;
    if (square >= best) return;
    best = square;
    drone.prey = other.id;
  });
  return drone.prey !== 0;
}

/** Has a prey that still flies, and not out of its sight for long. */
function knowsPrey(zone: StarZone, drone: StarEntity): boolean {
  const prey = zone.entity(drone.prey);
  return prey !== undefined && Math.hypot(prey.x - drone.x, prey.y - drone.y) < 2 * SIGHT;
}

/** Steers for the prey, round what stands in the way. Fails where there is no way to it. */
function hunt(zone: StarZone, drone: StarEntity, seconds: number): boolean {
  const prey = zone.entity(drone.prey);
  const way = prey && zone.wayTo(drone, prey.x, prey.y);
  if (!way || way.state === "none") return false;
  // While the way is being searched for it flies on as it did.
  const wanted = way.state === "wait" ? drone.heading : Math.atan2(way.y - drone.y, way.x - drone.x);
  fly(drone, HUNTING, turnTowards(drone.heading, wanted), Math.min(seconds, LONGEST));
  return true;
}

function patrol(zone: StarZone, drone: StarEntity, seconds: number): void {
  const turn = turnTowards(0, zone.random() - 0.5);
  fly(drone, PATROLLING, turn, Math.min(seconds, LONGEST));
}

export const droneBrain = {
  thinkHz: DRONE_HZ,
  think: behaviour<StarZone, StarEntity>({
    first: [{ all: [{ if: seesPrey }, { do: hunt }] }, { do: patrol }],
  }),
  simple: behaviour<StarZone, StarEntity>({
    first: [{ all: [{ if: knowsPrey }, { do: hunt }] }, { do: patrol }],
  }),
  idle: patrol,
};

/** −1 … 1: which way, and how hard, to turn from one heading to another. */
export function turnTowards(from: number, to: number): number {
  const difference = Math.atan2(Math.sin(to - from), Math.cos(to - from));
  return Math.max(-1, Math.min(1, difference));
}
