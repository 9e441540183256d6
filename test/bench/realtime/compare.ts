/**
 * Holds what probes show against the truth at the same moment: distance in metres by ring, and for ours how long ago
 * what is shown was so. Only for bodies that are elsewhere by now: who stands still is never stale.
 */
import type { LeanPlayer } from "../../bots/lean/player.ts";
import type { ColyseusPlayer } from "./colyseus-player.ts";
import type { Compare } from "./side.ts";

const RADIUS = 40;
const STEP = 1 / 64;
const TICK_MS = 1_000 / 60;

const ringOf = (distance: number) => (distance <= RADIUS / 3 ? 0 : distance <= (RADIUS * 2) / 3 ? 1 : 2);

export const compareOurs: Compare<LeanPlayer> = (players, truth) => {
  for (const player of players) {
    const { probe, view } = player;
    const own = view?.own;
    if (!probe || !view || !own) continue;
    const ownX = (truth.xs[own.id & 0xffff] ?? 0) * STEP;
    const ownY = (truth.ys[own.id & 0xffff] ?? 0) * STEP;
    for (const entity of view.entities.values()) {
      const row = entity.id & 0xffff;
      if (Number(truth.ids[row] ?? 0) >>> 16 !== entity.id >>> 16) continue;
      const x = (truth.xs[row] as number) * STEP;
      const y = (truth.ys[row] as number) * STEP;
      const error = Math.hypot(x - (entity.values["x"] ?? 0), y - (entity.values["y"] ?? 0));
      const ring = ringOf(Math.hypot(x - ownX, y - ownY));
      const { error: errors, staleness } = player.tally();
      errors[ring]?.add(error);
      if (error > 0) staleness[ring]?.add((truth.tick - entity.tick) * TICK_MS);
    }
  }
};

export const compareColyseus: Compare<ColyseusPlayer> = (players, truth) => {
  const places = new Map(Array.from(truth.ids, (id, index) => [String(id), index]));
  for (const player of players) {
    const { probe, state, session } = player;
    const own = places.get(session);
    if (!probe || !state?.walkers || own === undefined) continue;
    for (const [key, walker] of state.walkers.entries()) {
      const index = places.get(key);
      if (index === undefined) continue;
      const x = truth.xs[index] as number;
      const y = truth.ys[index] as number;
      const error = Math.hypot(x - walker.x, y - walker.y);
      const ring = ringOf(Math.hypot(x - (truth.xs[own] as number), y - (truth.ys[own] as number)));
      player.tally().error[ring]?.add(error);
    }
  }
};
