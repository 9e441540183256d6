/**
 * Own kernel for circles: moves them, keeps them inside the world, pushes overlapping ones apart.
 *
 * Positions and velocities are the zone's columns themselves (Float32Array); the kernel keeps no state between
 * steps, so that a zone restored from a snapshot goes on identically. Pairs are resolved in row order.
 */
import { Grid } from "./grid.ts";

export interface CircleKind {
  readonly radius: number;
  /** 0 for what is never pushed. */
  readonly inverseMass: number;
  readonly collides: boolean;
}

export interface Bodies {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly vx: Float32Array;
  readonly vy: Float32Array;
  /** Kind number, 0 for a free row. */
  readonly kind: Uint8Array;
}

export interface World {
  readonly width: number;
  readonly height: number;
  readonly maxSpeed: number;
  readonly bounce: boolean;
}

export type Touch = (a: number, b: number) => void;

/** Share of the overlap that one step removes: less than 1 keeps piles from trembling. */
const PUSH = 0.8;
/** Speed kept along the line of impact. */
const RESTITUTION = 0.4;
/** A kind this many times larger than the smallest is looked up by range instead of widening all cells. */
const LARGE = 8;

export class Circles {
  readonly #bodies: Bodies;
  readonly #world: World;
  /** By kind number. */
  readonly #radius: Float64Array;
  readonly #inverse: Float64Array;
  readonly #solid: Uint8Array;
  readonly #large: Uint8Array;
  /** Radius of the widest kind that is not large, and of the widest of all. */
  readonly #reach: number;
  readonly #widest: number;
  readonly #grid: Grid;

  constructor(bodies: Bodies, world: World, kinds: readonly CircleKind[]) {
    this.#bodies = bodies;
    this.#world = world;
    const solid = kinds.filter((kind) => kind.collides);
    const smallest = Math.min(...solid.map((kind) => kind.radius), Number.POSITIVE_INFINITY);
    const small = solid.filter((kind) => kind.radius <= smallest * LARGE);
    this.#radius = Float64Array.from([0, ...kinds.map((kind) => kind.radius)]);
    this.#inverse = Float64Array.from([0, ...kinds.map((kind) => kind.inverseMass)]);
    this.#solid = Uint8Array.from([0, ...kinds.map((kind) => (kind.collides ? 1 : 0))]);
    this.#large = Uint8Array.from([0, ...kinds.map((kind) => (kind.radius > smallest * LARGE ? 1 : 0))]);
    this.#reach = Math.max(0.01, ...small.map((kind) => kind.radius));
    this.#widest = Math.max(0.01, ...solid.map((kind) => kind.radius));
    this.#grid = new Grid(world.width, world.height, this.#reach * 2, bodies.kind.length);
  }

  /** One step of `dt` seconds over rows 0 … `high` − 1. `touch` is called after a pair was pushed apart. */
  step(high: number, dt: number, touch: Touch): void {
    this.#move(high, dt);
    this.#grid.build(this.#bodies.x, this.#bodies.y, this.#bodies.kind, high);
    for (let row = 0; row < high; row++) {
      const kind = this.#bodies.kind[row] as number;
      if (this.#solid[kind] === 1) this.#collide(row, kind, touch);
    }
  }

  #move(high: number, dt: number): void {
    const { x, y, vx, vy, kind } = this.#bodies;
    const { width, height, maxSpeed, bounce } = this.#world;
    for (let row = 0; row < high; row++) {
      if (kind[row] === 0) continue;
      vx[row] = limit(vx[row] as number, maxSpeed);
      vy[row] = limit(vy[row] as number, maxSpeed);
      x[row] = (x[row] as number) + (vx[row] as number) * dt;
      y[row] = (y[row] as number) + (vy[row] as number) * dt;
      const radius = this.#radius[kind[row] as number] as number;
      contain(x, vx, row, radius, width - radius, bounce);
      contain(y, vy, row, radius, height - radius, bounce);
    }
  }

