/**
 * Compiles a game's declaration into the schema that every thread works with: plain data, safe to post.
 *
 * Throws `GAME_INVALID` with every fault at once, each naming its field.
 */
import { fail } from "../../platform/errors.ts";
import type { Descriptor, FieldSpec, KindSpec, MessageSpec } from "../../protocol/frames-schema.ts";
import type { NavigationPlan } from "../ai/nav-grid.ts";
import { navigationPlan } from "../ai/navigation-plan.ts";
import type { Column, Field, GameDeclaration, Kind, Scalar } from "../game.ts";
import { type BodyKind, rigidBody } from "../physics/shapes.ts";
import { checkOffers } from "./offers.ts";

/** A column as it lies in memory. */
export interface ColumnLayout {
  readonly name: string;
  readonly type: Scalar;
  /** Index among the published columns, or −1 for a column nobody is sent. */
  readonly published: number;
}

export interface KindLayout extends BodyKind {
  readonly name: string;
  /** Rows of this kind: so many, and so many for each player place. */
  readonly perZone: number;
  readonly perPlayer: number;
  /** Indices into `columns` of what this kind sends. */
  readonly sends: readonly number[];
}

export interface RecordLayout {
  readonly name: string;
  readonly fields: readonly string[];
}

export interface Schema {
  readonly descriptor: Descriptor;
  /** x, y, vx, vy, then the declared ones. */
  readonly columns: readonly ColumnLayout[];
  /** Index = kind number − 1. */
  readonly kinds: readonly KindLayout[];
  readonly records: readonly RecordLayout[];
  readonly timers: readonly string[];
  readonly navigation: NavigationPlan | undefined;
  readonly maxSpeed: number;
  readonly bounce: boolean;
  readonly viewCap: number;
  /** Ticks between two updates of a session, 3 … 6. */
  readonly updateTicks: number;
  /** Bytes of the largest input's fields. */
  readonly inputBytes: number;
}

export const TICK_HZ = 60;
/** Columns every entity has; x and y are the first two published ones. */
export const BUILT_IN = ["x", "y", "vx", "vy"] as const;
const RESERVED = new Set<string>([...BUILT_IN, "id", "row", "kind", "player"]);
const NAME = /^[a-z][A-Za-z0-9]{0,31}$/;

const RANGE: Readonly<Record<Scalar, readonly [number, number] | undefined>> = {
  u8: [0, 0xff],
  i8: [-0x80, 0x7f],
  u16: [0, 0xffff],
  i16: [-0x8000, 0x7fff],
  u32: [0, 0xffff_ffff],
  i32: [-0x8000_0000, 0x7fff_ffff],
  f32: undefined,
  f64: undefined,
};

type Faults = Record<string, string>;

export function compileGame(game: GameDeclaration): Schema {
  const faults: Faults = {};
  checkShape(game, faults);
  const names = Object.keys(game.columns);
  const published = names.filter((name) => (game.columns[name]?.to ?? "nobody") !== "nobody");
  const { width, height, step } = game.space;
  const wire = [
    fieldSpec("x", { type: "f32", min: 0, max: width, step }, "space.step", faults),
    fieldSpec("y", { type: "f32", min: 0, max: height, step }, "space.step", faults),
    ...published.map((name) => fieldSpec(name, game.columns[name] as Column, `columns.${name}`, faults)),
  ];
  const inputs = messages(game.inputs, "inputs", faults);
  const kinds = Object.entries(game.kinds);
  const schema: Schema = {
    descriptor: {
      name: game.name,
      version: game.version,
      width,
      height,
      interest: game.interest.radius,
      columns: wire,
      kinds: kinds.map(([name, kind]) => kindSpec(name, kind, game, wire)),
      inputs,
      events: messages(game.events, "events", faults),
    },
    columns: [
      { name: "x", type: "f32", published: 0 },
      { name: "y", type: "f32", published: 1 },
      { name: "vx", type: "f32", published: -1 },
      { name: "vy", type: "f32", published: -1 },
      ...names.map((name) => layout(name, game.columns[name] as Column, wire)),
    ],
    kinds: kinds.map(([name, kind]) => kindLayout(name, kind, names, game)),
    records: Object.entries(game.records ?? {}).map(([name, fields]) => ({
      name,
      fields: Object.keys(fields),
    })),
    timers: game.timers ?? [],
    navigation: navigationPlan(game, faults),
    maxSpeed: game.space.maxSpeed,
    bounce: game.space.edge === "bounce",
    viewCap: game.interest.cap ?? 64,
    updateTicks: Math.min(6, Math.max(3, Math.round(TICK_HZ / (game.updateHz ?? 12)))),
    inputBytes: Math.max(0, ...inputs.map((input) => input.size)),
  };
  const list = Object.entries(faults).map(([field, problem]) => `${field} ${problem}`);
  if (list.length > 0)
    throw fail("GAME_INVALID", `game "${game.name}": ${list.join("; ")}`, { fields: faults });
  return schema;
}

