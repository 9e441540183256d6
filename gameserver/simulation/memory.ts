/**
 * One zone's memory: a single SharedArrayBuffer that the simulation writes and the I/O threads read.
 *
 * The first part is the zone's whole *state* (columns, players, timers, records, generator) in one contiguous
 * range: a copy of it is a snapshot. Behind it lie what is derived or in transit: the published columns in two
 * alternating buffers, the input rings, the event log. Sizes follow from the schema and the number of player
 * slots, so a zone's memory is known before it is opened. Published values are wire codes (see frames-schema.ts).
 *
 * Writers: the simulation thread writes everything but the parts marked [io].
 */
import { layOutNavigation, type NavigationState } from "../ai/navigation-state.ts";
import type { Scalar } from "../game.ts";
import { type World, type WorldLayout, worldLayout } from "../physics/layout.ts";
import { type RigidState, rigidRegions, SEEN } from "../physics/rigid-state.ts";
import type { Schema } from "./schema.ts";
import { type Codes, wireStride, wireType } from "./wire-rows.ts";

export type NumberArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

const ARRAYS = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
} as const satisfies Record<Scalar, unknown>;

type ArrayOf<T extends Scalar> = InstanceType<(typeof ARRAYS)[T]>;

/** Words of `shared`, used with Atomics. */
export const SHARED = { front: 0, eventHead: 1 } as const;
/** Words of `state.head`. */
export const HEAD = { tick: 0, high: 1, players: 2, over: 3, random: 4 } as const;
const HEAD_WORDS = 16;

/** Places for inputs waiting per player. At the allowed rates a ring holds over a second of them. */
export const INPUT_PLACES = 32;
/** Bytes before the fields of a waiting input: sequence u32, kind u8, padding. */
export const INPUT_HEAD_BYTES = 8;

/** Most rows of a zone: entity ids carry the row in 16 bits. */
export const MAX_ROWS = 65_535;

/** What readers see of one tick. */
export interface Published {
  /** Wire codes, so many a row: see wire-rows.ts. */
  readonly codes: Codes;
  readonly stride: number;
  /** Kind number of each row, 0 for a free one. */
  readonly kind: Uint8Array;
  /** Generation and kind of each row in one number (`identityOf`): one look tells whether it is still the same. */
  readonly identity: Uint32Array;
  /** Last input applied, by player slot. */
  readonly applied: Uint32Array;
  /** [tick, rows in use]. */
  readonly info: Uint32Array;
  /** [Unix ms of the publication]. */
  readonly time: Float64Array;
}

export interface ZoneMemory {
  readonly buffer: SharedArrayBuffer;
  readonly rows: number;
  readonly slots: number;
  /** Length of the state range, bytes from the start of the buffer. */
  readonly stateBytes: number;

  // State
  readonly head: Uint32Array;
  readonly timers: Uint32Array;
  readonly records: Float64Array;
  /** Row after the last one in use, by kind number − 1. */
  readonly kindHigh: Uint32Array;
  readonly kind: Uint8Array;
  readonly generation: Uint16Array;
  /** Player slot + 1 of the entity's owner; 0 for none. */
  readonly owner: Uint16Array;
  readonly columns: readonly NumberArray[];
  /** Of NPCs: stamp of the tick of the last thought (see ai/brains.ts); 0 for never. */
  readonly thought: Uint16Array;
  /** Ticks of motion that a far entity has not made up for yet. */
  readonly debt: Uint8Array;
  /** Ticks for which a tile of the world is slowed because of an anomaly. */
  readonly slowed: Uint8Array;
  /** Of rigid bodies: see `RigidState`. */
  readonly rigid: RigidState;
  /** Obstacles, routes and the search under way. */
  readonly navigation: NavigationState;
  /** Row + 1 of the player's entity, by slot; 0 for an empty slot. */
  readonly playerRow: Uint16Array;
  readonly playerSeed: Uint32Array;
  readonly applied: Uint32Array;
  /**
   * Tick until which the player counts as engaged (in combat), by slot; 0 for never. I/O and scheduler threads read
   * it as it is: one aligned word is never seen half.
   */
  readonly engagedUntil: Uint32Array;
  /** How much the game wants the player served, 0 … 4, by slot; 1 is usual. Read by other threads as it is. */
  readonly weight: Float32Array;

