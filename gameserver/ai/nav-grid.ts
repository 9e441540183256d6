/**
 * The navigation grid: which cells of the world are free, and whether one sees another. Integers only.
 *
 * A cell is known by its number, line × columns + column. Each cell counts what stands on it, so that obstacles that
 * overlap can come and go one by one.
 */

/** Of a zone that has navigation; plain data from the declaration. */
export interface NavigationPlan {
  /** World units: side of a cell. */
  readonly cell: number;
  readonly columns: number;
  readonly lines: number;
  /** Names of the kinds that ask for ways. */
  readonly kinds: readonly string[];
  /** What is blocked from the start: x, y, width, height, world units. */
  readonly blocked: readonly Rectangle[];
}

export type Rectangle = readonly [x: number, y: number, width: number, height: number];

/** Cell numbers are 16 bits. */
export const MOST_CELLS = 65_535;
const MOST_ON_A_CELL = 255;

/** Columns and lines of the eight neighbours; odd ones are diagonal, and n and n ^ 4 are opposite. */
export const DIRECTION_X = [1, 1, 0, -1, -1, -1, 0, 1] as const;
export const DIRECTION_Y = [0, 1, 1, 1, 0, -1, -1, -1] as const;

export class NavGrid {
  readonly columns: number;
  readonly lines: number;
  readonly cell: number;
  /** How many obstacles stand on each cell. */
  readonly obstacles: Uint8Array;

  constructor(plan: NavigationPlan, obstacles: Uint8Array) {
    this.columns = plan.columns;
    this.lines = plan.lines;
    this.cell = plan.cell;
    this.obstacles = obstacles;
  }

  /** The cell of a place; places outside the world belong to its edge, NaN to cell 0. */
  at(x: number, y: number): number {
    return index(y / this.cell, this.lines) * this.columns + index(x / this.cell, this.columns);
  }

  centreX(cell: number): number {
    return ((cell % this.columns) + 0.5) * this.cell;
  }

  centreY(cell: number): number {
    return (Math.floor(cell / this.columns) + 0.5) * this.cell;
  }

  free(cell: number): boolean {
    return this.obstacles[cell] === 0;
  }

  /** Puts an obstacle on every cell that the rectangle touches, or takes one away. */
  obstruct([x, y, width, height]: Rectangle, on: boolean): void {
    if (!(width > 0 && height > 0)) return;
    const left = Math.max(0, Math.floor(x / this.cell));
    const right = Math.min(this.columns, Math.ceil((x + width) / this.cell));
    const bottom = Math.min(this.lines, Math.ceil((y + height) / this.cell));
    for (let line = Math.max(0, Math.floor(y / this.cell)); line < bottom; line++) {
      for (let at = line * this.columns + left; at < line * this.columns + right; at++) {
        const count = (this.obstacles[at] as number) + (on ? 1 : -1);
        this.obstacles[at] = Math.max(0, Math.min(MOST_ON_A_CELL, count));
      }
    }
  }

  /** The cell itself when it is free, else the nearest free one within `rings` cells, else −1. */
  nearestFree(cell: number, rings: number): number {
    if (this.free(cell)) return cell;
    const column = cell % this.columns;
    const line = Math.floor(cell / this.columns);
    for (let ring = 1; ring <= rings; ring++) {
      let best = -1;
      let bestSquare = Number.POSITIVE_INFINITY;
      for (let dy = -ring; dy <= ring; dy++) {
        const step = Math.abs(dy) === ring ? 1 : ring * 2;
        for (let dx = -ring; dx <= ring; dx += step) {
          const square = dx * dx + dy * dy;
          if (square >= bestSquare || !this.inside(column + dx, line + dy)) continue;
          const other = (line + dy) * this.columns + column + dx;
          if (!this.free(other)) continue;
          best = other;
          bestSquare = square;
        }
      }
      if (best >= 0) return best;
    }
    return -1;
  }

  inside(column: number, line: number): boolean {
    return column >= 0 && line >= 0 && column < this.columns && line < this.lines;
  }

  /** Cells between two along the longer axis. */
  distance(a: number, b: number): number {
    const { columns } = this;
    const dx = Math.abs((a % columns) - (b % columns));
    return Math.max(dx, Math.abs(Math.floor(a / columns) - Math.floor(b / columns)));
  }

  /**
   * Whether the straight line between the centres of two cells, at most `most` cells apart, touches free cells only.
   * A line through a corner needs both cells beside it: nobody squeezes between two obstacles.
   */
  clear(from: number, to: number, most: number): boolean {
    if (this.distance(from, to) > most || !this.free(from)) return false;
    const { columns } = this;
    const dx = (to % columns) - (from % columns);
    const dy = Math.floor(to / columns) - Math.floor(from / columns);
    const stepX = Math.sign(dx);
    const stepY = Math.sign(dy) * columns;
    const width = Math.abs(dx);
    const height = Math.abs(dy);
    // Doubled distances to the next border in x and in y, compared without a division.
    let ahead = width - height;
    for (let cell = from; cell !== to; ) {
      if (ahead === 0) {
        if (!this.free(cell + stepX) || !this.free(cell + stepY)) return false;
        cell += stepX + stepY;
        ahead += 2 * width - 2 * height;
      } else if (ahead > 0) {
        cell += stepX;
        ahead -= 2 * height;
      } else {
        cell += stepY;
        ahead += 2 * width;
      }
      if (!this.free(cell)) return false;
    }
    return true;
  }
}

function index(at: number, count: number): number {
  return at >= count ? count - 1 : at > 0 ? Math.floor(at) : 0;
}
