/**
 * One zone's life in the simulation thread: open, join, leave, and the step that everything hangs on.
 *
 * A step: inputs (by slot, then sequence) → timers → brains → the game's tick → movement and collisions → publish.
 * An error in a rule ends that call only; it is counted and reported, and the zone goes on.
 */

import { codeAt } from "../../protocol/frames-input.ts";
import { restore } from "../../protocol/frames-schema.ts";
import { Brains } from "../ai/brains.ts";
import { type Navigation, SLICE, THROTTLED_SLICE } from "../ai/navigation.ts";
import { EASE } from "../ai/rates.ts";
import type { AiTally } from "../ai/tally.ts";
import type { Game } from "../game.ts";
import type { Anomaly } from "../physics/anomalies.ts";
import type { Crew } from "../physics/crew.ts";
import { LADDER } from "../scheduler/effects.ts";
import { digestOf, type StatePart, stateParts } from "./digest.ts";
import { entityId } from "./entities.ts";
import { clearInputs, drainInputs } from "./input-ring.ts";
import { HEAD, kindStarts, type ZoneMemory, zoneMemory } from "./memory.ts";
import { ZonePhysics } from "./physics.ts";
import { publish } from "./publish.ts";
import { seedRandom } from "./random.ts";
import type { Recorder, RecordingHeader } from "./recorder.ts";
import { type Schema, TICK_HZ } from "./schema.ts";
import { decodeSnapshot, encodeSnapshot, fingerprintOf } from "./snapshot.ts";
import { type SlotReward, ZoneApi } from "./zone-api.ts";

const DT = 1 / TICK_HZ;

export type OnFault = (zone: string, where: string, error: unknown) => void;

export class SimulatedZone {
  readonly id: string;
  readonly #game: Game;
  readonly #schema: Schema;
  readonly #memory: ZoneMemory;
  readonly #api: ZoneApi;
  readonly #physics: ZonePhysics;
  readonly #starts: readonly number[];
  readonly #brains: Brains;
  readonly #onFault: OnFault;
  /** One reused object per input kind: rules must not keep it. */
  readonly #inputs: Record<string, number>[];
  /** Set before each step, and besides inputs all that comes from outside: step of the degradation ladder, … */
  ladder = 0;
  /** … and how freely NPCs may think (`ai/rates.ts`), 0 … `EASE`: the CPU governor's word. */
  ease = EASE;
  /** Told everything that goes in. */
  recorders: readonly Recorder[] = [];
  readonly #parts: readonly StatePart[];
  /** The player whose inputs are being applied. */
  #slot = 0;