  // Derived and in transit
  readonly shared: Int32Array;
  readonly published: readonly [Published, Published];
  /** [io] Last input put into the ring, by slot. */
  readonly accepted: Uint32Array;
  /** [io] Unix seconds at which the player was last heard, by slot. */
  readonly heardAt: Uint32Array;
  /** [io] Spectators who follow the player, by slot; Atomics. */
  readonly watchers: Int32Array;
  /** Inputs ever written [io] and ever read, by slot; Atomics. */
  readonly inputHead: Int32Array;
  readonly inputTail: Int32Array;
  /** [io] `INPUT_PLACES` places of `inputStride` bytes per slot. */
  readonly inputData: Uint8Array;
  readonly inputStride: number;
  readonly events: Uint8Array;
}

/** Lays a zone with `slots` player places out: over `buffer` when another thread made it, else in a new one. */
export function zoneMemory(schema: Schema, slots: number, buffer?: SharedArrayBuffer): ZoneMemory {
  const shared = buffer ?? new SharedArrayBuffer(zoneBytes(schema, slots));
  return { ...layOut(schema, slots, cursor(shared)), buffer: shared };
}

/** Bytes a zone with `slots` player places needs. */
export function zoneBytes(schema: Schema, slots: number): number {
  let bytes = 0;
  layOut(schema, slots, (type, count) => {
    bytes = aligned(bytes) + ARRAYS[type].BYTES_PER_ELEMENT * count;
    return new ARRAYS[type](0) as ArrayOf<typeof type>;
  });
  return aligned(bytes);
}

export function rowsOf(schema: Schema, slots: number): number {
  return schema.kinds.reduce((sum, kind) => sum + kind.perZone + kind.perPlayer * slots, 0);
}

/** First row of each kind, by kind number − 1, and at the end the number of rows: each kind has its own. */
export function kindStarts(schema: Schema, slots: number): number[] {
  const starts = [0];
  for (const kind of schema.kinds) starts.push((starts.at(-1) ?? 0) + kind.perZone + kind.perPlayer * slots);
  return starts;
}

/** Where the rigid kinds' rows begin, and how many there are: from the first rigid kind to the last. */
export function rigidRows(schema: Schema, slots: number): { readonly first: number; readonly count: number } {
  return rowsWhere(schema, slots, (kind) => kind.rigid !== undefined);
}

/** The rows from the first kind of a sort to the last. */
function rowsWhere(
  schema: Schema,
  slots: number,
  is: (kind: Schema["kinds"][number]) => boolean,
): { readonly first: number; readonly count: number } {
  const starts = kindStarts(schema, slots);
  const first = schema.kinds.findIndex(is);
  if (first < 0) return { first: 0, count: 0 };
  const last = schema.kinds.findLastIndex(is);
  return { first: starts[first] as number, count: (starts[last + 1] as number) - (starts[first] as number) };
}

/** How the world is cut for physics. */
export function layoutOf(schema: Schema, rows: number): WorldLayout {
  return worldLayout(worldOf(schema), schema.kinds, rows);
}

export function worldOf(schema: Schema): World {
  const { width, height, interest } = schema.descriptor;
  return { width, height, maxSpeed: schema.maxSpeed, bounce: schema.bounce, interest };
}

/** What stays the same while an entity lives in its row. */
export function identityOf(generation: number, kind: number): number {
  return ((generation << 16) | kind) >>> 0;
}

