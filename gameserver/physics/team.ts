/**
 * Who does a step's phases: the calling thread alone, or with a second worker (crew.ts). Both answer to `Team`, and
 * both give the same world.
 */
import type { KernelData } from "./kernel-data.ts";
import { type Job, type RigidShare, runPhase } from "./phases.ts";
import { RigidRegion } from "./rigid.ts";
import type { RigidTables } from "./rigid-tables.ts";

export interface Team {
  /** Runs a phase on all workers and returns when all are done. */
  run(phase: number, job: Job): void;
  /** The worlds of all rigid regions, in order. */
  snapshot(): Uint8Array[];
  restore(worlds: readonly Uint8Array[]): void;
  close(): void;
}

/** Rigid regions `from` … `to` − 1 on this thread. */
export class Regions implements RigidShare {
  readonly tables: RigidTables | undefined;
  readonly #regions: readonly RigidRegion[];

  constructor(tables: RigidTables | undefined, from: number, to: number) {
    this.tables = tables;
    this.#regions = tables
      ? Array.from({ length: to - from }, (_, index) => new RigidRegion(tables, from + index))
      : [];
  }

  step(dt: number, farSlowing: number): void {
    for (const region of this.#regions) region.step(dt, farSlowing);
  }

  snapshot(): Uint8Array[] {
    return this.#regions.map((region) => region.snapshot());
  }

  restore(worlds: readonly Uint8Array[]): void {
    for (const [index, region] of this.#regions.entries()) region.restore(worlds[index] ?? new Uint8Array());
  }

  close(): void {
    for (const region of this.#regions) region.free();
  }
}

export function aloneTeam(data: KernelData, tables?: RigidTables): Team {
  const regions = new Regions(tables, 0, tables?.state.regions ?? 0);
  return {
    run(phase, job) {
      const { strips } = data.layout;
      runPhase(
        data,
        phase,
        { worker: 0, rowFrom: 0, rowTo: data.rows, stripFrom: 0, stripTo: strips },
        job,
        regions,
      );
    },
    snapshot: () => regions.snapshot(),
    restore: (worlds) => regions.restore(worlds),
    close: () => regions.close(),
  };
}
