/**
 * Who is near whom, for one zone in one I/O thread: a grid over the positions of the zone's picture, built at most
 * once a tick and only when somebody asks.
 *
 * A look costs about as much as there are neighbours; in a crush (thousands within the radius) it goes only as far out
 * as it must to find the nearest `cap`, so that its cost stays bounded.
 */
import { Grid } from "../physics/grid.ts";
import type { ZonePicture } from "./zone-picture.ts";

/** Who is in view stays in view a little farther out, so that nobody flickers at the edge. */
const STAY = 1.1;
/** And counts as a little nearer when places are short (share of the squared distance). */
const PREFER = 0.7;
const BUCKETS = 128;
/** Grid cells across the radius: fine enough to stop early in a crush. */
const CELLS = 6;

export class Interest {
  readonly radius: number;
  /** What the last `select` found: rows, and their squared distances. Overwritten by the next. */
  readonly rows: Uint16Array;
  readonly squares: Float32Array;
  /** Handle + 1 of rows in the view being looked at; all 0 between calls. */
  readonly handleOf: Uint8Array;
  readonly #picture: ZonePicture;
  readonly #grid: Grid;
  readonly #byRowX: Float32Array;
  readonly #byRowY: Float32Array;
  /** Positions in the order of `grid.items`. */
  readonly #xs: Float32Array;
  readonly #ys: Float32Array;
  /** Squares as they count when places are short. */
  readonly #ranks: Float32Array;
  readonly #buckets = new Uint32Array(BUCKETS);
  #builtCopy = -1;

  constructor(radius: number, width: number, height: number, picture: ZonePicture) {
    const rows = picture.identity.length;
    this.radius = radius;
    this.#picture = picture;
    this.#grid = new Grid(width, height, radius / CELLS, rows);
    this.rows = new Uint16Array(rows);
    this.squares = new Float32Array(rows);
    this.handleOf = new Uint8Array(rows);
    this.#byRowX = new Float32Array(rows);
    this.#byRowY = new Float32Array(rows);
    this.#xs = new Float32Array(rows);
    this.#ys = new Float32Array(rows);
    this.#ranks = new Float32Array(rows);
  }

  /**
   * Finds the nearest `cap` entities around a point, in no particular order, into `rows` and `squares`; answers how
   * many. `own` is a row that is always among them (the player's), −1 for none. Reads `handleOf` to prefer those in
   * view already.
   */
  select(x: number, y: number, cap: number, own: number): number {
    this.#refresh();
    const reach = this.#reach(x, y, cap);
    const found = this.#gather(x, y, reach, own);
    return found <= cap ? found : this.#keepNearest(found, cap, reach);
  }

  /** How far to look: the radius, or less where that already holds far more than `cap`. */
  #reach(x: number, y: number, cap: number): number {
    const { cell } = this.#grid;
    const full = this.radius * STAY;
    for (let cells = 1; ; cells *= 2) {
      // Cells that the square touches end at most one cell outside of it: all that was counted, and so the nearest
      // `cap`, lie within this circle.
      const reach = (cells + 1) * cell * Math.SQRT2;
      if (reach >= full) return full;
      if (this.#count(x, y, cells * cell) >= cap) return reach;
    }
  }

  /** Entities in the cells that lie within `half` around a point at least in part. */
  #count(x: number, y: number, half: number): number {
    const grid = this.#grid;
    const { starts, columns } = grid;
    const per = 1 / grid.cell;
    const left = grid.column((x - half) * per);
    const right = grid.column((x + half) * per) + 1;
    const bottom = grid.line((y + half) * per);
    let count = 0;
    for (let line = grid.line((y - half) * per); line <= bottom; line++) {
      const base = line * columns;
      count += (starts[base + right] as number) - (starts[base + left] as number);
    }
    return count;
  }

  /** Fills `rows`, `squares` and `#ranks`; answers how many. */
  #gather(x: number, y: number, reach: number, own: number): number {
    const grid = this.#grid;
    const { starts, items, columns } = grid;
    const { rows, squares, handleOf } = this;
    const xs = this.#xs;
    const ys = this.#ys;
    const ranks = this.#ranks;
    const per = 1 / grid.cell;
    const enter = Math.min(this.radius, reach) ** 2;
    const stay = reach * reach;
    const left = grid.column((x - reach) * per);
    const right = grid.column((x + reach) * per) + 1;
    const bottom = grid.line((y + reach) * per);
    let found = 0;
    for (let line = grid.line((y - reach) * per); line <= bottom; line++) {
      const end = starts[line * columns + right] as number;
      for (let i = starts[line * columns + left] as number; i < end; i++) {
        const dx = (xs[i] as number) - x;
        const dy = (ys[i] as number) - y;
        const square = dx * dx + dy * dy;
        if (square > stay) continue;
        const row = items[i] as number;
        const inView = handleOf[row] !== 0;
        if (square > enter && !inView) continue;
        rows[found] = row;
        squares[found] = square;
        ranks[found++] = row === own ? -1 : inView ? square * PREFER : square;
      }
    }
    return found;
  }

  /** Packs the nearest `cap` of `found` to the front. */
  #keepNearest(found: number, cap: number, reach: number): number {
    const { rows, squares } = this;
    const ranks = this.#ranks;
    const buckets = this.#buckets.fill(0);
    const per = (BUCKETS - 1) / (reach * reach);
    for (let i = 0; i < found; i++) {
      const bucket = bucketOf(ranks[i] as number, per);
      buckets[bucket] = (buckets[bucket] as number) + 1;
    }
    let last = 0;
    let rest = cap;
    while (last < BUCKETS && (buckets[last] as number) <= rest) rest -= buckets[last++] as number;
    let kept = 0;
    for (let i = 0; i < found; i++) {
      const bucket = bucketOf(ranks[i] as number, per);
      if (bucket > last || (bucket === last && rest-- <= 0)) continue;
      rows[kept] = rows[i] as number;
      squares[kept++] = squares[i] as number;
    }
    return kept;
  }

  #refresh(): void {
    const picture = this.#picture;
    if (picture.copy === this.#builtCopy) return;
    this.#builtCopy = picture.copy;
    const { codes, stride, step, high } = picture;
    const byRowX = this.#byRowX;
    const byRowY = this.#byRowY;
    for (let row = 0, at = 0; row < high; row++, at += stride) {
      byRowX[row] = (codes[at] as number) * step;
      byRowY[row] = (codes[at + 1] as number) * step;
    }
    this.#grid.build(byRowX, byRowY, picture.kind, high);
    const { items, starts } = this.#grid;
    const count = starts[starts.length - 1] as number;
    for (let i = 0; i < count; i++) {
      const row = items[i] as number;
      this.#xs[i] = byRowX[row] as number;
      this.#ys[i] = byRowY[row] as number;
    }
  }
}

/** The player's own row has rank −1 and a bucket to itself. */
function bucketOf(rank: number, per: number): number {
  return rank < 0 ? 0 : Math.min(BUCKETS - 1, 1 + Math.floor(rank * per));
}
