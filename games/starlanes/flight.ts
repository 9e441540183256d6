/** How ships fly: thrust along the heading, drag, a turn rate. Applied to players' ships and drones alike. */
import type { StarEntity } from "./types.ts";

const TAU = Math.PI * 2;
/** Metres per second per second at full thrust. */
const THRUST = 30;
/** Radians per second at full turn. */
const TURN = 3;
/** Share of speed lost in a second. With THRUST it caps a ship's speed at 37 m/s. */
const DRAG = 0.8;
const FUEL_PER_SECOND = 0.5;

export function fly(ship: StarEntity, thrust: number, turn: number, dt: number): void {
  ship.heading = (ship.heading + turn * TURN * dt + TAU) % TAU;
  const push = thrust * THRUST * dt;
  const keep = 1 - DRAG * dt;
  ship.vx = (ship.vx + Math.cos(ship.heading) * push) * keep;
  ship.vy = (ship.vy + Math.sin(ship.heading) * push) * keep;
}

export function flyByPilot(ship: StarEntity, dt: number): void {
  // An empty tank still gives a fifth of the thrust: nobody is stranded.
  const power = ship.fuel > 0 ? ship.thrust : ship.thrust * 0.2;
  fly(ship, power, ship.turn, dt);
  ship.fuel = Math.max(0, ship.fuel - Math.abs(ship.thrust) * FUEL_PER_SECOND * dt);
}