function checkShape(game: GameDeclaration, faults: Faults): void {
  const positive: readonly (readonly [string, number | undefined])[] = [
    ["version", game.version],
    ["space.width", game.space.width],
    ["space.height", game.space.height],
    ["space.step", game.space.step],
    ["space.maxSpeed", game.space.maxSpeed],
    ["interest.radius", game.interest.radius],
    ...Object.entries(game.kinds).map(([name, kind]) => [`kinds.${name}.radius`, kind.radius] as const),
  ];
  for (const [field, value] of positive) {
    if (value === undefined || !(value > 0) || !Number.isFinite(value))
      faults[field] = "must be a number above 0";
  }
  const cap = game.interest.cap ?? 64;
  if (!(Number.isInteger(cap) && cap >= 1 && cap <= 254))
    faults["interest.cap"] = "must be an integer, 1 to 254";
  const hz = game.updateHz ?? 12;
  if (!(hz >= 10 && hz <= 20)) faults["updateHz"] = "must be 10 to 20";
  const groups = ["columns", "kinds", "inputs", "events", "records", "offers"] as const;
  for (const group of groups) checkNames(group, Object.keys(game[group] ?? {}), faults);
  checkNames("timers", game.timers ?? [], faults);
  checkOffers(game, faults);
  for (const [name, column] of Object.entries(game.columns)) checkColumn(name, column, faults);
  for (const [name, kind] of Object.entries(game.kinds)) checkKind(name, kind, game, faults);
  for (const [record, fields] of Object.entries(game.records ?? {})) {
    for (const [name, field] of Object.entries(fields)) checkType(`records.${record}.${name}`, field, faults);
  }
  if (Object.keys(game.kinds).length === 0) faults["kinds"] = "must have at least one kind";
  if (!Object.values(game.kinds).some((kind) => (kind.perPlayer ?? 0) > 0)) {
    faults["kinds"] = "must have one with perPlayer above 0: a player's own entity";
  }
}

function checkNames(group: string, names: readonly string[], faults: Faults): void {
  if (names.length > 200) faults[group] = "must have at most 200 entries";
  for (const name of names) {
    if (!NAME.test(name)) faults[`${group}.${name}`] = `must be named like ${NAME.source}`;
  }
}

function checkColumn(name: string, column: Column, faults: Faults): void {
  const path = `columns.${name}`;
  if (RESERVED.has(name)) faults[path] = "must not use a name every entity has already";
  checkType(path, column, faults);
}

function checkType(path: string, field: Field, faults: Faults): void {
  if (!Object.hasOwn(RANGE, field.type)) {
    faults[path] = `must have a type of ${Object.keys(RANGE).join(", ")}`;
  }
}

function checkKind(name: string, kind: Kind, game: GameDeclaration, faults: Faults): void {
  for (const column of kind.columns ?? []) {
    if (!Object.hasOwn(game.columns, column))
      faults[`kinds.${name}.columns`] = `must not name "${column}": no such column`;
  }
  checkBody(`kinds.${name}`, kind, game, faults);
  for (const key of ["perZone", "perPlayer", "mass", "capsule"] as const) {
    const value = kind[key] ?? 0;
    if (!(value >= 0)) faults[`kinds.${name}.${key}`] = "must be 0 or more";
  }
}

