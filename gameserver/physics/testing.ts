/** A world of bodies for tests and benches of the kernel, without a zone around it. */

import { Kernel } from "./kernel.ts";
import { type Bodies, type KernelData, kernelData } from "./kernel-data.ts";
import { type World, worldLayout } from "./layout.ts";
import type { BodyKind } from "./shapes.ts";
import { aloneTeam, type Team } from "./team.ts";

export interface Body {
  readonly kind: number;
  readonly x: number;
  readonly y: number;
  readonly vx?: number;
  readonly vy?: number;
  readonly angle?: number;
}

export interface Bench {
  readonly bodies: Bodies;
  readonly data: KernelData;
  readonly kernel: Kernel;
  /** Row of each given body. */
  readonly rows: readonly number[];
  readonly step: (touch?: (a: number, b: number) => void, farSlowing?: number) => void;
}

export const circle = (radius: number, inverseMass = 1, collides = true): BodyKind => ({
  radius,
  inverseMass,
  collides,
  capsule: 0,
  angle: -1,
  spin: -1,
  rigid: undefined,
});

export function world(
  shape: World,
  kinds: readonly BodyKind[],
  given: readonly Body[],
  options: { readonly players?: readonly number[]; readonly team?: (data: KernelData) => Team } = {},
): Bench {
  const counts = kinds.map((_, index) => given.filter(({ kind }) => kind === index + 1).length);
  const starts = [0];
  for (const count of counts) starts.push((starts.at(-1) ?? 0) + count);
  const total = starts.at(-1) ?? 0;
  const bodies = emptyBodies(kinds, starts, worldLayout(shape, kinds, total).tiles);
  const next = starts.slice();
  const rows = given.map((body) => {
    const index = body.kind - 1;
    const row = next[index] ?? 0;
    next[index] = row + 1;
    bodies.kind[row] = body.kind;
    bodies.x[row] = body.x;
    bodies.y[row] = body.y;
    bodies.vx[row] = body.vx ?? 0;
    bodies.vy[row] = body.vy ?? 0;
    const angles = bodies.angle[body.kind];
    if (angles) angles[row] = body.angle ?? 0;
    return row;
  });
  for (const index of counts.keys()) bodies.high[index] = counts[index] ? (next[index] ?? 0) : 0;
  const data = kernelData(bodies, shape, kinds);
  const kernel = new Kernel(data, (options.team ?? aloneTeam)(data));
  // Without players named, everything is looked at: as if each body were a player's.
  const players = Uint16Array.from(options.players ?? rows, (row) => row + 1);
  let tick = 0;
  const step: Bench["step"] = (touch = () => {}, farSlowing = 1) => {
    kernel.step({ tick: ++tick, dt: 1 / 60, farSlowing, high: total, told: true }, players, touch);
  };
  return { bodies, data, kernel, rows, step };
}

function emptyBodies(kinds: readonly BodyKind[], starts: readonly number[], tiles: number): Bodies {
  const total = Math.max(1, starts.at(-1) ?? 0);
  const shared = (bytes: number) => new SharedArrayBuffer(bytes) as unknown as ArrayBuffer;
  const floats = () => new Float32Array(shared(total * 4));
  const optional = (index: number) => (index < 0 ? undefined : floats());
  return {
    x: floats(),
    y: floats(),
    vx: floats(),
    vy: floats(),
    kind: new Uint8Array(shared(total)),
    debt: new Uint8Array(shared(total)),
    slowed: new Uint8Array(shared(tiles)),
    angle: [undefined, ...kinds.map((kind) => optional(kind.angle))],
    spin: [undefined, ...kinds.map((kind) => optional(kind.spin))],
    starts,
    high: new Uint32Array(shared(kinds.length * 4)),
  };
}
