/** Guns and damage. A shot is an entity: it is seen, it can miss, and it is part of a snapshot. */
import type { StarEntity, StarZone } from "./types.ts";

const TICKS_PER_SECOND = 60;
const SHOT_SPEED = 55;
const SHOT_SECONDS = 1.5;
const RELOAD_SECONDS = 0.8;
const SHOT_DAMAGE = 20;
/** Metres ahead of the ship's centre at which a shot appears: clear of its own hull. */
const MUZZLE = 3;
const HEARD = 150;
/** A hit keeps both sides in the fight for so long. */
const FIGHT_SECONDS = 5;

export function fire(zone: StarZone, ship: StarEntity): void {
  if (zone.tick < ship.dueTick) return;
  const dx = Math.cos(ship.heading);
  const dy = Math.sin(ship.heading);
  const shot = zone.spawn("shot", {
    x: ship.x + dx * MUZZLE,
    y: ship.y + dy * MUZZLE,
    vx: dx * SHOT_SPEED,
    vy: dy * SHOT_SPEED,
    firedBy: ship.id,
    dueTick: zone.tick + SHOT_SECONDS * TICKS_PER_SECOND,
  });
  // The table of shots may be full in a great fight: the gun then fires a moment later.
  if (shot) ship.dueTick = zone.tick + RELOAD_SECONDS * TICKS_PER_SECOND;
}

export function expireShots(zone: StarZone): void {
  zone.each("shot", (shot) => {
    if (zone.tick >= shot.dueTick) zone.despawn(shot);
  });
}

/** Ends `shot`; hurts what it hit. */
export function strike(zone: StarZone, shot: StarEntity, target: StarEntity): void {
  const by = shot.firedBy;
  if (target.id === by) return;
  zone.despawn(shot);
  if (target.kind !== "ship" && target.kind !== "drone") return;
  target.hull = Math.max(0, target.hull - SHOT_DAMAGE);
  zone.engage(target.player, FIGHT_SECONDS);
  zone.engage(zone.entity(by)?.player ?? -1, FIGHT_SECONDS);
  const near = { x: target.x, y: target.y, radius: HEARD };
  zone.send("hit", { target: target.id, by, hull: target.hull }, near);
  if (target.hull > 0) return;
  zone.send("destroyed", { target: target.id, by }, near);
  respawn(zone, target);
}

/** Back to a place at the edge of the map, whole again: the ship stays the player's own. */
function respawn(zone: StarZone, ship: StarEntity): void {
  ship.x = zone.random() * zone.width;
  ship.y = zone.random() < 0.5 ? 20 : zone.height - 20;
  ship.vx = 0;
  ship.vy = 0;
  ship.hull = 100;
  if (ship.kind === "ship") ship.fuel = 100;
}
