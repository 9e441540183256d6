/** Ties a zone's memory to the physics kernel: which columns are what, who the players are, one call a step. */
import { Anomalies, type Anomaly } from "../physics/anomalies.ts";
import type { Crew } from "../physics/crew.ts";
import { Kernel, type Touch } from "../physics/kernel.ts";
import { type Bodies, type KernelData, kernelData } from "../physics/kernel-data.ts";
import { rigidTables } from "../physics/rigid-tables.ts";
import { aloneTeam, type Team } from "../physics/team.ts";
import { HEAD, kindStarts, type NumberArray, worldOf, type ZoneMemory } from "./memory.ts";
import { type Schema, TICK_HZ } from "./schema.ts";

const DT = 1 / TICK_HZ;

export class ZonePhysics {
  readonly data: KernelData;
  readonly #memory: ZoneMemory;
  readonly #kernel: Kernel;
  readonly #anomalies: Anomalies;
  readonly #told: boolean;
  readonly #team: Team;
  /** What each rigid region's last step took, ms. */
  readonly regionMs: Float64Array;

  constructor(schema: Schema, memory: ZoneMemory, told: boolean, crew?: Crew) {
    this.#memory = memory;
    this.#told = told;
    this.data = kernelData(bodiesOf(schema, memory), worldOf(schema), schema.kinds);
    const { rigid, generation } = memory;
    const tables = rigid.count > 0 ? rigidTables(this.data, rigid, generation) : undefined;
    this.regionMs = tables?.ms ?? new Float64Array();
    this.#team = crew ? crew.team(this.data, tables) : aloneTeam(this.data, tables);
    this.#kernel = new Kernel(this.data, this.#team, tables);
    this.#anomalies = new Anomalies(this.data);
  }

  /** Moves everything by one tick. Answers the anomalies to report. */
  step(farSlowing: number, touch: Touch): Anomaly[] {
    const { head, playerRow } = this.#memory;
    const tick = head[HEAD.tick] as number;
    const high = head[HEAD.high] as number;
    this.#kernel.step({ tick, dt: DT, farSlowing, high, told: this.#told }, playerRow, touch);
    return this.#anomalies.look(tick);
  }

  /** The worlds of the rigid regions, in order. */
  snapshot(): Uint8Array[] {
    return this.#team.snapshot();
  }

  /** After the zone's memory was overwritten. */
  restore(worlds: readonly Uint8Array[]): void {
    this.#team.restore(worlds);
  }

  close(): void {
    this.#team.close();
  }
}

function bodiesOf(schema: Schema, memory: ZoneMemory): Bodies {
  const [x, y, vx, vy] = memory.columns as readonly NumberArray[] as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const column = (index: number) => memory.columns[index] as Float32Array | undefined;
  return {
    x,
    y,
    vx,
    vy,
    kind: memory.kind,
    debt: memory.debt,
    slowed: memory.slowed,
    angle: [undefined, ...schema.kinds.map((kind) => column(kind.angle))],
    spin: [undefined, ...schema.kinds.map((kind) => column(kind.spin))],
    starts: kindStarts(schema, memory.slots),
    high: memory.kindHigh,
  };
}
