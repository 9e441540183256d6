/**
 * A uniform grid over points, built by counting sort: ~10 ns a point to build, no allocation after the first time.
 *
 * Within a cell, rows are in ascending order, and cells are visited in a fixed order: whoever iterates gets the same
 * order everywhere. Used for collisions, `zone.near`, and interest.
 */
export class Grid {
  readonly cell: number;
  readonly columns: number;
  readonly lines: number;
  /** First index into `items` of each cell; the next cell's start is its end. */
  readonly starts: Uint32Array;
  readonly items: Uint32Array;
  readonly #cellOf: Int32Array;

  /** Cells are at least `cell` wide, and wider where the world would have far more cells than rows. */
  constructor(width: number, height: number, cell: number, rows: number) {
    this.cell = Math.max(cell, Math.sqrt((width * height) / Math.max(64, rows * 4)));
    this.columns = Math.max(1, Math.ceil(width / this.cell));
    this.lines = Math.max(1, Math.ceil(height / this.cell));
    this.starts = new Uint32Array(this.columns * this.lines + 1);
    this.items = new Uint32Array(rows);
    this.#cellOf = new Int32Array(rows);
  }

  /** Takes rows 0 … `high` − 1 for which `kinds[row]` is not 0. */
  build(xs: ArrayLike<number>, ys: ArrayLike<number>, kinds: Uint8Array, high: number): void {
    const { starts, items } = this;
    const cellOf = this.#cellOf;
    const perCell = 1 / this.cell;
    starts.fill(0);
    for (let row = 0; row < high; row++) {
      if (kinds[row] === 0) {
        cellOf[row] = -1;
        continue;
      }
      const cell =
        this.line((ys[row] as number) * perCell) * this.columns + this.column((xs[row] as number) * perCell);
      cellOf[row] = cell;
      starts[cell] = (starts[cell] as number) + 1;
    }
    let sum = 0;
    for (let cell = 0; cell < starts.length; cell++) {
      sum += starts[cell] as number;
      starts[cell] = sum;
    }
    // From the last row down, so that each cell ends up ascending.
    for (let row = high - 1; row >= 0; row--) {
      const cell = cellOf[row] as number;
      if (cell < 0) continue;
      const at = (starts[cell] as number) - 1;
      starts[cell] = at;
      items[at] = row;
    }
  }

  /** Grid column of a coordinate given in cells; clamped. NaN is column 0. */
  column(cells: number): number {
    return cells >= this.columns ? this.columns - 1 : cells > 0 ? Math.floor(cells) : 0;
  }

  line(cells: number): number {
    return cells >= this.lines ? this.lines - 1 : cells > 0 ? Math.floor(cells) : 0;
  }

  /** Visits every row in the cells that the square around (x, y) touches: a superset of the circle. */
  around(x: number, y: number, radius: number, visit: (row: number) => void): void {
    const per = 1 / this.cell;
    const left = this.column((x - radius) * per);
    const right = this.column((x + radius) * per);
    const bottom = this.line((y + radius) * per);
    for (let line = this.line((y - radius) * per); line <= bottom; line++) {
      const first = this.starts[line * this.columns + left] as number;
      const end = this.starts[line * this.columns + right + 1] as number;
      for (let i = first; i < end; i++) visit(this.items[i] as number);
    }
  }
}
