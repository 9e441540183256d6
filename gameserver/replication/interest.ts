/**
 * Who is near whom, for one zone in one I/O thread: a grid over the published positions, rebuilt at most once a
 * tick and only when somebody asks.
 */
import { Grid } from "../physics/grid.ts";
import { front, type Published, type ZoneMemory } from "../simulation/memory.ts";
import type { Schema } from "../simulation/schema.ts";

/** Who is in view stays in view a little farther out, so that nobody flickers at the edge. */
const STAY = 1.1;
/** And counts as a little nearer when places are short (share of the squared distance). */
const PREFER = 0.7;
const BUCKETS = 128;

export class Interest {
  readonly radius: number;
  readonly #memory: ZoneMemory;
  readonly #grid: Grid;
  readonly #step: number;
  readonly #rows: Uint16Array;
  readonly #squares: Float32Array;
  /** Squares as they count when places are short. */
  readonly #ranks: Float32Array;
  readonly #buckets = new Uint32Array(BUCKETS);
  #builtTick = -1;
  /** Handle + 1 of rows in the view being looked at; all 0 between calls. */
  readonly handleOf: Uint8Array;

  constructor(schema: Schema, memory: ZoneMemory) {
    const { width, height, interest, columns } = schema.descriptor;
    this.radius = interest;
    this.#memory = memory;
    this.#step = columns[0]?.step ?? 1;
    this.#grid = new Grid(width, height, interest, memory.rows);
    this.#rows = new Uint16Array(memory.rows);
    this.#squares = new Float32Array(memory.rows);
    this.#ranks = new Float32Array(memory.rows);
    this.handleOf = new Uint8Array(memory.rows);
  }

  /**
   * Calls `take(row, squared distance)` for the nearest `cap` entities around a point, in no particular order.
   * Reads `handleOf` to prefer those in view already.
   */
  select(
    published: Published,
    x: number,
    y: number,
    cap: number,
    take: (row: number, square: number) => void,
  ): void {
    this.#refresh(published);
    const found = this.#gather(published, x, y);
    const { bucket, rest } = found <= cap ? { bucket: BUCKETS, rest: 0 } : this.#cut(found, cap);
    let left = rest;
    for (let i = 0; i < found; i++) {
      const at = this.#bucket(this.#ranks[i] as number);
      if (at > bucket || (at === bucket && left-- <= 0)) continue;
      take(this.#rows[i] as number, this.#squares[i] as number);
    }
  }

  /** Fills `#rows` and `#squares`; answers how many. */
  #gather(published: Published, x: number, y: number): number {
    const [xs, ys] = published.columns as [Uint16Array, Uint16Array];
    const grid = this.#grid;
    const far = this.radius * STAY;
    const enter = this.radius * this.radius;
    const stay = far * far;
    const left = grid.column((x - far) / grid.cell);
    const right = grid.column((x + far) / grid.cell);
    const bottom = grid.line((y + far) / grid.cell);
    let found = 0;
    for (let line = grid.line((y - far) / grid.cell); line <= bottom; line++) {
      const end = grid.starts[line * grid.columns + right + 1] as number;
      for (let i = grid.starts[line * grid.columns + left] as number; i < end; i++) {
        const row = grid.items[i] as number;
        const dx = (xs[row] as number) * this.#step - x;
        const dy = (ys[row] as number) * this.#step - y;
        const square = dx * dx + dy * dy;
        const inView = this.handleOf[row] !== 0;
        if (square > (inView ? stay : enter)) continue;
        this.#rows[found] = row;
        this.#squares[found] = square;
        this.#ranks[found] = inView ? square * PREFER : square;
        found++;
      }
    }
    return found;
  }

  /** The bucket in which the `cap`-th nearest lies, and how many of that bucket still fit. */
  #cut(found: number, cap: number): { bucket: number; rest: number } {
    this.#buckets.fill(0);
    for (let i = 0; i < found; i++) {
      const at = this.#bucket(this.#ranks[i] as number);
      this.#buckets[at] = (this.#buckets[at] as number) + 1;
    }
    let rest = cap;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const here = this.#buckets[bucket] as number;
      if (here > rest) return { bucket, rest };
      rest -= here;
    }
    return { bucket: BUCKETS, rest: 0 };
  }

  #bucket(rank: number): number {
    const most = this.radius * this.radius;
    return Math.min(BUCKETS - 1, Math.floor((rank / most) * BUCKETS));
  }

  #refresh(published: Published): void {
    const [tick = 0, high = 0] = published.info;
    if (tick === this.#builtTick) return;
    this.#builtTick = tick;
    const [xs, ys] = published.columns as [Uint16Array, Uint16Array];
    this.#grid.build(xs, ys, published.kind, high, this.#step);
  }

  /** The newest tick. */
  published(): Published {
    return front(this.#memory);
  }
}
