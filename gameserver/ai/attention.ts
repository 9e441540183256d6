/**
 * How much players care about a place: the band that decides how often an NPC there may think under load.
 *
 * A coarse grid, looked at anew in every tick that needs it, so that the answer depends on the zone's state alone.
 * Cells are a third of the radius of interest: an NPC within that of an engaged player always counts as engaged,
 * and by the grid's coarseness at most three times as far. ~0.1 ms at 5,000 players and 5,600 cells.
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
  /** Cells in a line of the arrays: one more on either side, where nobody ever is, so that no border needs a check. */
  readonly #stride: number;
  /** Cells to the nearest player, along the longer axis. */
  readonly #distance: Uint8Array;
  /** 1 within reach of an engaged player. */
  readonly #engaged: Uint8Array;
  /** Cells in which an engaged player is, each once, and 1 for each of them. Empty between two looks. */
  readonly #fights: number[] = [];
  readonly #fighting: Uint8Array;

  /** World units. */
  constructor(width: number, height: number, interest: number) {
    const cell = Math.max(interest / CELLS_PER_INTEREST, width / MOST_CELLS, height / MOST_CELLS);
    this.#per = 1 / cell;
    this.#columns = Math.max(1, Math.ceil(width / cell));
    this.#lines = Math.max(1, Math.ceil(height / cell));
    this.#stride = this.#columns + 2;
    const cells = this.#stride * (this.#lines + 2);
    this.#distance = new Uint8Array(cells).fill(FAR_AWAY);
    this.#engaged = new Uint8Array(cells);
    this.#fighting = new Uint8Array(cells);
  }

  /** Takes in where players are, and who of them is engaged in `tick`. */
  look({ columns, playerRow, engagedUntil }: Players, tick: number): void {
    const [xs, ys] = columns as readonly [ArrayLike<number>, ArrayLike<number>];
    this.#distance.fill(FAR_AWAY);
    for (let slot = 0; slot < playerRow.length; slot++) {
      const row = (playerRow[slot] as number) - 1;
      if (row < 0) continue;
      const cell = this.#cell(xs[row] as number, ys[row] as number);
      this.#distance[cell] = 0;
      // Of a crowd in one cell, one is enough.
      if ((engagedUntil[slot] as number) <= tick || this.#fighting[cell] !== 0) continue;
      this.#fighting[cell] = 1;
      this.#fights.push(cell);
    }
    this.#engage();
    this.#spread();
  }

  /** The band of a place, as of the last look. */
  at(x: number, y: number): number {
    const cell = this.#cell(x, y);
    if (this.#engaged[cell] !== 0) return BAND.engaged;
    const distance = this.#distance[cell] as number;
    return distance <= NEAR_CELLS ? BAND.near : distance <= MID_CELLS ? BAND.mid : BAND.far;
  }

  /** Marks what is within reach of the fights found. */
  #engage(): void {
    this.#engaged.fill(0);
    for (const cell of this.#fights) {
      this.#fighting[cell] = 0;
      for (let line = -ENGAGED_CELLS; line <= ENGAGED_CELLS; line++) {
        const at = cell + line * this.#stride;
        this.#engaged.fill(1, at - ENGAGED_CELLS, at + ENGAGED_CELLS + 1);
      }
    }
    this.#fights.length = 0;
  }

  /** Distances from the cells with players to all others: one pass down, one pass up. */
  #spread(): void {
    const distance = this.#distance;
    const stride = this.#stride;
    for (let line = 1; line <= this.#lines; line++) {
      const end = line * stride + this.#columns;
      let before = FAR_AWAY;
      for (let cell = line * stride + 1; cell <= end; cell++) {
        const above = cell - stride;
        const least = Math.min(
          before,
          distance[above - 1] as number,
          distance[above] as number,
          distance[above + 1] as number,
        );
        before = Math.min(distance[cell] as number, least + 1);
        distance[cell] = before;
      }
    }
    for (let line = this.#lines; line >= 1; line--) {
      const end = line * stride;
      let after = FAR_AWAY;
      for (let cell = end + this.#columns; cell > end; cell--) {
        const below = cell + stride;
        const least = Math.min(
          after,
          distance[below - 1] as number,
          distance[below] as number,
          distance[below + 1] as number,
        );
        after = Math.min(distance[cell] as number, least + 1);
        distance[cell] = after;
      }
    }
  }

  #cell(x: number, y: number): number {
    const line = clamped(y * this.#per, this.#lines) + 1;
    return line * this.#stride + clamped(x * this.#per, this.#columns) + 1;
  }
}

/** NaN is 0. */
function clamped(at: number, count: number): number {
  return at >= count ? count - 1 : at > 0 ? at | 0 : 0;
}