  #collide(row: number, kind: number, touch: Touch): void {
    const grid = this.#grid;
    const x = this.#bodies.x[row] as number;
    const y = this.#bodies.y[row] as number;
    const radius = this.#radius[kind] as number;
    const reach = radius + (this.#large[kind] === 1 ? this.#widest : this.#reach);
    const left = grid.column((x - reach) / grid.cell);
    const right = grid.column((x + reach) / grid.cell);
    const bottom = grid.line((y + reach) / grid.cell);
    for (let line = grid.line((y - reach) / grid.cell); line <= bottom; line++) {
      const end = grid.starts[line * grid.columns + right + 1] as number;
      for (let i = grid.starts[line * grid.columns + left] as number; i < end; i++) {
        this.#pair(row, kind, radius, grid.items[i] as number, touch);
      }
    }
  }

  #pair(row: number, kind: number, radius: number, other: number, touch: Touch): void {
    const otherKind = this.#bodies.kind[other] as number;
    if (other === row || this.#solid[otherKind] !== 1) return;
    const otherLarge = this.#large[otherKind] as number;
    // Each pair once: of an unequal pair the large one finds the small one, else the lower row the higher.
    if (this.#large[kind] === otherLarge ? other < row : otherLarge === 1) return;
    if (!this.#resolve(row, other, radius, this.#radius[otherKind] as number)) return;
    if (row < other) touch(row, other);
    else touch(other, row);
  }

  #resolve(a: number, b: number, radiusA: number, radiusB: number): boolean {
    const { x, y, vx, vy, kind } = this.#bodies;
    const dx = (x[b] as number) - (x[a] as number);
    const dy = (y[b] as number) - (y[a] as number);
    const sum = radiusA + radiusB;
    const square = dx * dx + dy * dy;
    if (!(square < sum * sum)) return false;
    const inverseA = this.#inverse[kind[a] as number] as number;
    const inverseB = this.#inverse[kind[b] as number] as number;
    const total = inverseA + inverseB;
    if (total === 0) return true;
    const distance = Math.sqrt(square);
    // Two at the very same place part along x: any direction will do, but always the same one.
    const nx = distance > 1e-6 ? dx / distance : 1;
    const ny = distance > 1e-6 ? dy / distance : 0;
    const push = ((sum - distance) * PUSH) / total;
    x[a] = (x[a] as number) - nx * push * inverseA;
    y[a] = (y[a] as number) - ny * push * inverseA;
    x[b] = (x[b] as number) + nx * push * inverseB;
    y[b] = (y[b] as number) + ny * push * inverseB;
    const closing =
      ((vx[b] as number) - (vx[a] as number)) * nx + ((vy[b] as number) - (vy[a] as number)) * ny;
    if (closing < 0) {
      const impulse = (-(1 + RESTITUTION) * closing) / total;
      vx[a] = (vx[a] as number) - nx * impulse * inverseA;
      vy[a] = (vy[a] as number) - ny * impulse * inverseA;
      vx[b] = (vx[b] as number) + nx * impulse * inverseB;
      vy[b] = (vy[b] as number) + ny * impulse * inverseB;
    }
    return true;
  }
}

/** NaN becomes 0: one bad number must not spread through collisions. */
function limit(speed: number, max: number): number {
  return speed > max ? max : speed < -max ? -max : speed >= -max ? speed : 0;
}

function contain(
  at: Float32Array,
  speed: Float32Array,
  row: number,
  low: number,
  high: number,
  bounce: boolean,
): void {
  const value = at[row] as number;
  if (value >= low && value <= high) return;
  // Also where NaN ends up: at the low edge, standing still.
  at[row] = value > high ? high : low;
  const inward = value > high ? -Math.abs(speed[row] as number) : Math.abs(speed[row] as number);
  speed[row] = bounce && !Number.isNaN(inward) ? inward : 0;
}
