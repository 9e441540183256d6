/**
 * What all rigid regions of a zone share, and what is made ready in it before any of them steps: which region a body
 * is in, who sees it as a ghost, its values at the start of the step, how closely each region is looked at.
 */
import type { KernelData } from "./kernel-data.ts";
import { ghostMargin, type RigidState, SEEN } from "./rigid-state.ts";

export interface RigidTables {
  readonly data: KernelData;
  readonly state: RigidState;
  /** Generation by row, as in the zone's memory. */
  readonly generation: Uint16Array;
  /** Values at the start of the step, laid out as `seen`. Scratch. */
  readonly start: Float32Array;
  /** Level of attention by region: 0 near a player … 2. Scratch. */
  readonly level: Uint8Array;
  /** Bit n: the body is in region n, as itself or as a ghost. Scratch. */
  readonly near: Uint8Array;
  /** What each region's last step took, ms. Never read by a step: only measured. */
  readonly ms: Float64Array;
}

export function rigidTables(data: KernelData, state: RigidState, generation: Uint16Array): RigidTables {
  const shared = (bytes: number) => new SharedArrayBuffer(Math.max(8, bytes)) as unknown as ArrayBuffer;
  return {
    data,
    state,
    generation,
    start: new Float32Array(shared(state.count * SEEN * 4)),
    level: new Uint8Array(shared(state.regions)),
    near: new Uint8Array(shared(state.count)),
    ms: new Float64Array(shared(state.regions * 8)),
  };
}

/** Gives every body in the rows `from` … `to` − 1 its region and copies its values. */
export function prepareRows({ data, state, start, near }: RigidTables, from: number, to: number): void {
  const { bodies, world } = data;
  const side = world.width / state.regions;
  // A body at a border does not go back and forth.
  const margin = ghostMargin(world, data.kinds);
  const stay = margin / 2;
  const stop = Math.min(state.count, to - state.first);
  for (let i = Math.max(0, from - state.first); i < stop; i++) {
    const row = state.first + i;
    const kind = bodies.kind[row] as number;
    if (kind === 0) {
      state.owner[i] = 0;
      near[i] = 0;
      continue;
    }
    const x = bodies.x[row] as number;
    const at = i * SEEN;
    start[at] = x;
    start[at + 1] = bodies.y[row] as number;
    start[at + 2] = bodies.vx[row] as number;
    start[at + 3] = bodies.vy[row] as number;
    start[at + 4] = bodies.angle[kind]?.[row] ?? 0;
    start[at + 5] = bodies.spin[kind]?.[row] ?? 0;
    let owner = (state.owner[i] as number) - 1;
    if (!(owner >= 0 && x > owner * side - stay && x < (owner + 1) * side + stay)) {
      const wanted = Math.min(state.regions - 1, Math.max(0, Math.floor(x / side)));
      // NaN stays where it was: the region puts it right.
      owner = wanted >= 0 ? wanted : Math.max(0, owner);
      state.owner[i] = owner + 1;
    }
    let bits = 1 << owner;
    if (x < owner * side + margin && owner > 0) bits |= 1 << (owner - 1);
    if (x > (owner + 1) * side - margin && owner < state.regions - 1) bits |= 1 << (owner + 1);
    near[i] = bits;
  }
}

/** How closely each region is looked at: as its tile that is looked at most closely. */
export function attendRegions({ data, state, level }: RigidTables): void {
  const { layout, world } = data;
  const side = world.width / state.regions;
  level.fill(2);
  for (let tile = 0; tile < layout.tiles; tile++) {
    const column = Math.floor(tile / layout.bands) * layout.stripColumns;
    const region = Math.min(state.regions - 1, Math.floor((column * layout.cell) / side));
    level[region] = Math.min(level[region] as number, data.level[tile] as number);
  }
}
