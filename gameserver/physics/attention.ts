/**
 * Level of detail: how closely each tile is looked at, from where the players are in this very step.
 *
 * Level 0 reaches farther than any player sees, so that a change of rate is never in view. Levels follow from the
 * state alone: a restored zone, or the same zone on other threads, finds the same.
 */
import type { KernelData } from "./kernel-data.ts";
import { columnOf, lineOf, tileOf } from "./kernel-data.ts";

/** Near: so many times the radius of interest (replication keeps entities in view a little farther than that). */
const NEAR = 1.25;
const MIDDLE = 2.5;
const FAR_AWAY = 255;

/** Sets `level` for all tiles. `players` are rows, 0 meaning none and n meaning row n − 1. */
export function attend(data: KernelData, players: Uint16Array): void {
  const { level, layout, bodies } = data;
  level.fill(FAR_AWAY);
  for (let slot = 0; slot < players.length; slot++) {
    const row = (players[slot] as number) - 1;
    if (row < 0) continue;
    const column = columnOf(data, bodies.x[row] as number);
    level[tileOf(data, column, lineOf(data, bodies.y[row] as number))] = 0;
  }
  spreadDistance(level, layout.strips, layout.bands);
  const side = layout.cell * Math.min(layout.stripColumns, layout.tileLines);
  const near = Math.ceil((data.world.interest * NEAR) / side);
  const middle = Math.ceil((data.world.interest * MIDDLE) / side);
  for (let tile = 0; tile < level.length; tile++) {
    const distance = level[tile] as number;
    level[tile] = distance <= near ? 0 : distance <= middle ? 1 : 2;
  }
}

/** From 0 where players are to the distance in tiles, along the longer axis: one pass down, one pass up. */
function spreadDistance(distance: Uint8Array, strips: number, bands: number): void {
  const pull = (tile: number, other: number) => {
    const through = Math.min(FAR_AWAY, (distance[other] as number) + 1);
    if (through < (distance[tile] as number)) distance[tile] = through;
  };
  for (let strip = 0; strip < strips; strip++) {
    for (let band = 0; band < bands; band++) {
      const tile = strip * bands + band;
      if (band > 0) pull(tile, tile - 1);
      if (strip === 0) continue;
      pull(tile, tile - bands);
      if (band > 0) pull(tile, tile - bands - 1);
      if (band < bands - 1) pull(tile, tile - bands + 1);
    }
  }
  for (let strip = strips - 1; strip >= 0; strip--) {
    for (let band = bands - 1; band >= 0; band--) {
      const tile = strip * bands + band;
      if (band < bands - 1) pull(tile, tile + 1);
      if (strip === strips - 1) continue;
      pull(tile, tile + bands);
      if (band > 0) pull(tile, tile + bands - 1);
      if (band < bands - 1) pull(tile, tile + bands + 1);
    }
  }
}
