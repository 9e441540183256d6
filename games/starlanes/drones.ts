/** NPCs: drones patrol, and turn towards a ship that comes near. */
import { fly } from "./flight.ts";
import type { StarEntity, StarZone } from "./types.ts";

const SIGHT = 40;
export const DRONE_HZ = 10;
const DT = 1 / DRONE_HZ;

export function think(zone: StarZone, drone: StarEntity): void {
  const prey = nearestShip(zone, drone);
  const wanted = prey
    ? Math.atan2(prey.y - drone.y, prey.x - drone.x)
    : drone.heading + (zone.random() - 0.5);
  fly(drone, prey ? 0.6 : 0.3, turnTowards(drone.heading, wanted), DT);
}

/** −1 … 1: which way, and how hard, to turn from one heading to another. */
export function turnTowards(from: number, to: number): number {
  const difference = Math.atan2(Math.sin(to - from), Math.cos(to - from));
  return Math.max(-1, Math.min(1, difference));
}

function nearestShip(zone: StarZone, drone: StarEntity): StarEntity | undefined {
  let nearest: StarEntity | undefined;
  let best = SIGHT * SIGHT;
  zone.near(drone.x, drone.y, SIGHT, (other) => {
    if (other.kind !== "ship") return;
    const square = (other.x - drone.x) ** 2 + (other.y - drone.y) ** 2;
    if (square >= best) return;
    best = square;
    nearest = other;
  });
  return nearest;
}