/** Whether the player in `slot` is engaged, as of the newest complete tick. Any thread. */
export function engaged(memory: ZoneMemory, slot: number): boolean {
  return (memory.engagedUntil[slot] as number) > (front(memory).info[0] as number);
}

/** The newest complete tick. Stays untouched for at least one more tick (16 ms). */
export function front(memory: ZoneMemory): Published {
  return memory.published[Atomics.load(memory.shared, SHARED.front) as 0 | 1];
}

type Take = <T extends Scalar>(type: T, count: number) => ArrayOf<T>;

/** The one description of the layout: run over a buffer to make it, over nothing to measure it. */
function layOut(schema: Schema, slots: number, take: Take): Omit<ZoneMemory, "buffer"> {
  const rows = rowsOf(schema, slots);
  const rigid = rigidRows(schema, slots);
  const { navigation } = schema;
  const seekers = rowsWhere(schema, slots, ({ name }) => navigation?.kinds.includes(name) ?? false);
  const inputStride = aligned(INPUT_HEAD_BYTES + schema.inputBytes);
  const recordFields = schema.records.reduce((sum, record) => sum + record.fields.length, 0);
  // Properties are evaluated in this order: it is the order in memory.
  return {
    rows,
    slots,
    inputStride,
    head: take("u32", HEAD_WORDS),
    timers: take("u32", schema.timers.length),
    records: take("f64", recordFields),
    kindHigh: take("u32", schema.kinds.length),
    kind: take("u8", rows),
    generation: take("u16", rows),
    owner: take("u16", rows),
    columns: schema.columns.map((column) => take(column.type, rows)),
    thought: take("u16", rows),
    debt: take("u8", rows),
    slowed: take("u8", layoutOf(schema, rows).tiles),
    rigid: layOutRigid(schema, rigid.first, rigid.count, take),
    navigation: layOutNavigation((navigation?.columns ?? 0) * (navigation?.lines ?? 0), seekers, take),
    playerRow: take("u16", slots),
    playerSeed: take("u32", slots),
    applied: take("u32", slots),
    engagedUntil: take("u32", slots),
    weight: take("f32", slots),
    stateBytes: take("u8", 0).byteOffset,
    shared: take("i32", 4),
    published: [layOutPublished(schema, rows, slots, take), layOutPublished(schema, rows, slots, take)],
    accepted: take("u32", slots),
    heardAt: take("u32", slots),
    watchers: take("i32", slots),
    inputHead: take("i32", slots),
    inputTail: take("i32", slots),
    inputData: take("u8", slots * INPUT_PLACES * inputStride),
    // A power of two, more for crowded zones.
    events: take("u8", slots <= 500 ? 1 << 16 : 1 << 18),
  };
}

function layOutRigid(schema: Schema, first: number, count: number, take: Take): RigidState {
  const regions = rigidRegions(worldOf(schema), schema.kinds, count);
  return {
    first,
    count,
    regions,
    owner: take("u8", count),
    seen: take("f32", count * regions * SEEN),
    presence: take("u8", count * regions),
    generation: take("u16", count * regions),
    handle: take("f64", count * regions),
    debt: take("u8", regions),
    period: take("u8", regions),
  };
}

function layOutPublished(schema: Schema, rows: number, slots: number, take: Take): Published {
  const stride = wireStride(schema.descriptor);
  return {
    codes: take(wireType(schema.descriptor), rows * stride),
    stride,
    kind: take("u8", rows),
    identity: take("u32", rows),
    applied: take("u32", slots),
    info: take("u32", 2),
    time: take("f64", 1),
  };
}

function cursor(buffer: SharedArrayBuffer): Take {
  let at = 0;
  return (type, count) => {
    // The lib types know typed arrays over shared memory, but not over a union of constructors.
    const array = new ARRAYS[type](buffer as unknown as ArrayBuffer, at, count);
    at = aligned(at + array.byteLength);
    return array as ArrayOf<typeof type>;
  };
}

function aligned(bytes: number): number {
  return (bytes + 7) & ~7;
}
