/**
 * Anomalies of a step: found by counts, never by a clock, so that every replay finds the same ones in the same step.
 *
 * - `not-a-number`: a place or speed that is none. The body stands still from then on; what had no place is put at
 *   the world's edge.
 * - `explosion`: a speed far over the limit. It is brought down to the limit.
 * - `pile`: more pairs in one tile than `PILE` for each body that would fit into it. The tile is slowed for a while.
 *
 * What is done is done to that tile alone.
 */
import type { KernelData } from "./kernel-data.ts";

export const ANOMALIES = ["not-a-number", "explosion", "pile"] as const;
export type AnomalyName = (typeof ANOMALIES)[number];

export interface Anomaly {
  readonly name: AnomalyName;
  readonly tile: number;
  /** Bodies, or pairs looked at for a pile. */
  readonly count: number;
  /** World units: the middle of the tile. */
  readonly x: number;
  readonly y: number;
}

/** Steps for which a tile stays slowed after its last anomaly. */
const SLOWED_STEPS = 30;
/** Pairs looked at per cell of a tile, on average, from which on it counts as a pile. */
const PILE_PER_CELL = 400;
/** Steps between two reports of the same anomaly in the same tile. */
const QUIET_STEPS = 60;
/** Most reports in a step. */
const MOST_REPORTS = 8;

export class Anomalies {
  readonly #data: KernelData;
  /** Tick of the last report, by anomaly and tile. Not state: it only keeps reports rare. */
  readonly #reported: readonly Int32Array[];

  constructor(data: KernelData) {
    this.#data = data;
    this.#reported = ANOMALIES.map(() => new Int32Array(data.layout.tiles).fill(-QUIET_STEPS));
  }

  /** After a step: slows the tiles that need it and answers what is worth reporting. */
  look(tick: number): Anomaly[] {
    const { tests, nonFinite, overspeed, layout, bodies } = this.#data;
    const found: Anomaly[] = [];
    const most = layout.stripColumns * layout.tileLines * PILE_PER_CELL;
    for (let tile = 0; tile < layout.tiles; tile++) {
      const slowed = bodies.slowed[tile] as number;
      if (slowed > 0) bodies.slowed[tile] = slowed - 1;
      if ((tests[tile] as number) > most) {
        bodies.slowed[tile] = SLOWED_STEPS;
        this.#report(found, tick, "pile", tile, tests[tile] as number);
      }
      if (nonFinite[tile] !== 0) {
        this.#report(found, tick, "not-a-number", tile, nonFinite[tile] as number);
      }
      if (overspeed[tile] !== 0) {
        this.#report(found, tick, "explosion", tile, overspeed[tile] as number);
      }
    }
    return found;
  }

  #report(found: Anomaly[], tick: number, name: AnomalyName, tile: number, count: number): void {
    const reported = this.#reported[ANOMALIES.indexOf(name)] as Int32Array;
    if (tick - (reported[tile] as number) < QUIET_STEPS || found.length >= MOST_REPORTS) return;
    reported[tile] = tick;
    const { layout } = this.#data;
    const strip = Math.floor(tile / layout.bands);
    found.push({
      name,
      tile,
      count,
      x: (strip + 0.5) * layout.stripColumns * layout.cell,
      y: ((tile % layout.bands) + 0.5) * layout.tileLines * layout.cell,
    });
  }
}