  constructor(
    game: Game,
    schema: Schema,
    id: string,
    slots: number,
    buffer: SharedArrayBuffer,
    onFault: OnFault,
    crew?: Crew,
  ) {
    this.id = id;
    this.#game = game;
    this.#schema = schema;
    this.#memory = zoneMemory(schema, slots, buffer);
    this.#api = new ZoneApi(id, schema, this.#memory);
    this.#onFault = onFault;
    this.#parts = stateParts(schema, this.#memory);
    this.#starts = kindStarts(schema, slots);
    this.#physics = new ZonePhysics(schema, this.#memory, game.rules.touch !== undefined, crew);
    const { width, height, interest } = schema.descriptor;
    const world = { width, height, interest, kinds: schema.kinds, starts: this.#starts };
    this.#brains = new Brains(game.rules, world);
    this.#inputs = schema.descriptor.inputs.map(() => ({}));
  }

  /** True once the game has said that the zone is over. */
  get over(): boolean {
    return this.#memory.head[HEAD.over] === 1;
  }

  /** Makes the start state and publishes it. */
  open(nowMs: number): void {
    seedRandom(this.#memory.head, HEAD.random, this.id);
    this.#api.navigation?.open();
    this.#guard("open", () => this.#game.rules.open?.(this.#api));
    publish(this.#schema, this.#memory, this.#starts, nowMs);
  }

  /** The id of the player's entity, or undefined when the game refuses. */
  join(slot: number, seed: number): number | undefined {
    for (const recorder of this.recorders) recorder.session(["join", slot, seed]);
    clearInputs(this.#memory, slot);
    this.#memory.applied[slot] = 0;
    this.#memory.playerSeed[slot] = seed;
    this.#memory.engagedUntil[slot] = 0;
    this.#memory.weight[slot] = 1;
    const entity = this.#guard("join", () => this.#game.rules.join(this.#api, { slot, seed }));
    if (!entity) return undefined;
    this.#api.own(entity, slot);
    this.#count(1);
    return entityId(this.#memory, entity.row);
  }

  leave(slot: number): void {
    for (const recorder of this.recorders) recorder.session(["leave", slot]);
    const row = (this.#memory.playerRow[slot] as number) - 1;
    this.#count(-1);
    if (row >= 0) {
      const entity = this.#api.entityAt(row);
      this.#guard("leave", () => this.#game.rules.leave?.(this.#api, entity));
      this.#api.despawn(entity);
    }
    this.#memory.playerRow[slot] = 0;
    this.#memory.engagedUntil[slot] = 0;
    this.#memory.weight[slot] = 0;
  }

  /** A purchase stands in the books: the game gives it its effect. */
  purchased(slot: number, offer: number, quantity: number): void {
    const row = (this.#memory.playerRow[slot] as number) - 1;
    const name = Object.keys(this.#game.declaration.offers ?? {})[offer];
    if (row < 0 || name === undefined) return;
    for (const recorder of this.recorders) recorder.session(["purchased", slot, offer, quantity]);
    this.#guard(`purchased ${name}`, () =>
      this.#game.rules.purchased?.(this.#api, this.#api.entityAt(row), name, quantity),
    );
  }

  /** Rewards given since the last call; the books are not the simulation's to write. */
  takeRewards(): readonly SlotReward[] {
    return this.#api.takeRewards();
  }

  /** The whole state in this tick; equal states give equal bytes. Between steps only. */
  snapshot(): Uint8Array<ArrayBuffer> {
    return encodeSnapshot(this.#schema, this.#memory, this.#physics.snapshot());
  }

  /** Goes on from a snapshot, in place of `open`. Throws `SNAPSHOT_INVALID`, and nothing has changed. */
  restore(bytes: Uint8Array, nowMs = 0): void {
    this.#physics.restore(decodeSnapshot(this.#schema, this.#memory, bytes));
    this.#api.restored();
    publish(this.#schema, this.#memory, this.#starts, nowMs);
  }

  /** The header of a recording that begins now; `from` is given when the zone is not at its start. */
  recordingHeader(game: string): RecordingHeader {
    return {
      gamefleet: "recording",
      v: 1,
      game,
      fingerprint: fingerprintOf(this.#schema),
      zone: this.id,
      slots: this.#memory.slots,
      parts: this.#parts.map(({ name }) => name),
      ...(this.tick > 0 && { from: Buffer.from(this.snapshot()).toString("base64") }),
    };
  }

  get tick(): number {
    return this.#memory.head[HEAD.tick] as number;
  }

  /** Lets the rigid regions step only every so many steps: 1 for all, or 2 or 4 for one that is isolated. */
  isolate(region: number, period: number): void {
    this.#memory.rigid.period[region] = period > 1 ? period : 0;
  }

  /** What each rigid region's last step took, ms. */
  get regionMs(): Float64Array {
    return this.#physics.regionMs;
  }

  /** What NPCs have thought, and the searches of ways; undefined for a game without a grid. For metrics. */
  get ai(): { readonly thinking: AiTally; readonly navigation: Navigation | undefined } {
    return { thinking: this.#brains.tally, navigation: this.#api.navigation };
  }

  /** Hash of the state, 16 hexadecimal digits. */
  digest(): string {
    return digestOf(this.#parts);
  }

  /** Frees what lies outside the garbage collector's reach. */
  close(): void {
    for (const recorder of this.recorders) recorder.flush();
    this.#physics.close();
  }

  /** Advances by one tick. `nowMs` (Unix) only stamps what is published: rules never see a clock. */
  step(nowMs: number): void {
    const { head } = this.#memory;
    head[HEAD.tick] = (head[HEAD.tick] as number) + 1;
    this.#applyInputs();
    this.#fireTimers();
    const ease = LADDER[this.ladder]?.aiThrottled ? 0 : this.ease;
    this.#api.navigation?.slice(ease < EASE ? THROTTLED_SLICE : SLICE, this.tick);
    this.#brains.think(this.#api, this.#memory, ease, this.#brainFault);
    this.#guard("tick", () => this.#game.rules.tick?.(this.#api, DT));
    this.#api.beginPhysics();
    for (const anomaly of this.#physics.step(this.#farSlowing(), this.#touch)) this.#report(anomaly);
    publish(this.#schema, this.#memory, this.#starts, nowMs);
    for (const recorder of this.recorders) {
      recorder.tick(this.tick, this, this.#memory.rigid.period, this.#parts);
    }
  }

  readonly #brainFault = (error: unknown): void => this.#onFault(this.id, "brain", error);

  readonly #touch = (a: number, b: number): void => {
    const { kind } = this.#memory;
    // An earlier touch of this step may have removed one of them.
    if (kind[a] === 0 || kind[b] === 0 || this.#api.removedSince(a) || this.#api.removedSince(b)) return;
    this.#guard("touch", () =>
      this.#game.rules.touch?.(this.#api, this.#api.entityAt(a), this.#api.entityAt(b)),
    );
  };

  /** By how much the ladder slows what is far from all players. */
  #farSlowing(): number {
    return Math.max(1, Math.round(TICK_HZ / (LADDER[this.ladder]?.farRegionHz ?? TICK_HZ)));
  }

  #report({ name, count, x, y }: Anomaly): void {
    const where = `near ${Math.round(x)}, ${Math.round(y)}`;
    this.#onFault(
      this.id,
      `physics ${name}`,
      new Error(`${count} ${where}: that part of the zone was isolated`),
    );
  }

  #applyInputs(): void {
    for (this.#slot = 0; this.#slot < this.#memory.slots; this.#slot++) {
      drainInputs(this.#memory, this.#slot, this.#apply);
    }
  }

  /** Made once: a closure per player and tick would be the step's only garbage. */
  readonly #apply = (seq: number, kind: number, at: number): void => {
    this.#memory.applied[this.#slot] = seq;
    const entity = this.#api.entityOf(this.#slot);
    const spec = this.#schema.descriptor.inputs[kind];
    const input = this.#inputs[kind];
    for (const recorder of this.recorders) {
      recorder.input(this.#slot, seq, kind, this.#memory.inputData.subarray(at, at + (spec?.size ?? 0)));
    }
    // A dead player's inputs count as applied: the client must not wait for them.
    if (!entity || !spec || !input) return;
    let from = at;
    for (const field of spec.fields) {
      input[field.name] = restore(field, codeAt(this.#memory.inputData, from, field));
      from += field.width;
    }
    this.#guard(`input ${spec.name}`, () => this.#game.rules.inputs[spec.name]?.(this.#api, entity, input));
  };

  #fireTimers(): void {
    const { timers, head } = this.#memory;
    for (let index = 0; index < timers.length; index++) {
      if (timers[index] !== head[HEAD.tick]) continue;
      timers[index] = 0;
      const name = this.#schema.timers[index] as string;
      this.#guard(`timer ${name}`, () => this.#game.rules.timers?.[name]?.(this.#api));
    }
  }

  #count(by: number): void {
    this.#memory.head[HEAD.players] = (this.#memory.head[HEAD.players] as number) + by;
  }

  #guard<T>(where: string, rule: () => T): T | undefined {
    try {
      return rule();
    } catch (error) {
      this.#onFault(this.id, where, error);
      return undefined;
    }
  }
}
