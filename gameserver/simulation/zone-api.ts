/**
 * The `Zone` that rules are handed: everything a game may do to its world, over one zone's memory.
 */
import { encodeFields } from "../../protocol/frames-event.ts";
import { Navigation } from "../ai/navigation.ts";
import type { GameDeclaration, Hearers, Way, Zone } from "../game.ts";
import { Grid } from "../physics/grid.ts";
import { type AnyEntity, entityId, entityTable } from "./entities.ts";
import { EventWriter, TARGET } from "./event-log.ts";
import { HEAD, kindStarts, type NumberArray, type ZoneMemory } from "./memory.ts";
import type { GivenReward } from "./messages.ts";
import { nextRandom } from "./random.ts";
import { type Schema, TICK_HZ } from "./schema.ts";

const MAX_ENGAGED_SECONDS = 60;
const MAX_WEIGHT = 4;
/** Rewards given in one tick: a rule that gives more is at fault, and the rest are not given. */
const MAX_REWARDS = 256;

type Fields = Readonly<Record<string, number>>;

/** A reward to the player in a seat. */
export interface SlotReward {
  readonly slot: number;
  readonly reward: GivenReward;
}

export class ZoneApi implements Zone<GameDeclaration> {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly records: Readonly<Record<string, Record<string, number>>>;
  readonly entityAt: (row: number) => AnyEntity;
  /** Undefined when the game declares none. */
  readonly navigation: Navigation | undefined;
  readonly #schema: Schema;
  readonly #memory: ZoneMemory;
  #rewards: SlotReward[] = [];
  readonly #events: EventWriter;
  readonly #kinds: ReadonlyMap<string, number>;
  readonly #eventKinds: ReadonlyMap<string, number>;
  readonly #grid: Grid;
  #gridTick = -1;
  /** First row of each kind, by kind number − 1. */
  readonly #starts: readonly number[];
  /** No row of the kind below this one is free. Derived: it only saves looking. */
  readonly #lowestFree: number[];
  /** Physics step in which a row was emptied last; see `removedSince`. */
  readonly #removedIn: Uint32Array;
  #physicsStep = 1;

  constructor(id: string, schema: Schema, memory: ZoneMemory) {
    this.id = id;
    this.width = schema.descriptor.width;
    this.height = schema.descriptor.height;
    this.#schema = schema;
    this.#memory = memory;
    this.#events = new EventWriter(memory);
    this.#kinds = new Map(schema.kinds.map((kind, index) => [kind.name, index + 1]));
    this.#eventKinds = new Map(schema.descriptor.events.map((event, index) => [event.name, index]));
    this.#grid = new Grid(this.width, this.height, schema.descriptor.interest / 4, memory.rows);
    this.#starts = kindStarts(schema, memory.slots);
    this.#lowestFree = this.#starts.slice();
    this.#removedIn = new Uint32Array(memory.rows);
    this.entityAt = entityTable(schema, memory);
    this.records = recordsOf(schema, memory);
    const { navigation } = schema;
    this.navigation = navigation && new Navigation(navigation, memory.navigation, memory);
  }

  get tick(): number {
    return this.#memory.head[HEAD.tick] as number;
  }

  get players(): number {
    return this.#memory.head[HEAD.players] as number;
  }

  /** Rows in use: all living entities lie below. */
  get high(): number {
    return this.#memory.head[HEAD.high] as number;
  }

