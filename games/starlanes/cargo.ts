/**
 * Cargo: crates adrift in the middle of the map, rigid bodies that turn, tumble and knock into each other. Whoever
 * pushes one against a station is paid for it, and another drifts in.
 */
import { CRATES } from "./declaration.ts";
import type { StarEntity, StarZone } from "./types.ts";

const BELT_RADIUS = 110;
const DRIFT_SPEED = 3;
const DELIVERY_CREDITS = 25;

export function spawnCargo(zone: StarZone): void {
  for (let n = 0; n < CRATES; n++) zone.spawn("crate", adrift(zone));
}

/** A ship has pushed it: what a crate is paid for goes to the last who did. */
export function push(ship: StarEntity, crate: StarEntity): void {
  crate.pushedBy = ship.id;
}

export function deliver(zone: StarZone, station: StarEntity, crate: StarEntity): void {
  const player = zone.entity(crate.pushedBy)?.player ?? -1;
  if (player >= 0) {
    const key = `${crate.id}-${zone.tick}`;
    zone.reward(player, "delivery", { credits: DELIVERY_CREDITS }, key);
    zone.send("delivered", { station: station.id, credits: DELIVERY_CREDITS }, { player });
  }
  Object.assign(crate, adrift(zone), { pushedBy: 0 });
}

/** Somewhere in the belt, on its slow way. */
function adrift(zone: StarZone) {
  const radius = BELT_RADIUS * Math.sqrt(zone.random());
  const [around, towards] = [zone.random() * Math.PI * 2, zone.random() * Math.PI * 2];
  return {
    x: zone.width / 2 + Math.cos(around) * radius,
    y: zone.height / 2 + Math.sin(around) * radius,
    vx: Math.cos(towards) * DRIFT_SPEED,
    vy: Math.sin(towards) * DRIFT_SPEED,
    heading: zone.random() * Math.PI * 2,
    spin: zone.random() - 0.5,
  };
}
