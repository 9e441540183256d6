/**
 * How much players care about a place: the band that decides how often an NPC there may think under load.
 *
 * A coarse grid, looked at anew in every tick that needs it, so that the answer depends on the zone's state alone.
 * Cells are a third of the radius of interest: an NPC within that of an engaged player always counts as engaged,
 * and by the grid's coarseness at most three times as far. ~0.1 ms at 10,000 cells.
 */

/** In a fight with a player; close to one; about what is in view; seen by nobody. */
export const BAND = { engaged: 0, near: 1, mid: 2, far: 3 } as const;
export const BANDS = ["engaged", "near", "mid", "far"] as const;

/** Cells a radius of interest is cut into, and the furthest that each band reaches, in cells. */
const CELLS_PER_INTEREST = 3;
const ENGAGED_CELLS = 1;
const NEAR_CELLS = 2;
/** Views end at 1.25 radii: the fourth cell covers that. */
const MID_CELLS = 4;
const FAR_AWAY = 255;
/** Cells along one side at most. */
const MOST_CELLS = 100;

/** What is read of a zone's memory. */
export interface Players {
  /** x, y, … by row. */
  readonly columns: readonly ArrayLike<number>[];
  /** Row + 1 of each player's entity, 0 for none, by slot. */
  readonly playerRow: Uint16Array;
  /** Tick until which a player is engaged, by slot. */
  readonly engagedUntil: Uint32Array;
}

export class Attention {
  /** Cells in a world unit. */
  readonly #per: number;
  readonly #columns: number;
  readonly #lines: number;
  /** Cells to the nearest player, along the longer axis. */
  readonly #distance: Uint8Array;
  /** 1 within reach of an engaged player, 2 where one is. */
  readonly #engaged: Uint8Array;

  /** World units. */
  constructor(width: number, height: number, interest: number) {
    const cell = Math.max(interest / CELLS_PER_INTEREST, width / MOST_CELLS, height / MOST_CELLS);
    this.#per = 1 / cell;
    this.#columns = Math.max(1, Math.ceil(width / cell));
    this.#lines = Math.max(1, Math.ceil(height / cell));
    this.#distance = new Uint8Array(this.#columns * this.#lines).fill(FAR_AWAY);
    this.#engaged = new Uint8Array(this.#columns * this.#lines);
  }

  /** Takes in where players are, and who of them is engaged in `tick`. */
  look({ columns, playerRow, engagedUntil }: Players, tick: number): void {
    const [xs, ys] = columns as readonly [ArrayLike<number>, ArrayLike<number>];
    this.#distance.fill(FAR_AWAY);
    this.#engaged.fill(0);
    for (let slot = 0; slot < playerRow.length; slot++) {
      const row = (playerRow[slot] as number) - 1;
      if (row < 0) continue;
      const column = this.#column(xs[row] as number);
      const line = this.#line(ys[row] as number);
      const cell = line * this.#columns + column;
      this.#distance[cell] = 0;
      // Of a crowd in one cell, one is enough.
      if ((engagedUntil[slot] as number) <= tick || this.#engaged[cell] === 2) continue;
      this.#engage(column, line);
      this.#engaged[cell] = 2;
    }
    this.#spread();
  }

  /** The band of a place, as of the last look. */
  at(x: number, y: number): number {
    const cell = this.#line(y) * this.#columns + this.#column(x);
    if (this.#engaged[cell] !== 0) return BAND.engaged;
    const distance = this.#distance[cell] as number;
    return distance <= NEAR_CELLS ? BAND.near : distance <= MID_CELLS ? BAND.mid : BAND.far;
  }

  #engage(column: number, line: number): void {
    const right = Math.min(this.#columns - 1, column + ENGAGED_CELLS);
    const bottom = Math.min(this.#lines - 1, line + ENGAGED_CELLS);
    const left = Math.max(0, column - ENGAGED_CELLS);
    for (let at = Math.max(0, line - ENGAGED_CELLS); at <= bottom; at++) {
      this.#engaged.fill(1, at * this.#columns + left, at * this.#columns + right + 1);
    }
  }

  /** Distances from the cells with players to all others: one pass down, one pass up. */
  #spread(): void {
    const distance = this.#distance;
    const columns = this.#columns;
    for (let cell = 0; cell < distance.length; cell++) {
      const column = cell % columns;
      let best = distance[cell] as number;
      if (column > 0) best = closer(best, distance[cell - 1]);
      if (cell >= columns) {
        best = closer(best, distance[cell - columns]);
        if (column > 0) best = closer(best, distance[cell - columns - 1]);
        if (column < columns - 1) best = closer(best, distance[cell - columns + 1]);
      }
      distance[cell] = best;
    }
    for (let cell = distance.length - 1; cell >= 0; cell--) {
      const column = cell % columns;
      let best = distance[cell] as number;
      if (column < columns - 1) best = closer(best, distance[cell + 1]);
      if (cell + columns < distance.length) {
        best = closer(best, distance[cell + columns]);
        if (column > 0) best = closer(best, distance[cell + columns - 1]);
        if (column < columns - 1) best = closer(best, distance[cell + columns + 1]);
      }
      distance[cell] = best;
    }
  }

  #column(x: number): number {
    return clamped(x * this.#per, this.#columns);
  }

  #line(y: number): number {
    return clamped(y * this.#per, this.#lines);
  }
}

/** The lesser of a distance and one more than a neighbour's. */
function closer(own: number, neighbour: number | undefined): number {
  const through = (neighbour as number) + 1;
  return through < own ? through : own;
}

/** NaN is 0. */
function clamped(at: number, count: number): number {
  return at >= count ? count - 1 : at > 0 ? at | 0 : 0;
}