  random(): number {
    return nextRandom(this.#memory.head, HEAD.random);
  }

  spawn(kindName: string, start: Fields): AnyEntity | undefined {
    const memory = this.#memory;
    const kind = this.#kinds.get(kindName);
    const row = kind === undefined ? undefined : this.#freeRow(kind);
    if (kind === undefined || row === undefined) return undefined;
    memory.kind[row] = kind;
    // 0 is skipped, so that no id is ever 0.
    memory.generation[row] = ((memory.generation[row] as number) % 0xffff) + 1;
    memory.owner[row] = 0;
    for (const [index, column] of this.#schema.columns.entries()) {
      (memory.columns[index] as NumberArray)[row] = start[column.name] ?? 0;
    }
    if (row >= (memory.kindHigh[kind - 1] as number)) memory.kindHigh[kind - 1] = row + 1;
    if (row >= (memory.head[HEAD.high] as number)) memory.head[HEAD.high] = row + 1;
    return this.entityAt(row);
  }

  despawn(entity: AnyEntity): void {
    const memory = this.#memory;
    const { row } = entity;
    const kind = memory.kind[row] as number;
    if (kind === 0) return;
    const owner = memory.owner[row] as number;
    if (owner > 0) memory.playerRow[owner - 1] = 0;
    memory.kind[row] = 0;
    memory.owner[row] = 0;
    memory.debt[row] = 0;
    memory.thought[row] = 0;
    // A free row has one form only: the state of two equal zones is equal byte for byte.
    for (const column of memory.columns) column[row] = 0;
    this.#removedIn[row] = this.#physicsStep;
    if (row < (this.#lowestFree[kind - 1] as number)) this.#lowestFree[kind - 1] = row;
    const start = this.#starts[kind - 1] as number;
    let high = memory.kindHigh[kind - 1] as number;
    while (high > start && memory.kind[high - 1] === 0) high--;
    memory.kindHigh[kind - 1] = high > start ? high : 0;
    memory.head[HEAD.high] = Math.max(...memory.kindHigh);
  }

  entity(id: number): AnyEntity | undefined {
    const row = id & 0xffff;
    if (row >= this.#memory.rows || this.#memory.kind[row] === 0) return undefined;
    return entityId(this.#memory, row) === id ? this.entityAt(row) : undefined;
  }

  entityOf(player: number): AnyEntity | undefined {
    const row = (this.#memory.playerRow[player] ?? 0) - 1;
    return row < 0 ? undefined : this.entityAt(row);
  }

  each(kindName: string, visit: (entity: AnyEntity) => void): void {
    const { kind, kindHigh } = this.#memory;
    const wanted = this.#kinds.get(kindName);
    if (wanted === undefined) return;
    for (let row = this.#starts[wanted - 1] as number; row < (kindHigh[wanted - 1] as number); row++) {
      if (kind[row] !== 0) visit(this.entityAt(row));
    }
  }

  near(x: number, y: number, radius: number, visit: (entity: AnyEntity) => void): void {
    const memory = this.#memory;
    const xs = memory.columns[0] as NumberArray;
    const ys = memory.columns[1] as NumberArray;
    if (this.#gridTick !== this.tick) {
      this.#grid.build(xs, ys, memory.kind, memory.head[HEAD.high] as number);
      this.#gridTick = this.tick;
    }
    this.#grid.around(x, y, radius, (row) => {
      const dx = (xs[row] as number) - x;
      const dy = (ys[row] as number) - y;
      if (memory.kind[row] !== 0 && dx * dx + dy * dy <= radius * radius) visit(this.entityAt(row));
    });
  }

  wayTo(entity: AnyEntity, x: number, y: number): Way {
    return this.navigation?.way(entity.row, x, y, this.tick) ?? { state: "go", x, y };
  }

  obstruct(x: number, y: number, width: number, height: number, on: boolean): void {
    this.navigation?.obstruct([x, y, width, height], on);
  }

  end(): void {
    this.#memory.head[HEAD.over] = 1;
  }

  engage(player: number, seconds: number): void {
    const { engagedUntil } = this.#memory;
    if (!(player >= 0 && player < engagedUntil.length) || !(seconds > 0)) return;
    const until = this.tick + Math.round(Math.min(seconds, MAX_ENGAGED_SECONDS) * TICK_HZ);
    engagedUntil[player] = Math.max(engagedUntil[player] as number, until);
  }

  weigh(player: number, weight: number): void {
    const weights = this.#memory.weight;
    if (!(player >= 0 && player < weights.length)) return;
    weights[player] = weight >= 0 ? Math.min(weight, MAX_WEIGHT) : 1;
  }

  setTimer(name: string, seconds: number): void {
    const index = this.#schema.timers.indexOf(name);
    if (index >= 0) this.#memory.timers[index] = this.tick + Math.max(1, Math.round(seconds * TICK_HZ));
  }

  send(event: string, fields: Fields, to: Hearers): void {
    const kind = this.#eventKinds.get(event);
    const spec = this.#schema.descriptor.events[kind ?? -1];
    if (kind === undefined || !spec) return;
    const bytes = encodeFields(spec, fields);
    if (to === "everyone") this.#events.write(TARGET.everyone, kind, 0, 0, 0, 0, bytes);
    else if ("player" in to) this.#events.write(TARGET.player, kind, to.player, 0, 0, 0, bytes);
    else this.#events.write(TARGET.near, kind, 0, to.x, to.y, to.radius, bytes);
  }

  reward(player: number, name: string, goods: Fields, key?: string): void {
    if (this.#rewards.length < MAX_REWARDS)
      this.#rewards.push({ slot: player, reward: { name, key, goods } });
  }

  /** Rewards given since the last call. */
  takeRewards(): readonly SlotReward[] {
    if (this.#rewards.length === 0) return this.#rewards;
    const taken = this.#rewards;
    this.#rewards = [];
    return taken;
  }

  /** Gives `entity` to the player in `slot`. */
  own(entity: AnyEntity, slot: number): void {
    this.#memory.owner[entity.row] = slot + 1;
    this.#memory.playerRow[slot] = entity.row + 1;
  }

  /** Always the lowest: it depends on the state alone, so a restored zone gives the same row. */
  #freeRow(wanted: number): number | undefined {
    const { kind } = this.#memory;
    const stop = this.#starts[wanted] as number;
    for (let row = this.#lowestFree[wanted - 1] as number; row < stop; row++) {
      if (kind[row] !== 0) continue;
      this.#lowestFree[wanted - 1] = row + 1;
      return row;
    }
    this.#lowestFree[wanted - 1] = stop;
    return undefined;
  }

  /** Begins a physics step: from here on `removedSince` tells which rows were emptied. */
  beginPhysics(): void {
    this.#physicsStep++;
  }

  /** Whether the row was emptied since `beginPhysics`, even if something else lives in it by now. */
  removedSince(row: number): boolean {
    return this.#removedIn[row] === this.#physicsStep;
  }

  /** After the memory was overwritten by a restored state. */
  restored(): void {
    for (const [index, start] of this.#starts.entries()) this.#lowestFree[index] = start;
    this.#gridTick = -1;
  }
}

function recordsOf(schema: Schema, memory: ZoneMemory): Record<string, Record<string, number>> {
  let at = 0;
  const records: Record<string, Record<string, number>> = {};
  for (const record of schema.records) {
    const properties: PropertyDescriptorMap = {};
    for (const field of record.fields) {
      const index = at++;
      properties[field] = {
        enumerable: true,
        get: () => memory.records[index],
        set(value: number) {
          memory.records[index] = value;
        },
      };
    }
    records[record.name] = Object.preventExtensions(
      Object.create(null, properties) as Record<string, number>,
    );
  }
  return records;
}
