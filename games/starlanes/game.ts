/**
 * Starlanes, the reference game: ships fly between stations, chase drones, shoot, push cargo, and dock for repair.
 *
 * Written to be copied: `declaration.ts` says what there is, the rules here say what happens, each in a few lines.
 */
import { defineGame } from "../../gameserver/game.ts";
import { deliver, push, spawnCargo } from "./cargo.ts";
import { expireShots, fire, strike } from "./combat.ts";
import { declaration, STATIONS } from "./declaration.ts";
import { droneBrain } from "./drones.ts";
import { flyByPilot } from "./flight.ts";
import type { StarEntity, StarZone } from "./types.ts";

const DRONES = 16;
const WAVE_SECONDS = 60;
const WELCOME_CREDITS = 1_000;

export const game = defineGame(declaration, {
  open(zone) {
    for (const [x, y] of STATIONS) zone.spawn("station", { x, y });
    for (let n = 0; n < DRONES; n++) spawnDrone(zone);
    spawnCargo(zone);
    zone.setTimer("wave", WAVE_SECONDS);
  },

  join(zone, player) {
    const [x, y] = STATIONS[player.seed % STATIONS.length] ?? STATIONS[0];
    const angle = zone.random() * Math.PI * 2;
    const start = { x: x + Math.cos(angle) * 40, y: y + Math.sin(angle) * 40, heading: angle };
    zone.reward(player.slot, "welcome", { credits: WELCOME_CREDITS });
    return zone.spawn("ship", { ...start, hull: 100, fuel: 100 });
  },

  inputs: {
    steer(_zone, ship, { thrust, turn }) {
      ship.thrust = thrust;
      ship.turn = turn;
    },
    fire,
  },

  tick(zone, dt) {
    zone.each("ship", (ship) => flyByPilot(ship, dt));
    expireShots(zone);
  },

  brains: { drone: droneBrain },

  timers: {
    /** Every minute drones come back to full number. */
    wave(zone) {
      zone.records.waves.number += 1;
      let alive = 0;
      zone.each("drone", () => alive++);
      for (; alive < DRONES; alive++) spawnDrone(zone);
      zone.send("wave", { number: zone.records.waves.number }, "everyone");
      zone.setTimer("wave", WAVE_SECONDS);
    },
  },

  /** Bought anywhere, at once: that is what it costs more than docking for. */
  purchased(_zone, ship) {
    ship.hull = 100;
    ship.fuel = 100;
  },

  touch(zone, a, b) {
    if (a.kind === "shot") strike(zone, a, b);
    else if (b.kind === "shot") strike(zone, b, a);
    else if (!meet(zone, a, b)) meet(zone, b, a);
  },
});

/** Two that are no shots, in one order; false when the rule is for the other. */
function meet(zone: StarZone, a: StarEntity, b: StarEntity): boolean {
  if (a.kind === "ship" && b.kind === "station") dock(zone, a, b);
  else if (a.kind === "ship" && b.kind === "crate") push(a, b);
  else if (a.kind === "station" && b.kind === "crate") deliver(zone, a, b);
  else return false;
  return true;
}

function spawnDrone(zone: StarZone): void {
  zone.spawn("drone", {
    x: zone.random() * zone.width,
    y: zone.random() * zone.height,
    heading: zone.random() * Math.PI * 2,
    hull: 100,
  });
}

/** Touching a station repairs and refuels; a ship that is whole is not told again. */
function dock(zone: StarZone, ship: StarEntity, station: StarEntity): void {
  if (ship.hull === 100 && ship.fuel > 99) return;
  ship.hull = 100;
  ship.fuel = 100;
  if (ship.player >= 0) zone.send("docked", { station: station.id }, { player: ship.player });
}