function checkBody(path: string, kind: Kind, game: GameDeclaration, faults: Faults): void {
  const needed = kind.rigid ? (["angle", "spin"] as const) : kind.capsule ? (["angle"] as const) : [];
  for (const key of needed) {
    if (game.columns[kind[key] ?? ""]?.type !== "f32") faults[`${path}.${key}`] = "must name an f32 column";
  }
  if (!kind.rigid) return;
  if (kind.capsule) faults[`${path}.capsule`] = "must not be given for a rigid kind";
  const { density = 1, friction = 0, restitution = 0, damping = 0 } = kind.rigid;
  if (!(density > 0 && density < 1e6)) faults[`${path}.rigid.density`] = "must be above 0";
  if (!(friction >= 0)) faults[`${path}.rigid.friction`] = "must be 0 or more";
  if (!(damping >= 0)) faults[`${path}.rigid.damping`] = "must be 0 or more";
  if (!(restitution >= 0 && restitution <= 1)) faults[`${path}.rigid.restitution`] = "must be 0 to 1";
  const body = rigidBody(kind.rigid);
  if (typeof body === "string") faults[`${path}.rigid.shape`] = body;
}

/** The wire form of a field; faults when bounds or step are missing, or the codes do not fit 32 bits. */
function fieldSpec(name: string, field: Field, path: string, faults: Faults): FieldSpec {
  const range = RANGE[field.type];
  const min = field.min ?? range?.[0];
  const max = field.max ?? range?.[1];
  const step = field.step ?? (range ? 1 : undefined);
  const wrap = field.wrap ?? false;
  if (min === undefined || max === undefined || step === undefined || !(max > min) || !(step > 0)) {
    faults[path] = "must have min, max above min, and step above 0, because it is sent";
    return { name, min: 0, step: 1, count: 1, width: 1, wrap };
  }
  const spans = (max - min) / step;
  // A circle has as many codes as steps; a line has one more, for its end. The epsilon forgives 0.1 + 0.2.
  const count = wrap ? Math.round(spans) : Math.floor(spans + 1e-9) + 1;
  if (count > 2 ** 32) faults[path] = "must have at most 2^32 steps between min and max";
  return { name, min, step, count, width: count <= 0x100 ? 1 : count <= 0x1_0000 ? 2 : 4, wrap };
}

function messages(
  group: Readonly<Record<string, Readonly<Record<string, Field>>>>,
  path: string,
  faults: Faults,
): MessageSpec[] {
  return Object.entries(group).map(([name, fields]) => {
    const specs = Object.entries(fields).map(([field, spec]) => {
      const at = `${path}.${name}.${field}`;
      checkType(at, spec, faults);
      return fieldSpec(field, spec, at, faults);
    });
    const size = specs.reduce((sum, spec) => sum + spec.width, 0);
    if (size > 255) faults[`${path}.${name}`] = "must be at most 255 bytes";
    return { name, fields: specs, size };
  });
}

function kindSpec(name: string, kind: Kind, game: GameDeclaration, wire: readonly FieldSpec[]): KindSpec {
  const sent = (to: string) =>
    (kind.columns ?? [])
      .filter((column) => game.columns[column]?.to === to)
      .map((column) => wire.findIndex((spec) => spec.name === column));
  return { name, radius: kind.radius, near: [0, 1, ...sent("near")], owner: sent("owner") };
}

function kindLayout(name: string, kind: Kind, names: readonly string[], game: GameDeclaration): KindLayout {
  const column = (wanted: string | undefined) =>
    wanted === undefined ? -1 : BUILT_IN.length + names.indexOf(wanted);
  const rigid = kind.rigid && rigidBody(kind.rigid);
  const body = typeof rigid === "object" ? rigid : undefined;
  const mass = kind.mass ?? 0;
  return {
    name,
    radius: body ? body.radius : kind.radius,
    inverseMass: body ? body.inverseMass : mass > 0 ? 1 / mass : 0,
    collides: kind.collides ?? true,
    capsule: kind.capsule ?? 0,
    angle: column(kind.angle),
    spin: column(kind.spin),
    rigid: body,
    perZone: kind.perZone ?? 0,
    perPlayer: kind.perPlayer ?? 0,
    sends: [
      0,
      1,
      ...(kind.columns ?? []).filter((sent) => (game.columns[sent]?.to ?? "nobody") !== "nobody").map(column),
    ],
  };
}

function layout(name: string, column: Column, wire: readonly FieldSpec[]): ColumnLayout {
  return { name, type: column.type, published: wire.findIndex((spec) => spec.name === name) };
}
