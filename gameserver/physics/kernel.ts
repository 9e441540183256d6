/**
 * One zone's physics, step by step: circles and capsules by the own kernel, rigid bodies by Rapier.
 *
 * A step has four phases, each split between the workers by rows or strips; between two phases everybody waits for
 * everybody (`Team`). Results do not depend on the split. Touches are collected and told last, in one order, on the
 * simulation's thread: rules run there alone.
 */
import { attend } from "./attention.ts";
import { type KernelData, TOLD_ACROSS, TOLD_INSIDE, TOLD_RIGID } from "./kernel-data.ts";
import { Touches } from "./pairs.ts";
import { type Job, PHASE } from "./phases.ts";
import { groupAll, rigidWide } from "./rigid-contacts.ts";
import { attendRegions, type RigidTables } from "./rigid-tables.ts";
import { collideLarge, sweepFast } from "./singles.ts";
import type { Team } from "./team.ts";

/** Rows are numbers below this. */
const ROWS = 65_536;

export type Touch = (a: number, b: number) => void;

export class Kernel {
  readonly data: KernelData;
  readonly #team: Team;
  readonly #rigid: RigidTables | undefined;
  /** Touches found on this thread alone, after the phases. */
  readonly #last: Uint16Array;
  /** All of a step as one number each: a row is looked at by one worker only, and finds eight at most. */
  readonly #told: Uint32Array;

  constructor(data: KernelData, team: Team, rigid?: RigidTables) {
    this.data = data;
    this.#rigid = rigid;
    this.#team = team;
    this.#last = new Uint16Array(data.rows * 8);
    this.#told = new Uint32Array(data.rows * (TOLD_INSIDE + TOLD_ACROSS + TOLD_RIGID + 4));
  }

  /**
   * One step. `players`: row + 1 of each player's entity, 0 for none. `touch` may spawn and despawn; a touch of
   * something that an earlier one removed is not told.
   */
  step(job: Job, players: Uint16Array, touch: Touch): void {
    const { data } = this;
    attend(data, players);
    if (this.#rigid) attendRegions(this.#rigid);
    data.tests.fill(0);
    data.nonFinite.fill(0);
    data.overspeed.fill(0);
    this.#team.run(PHASE.move, job);
    this.#team.run(PHASE.inside, job);
    if (!this.#rigid) groupAll(data);
    this.#team.run(PHASE.across, job);
    this.#team.run(PHASE.borders, job);
    const last = new Touches(this.#last, job.told);
    collideLarge(data, last);
    rigidWide(data, last);
    sweepFast(data, job.dt, last);
    if (job.told) this.#tell(touch, last.length);
  }

  /**
   * Tells every touch once, by rows: not in the order of finding, which is another for each split of the work.
   * `last`: length of `#last` in use.
   */
  #tell(touch: Touch, last: number): void {
    let count = 0;
    const take = (pairs: Uint16Array, length: number) => {
      for (let i = 0; i < length; i += 2) {
        this.#told[count++] = (pairs[i] as number) * ROWS + (pairs[i + 1] as number);
      }
    };
    for (const { pairs, length } of this.data.touches) take(pairs, length[0] as number);
    take(this.#last, last);
    const sorted = this.#told.subarray(0, count).sort();
    for (let i = 0; i < count; i++) {
      const pair = sorted[i] as number;
      if (i === 0 || pair !== sorted[i - 1]) touch(Math.floor(pair / ROWS), pair % ROWS);
    }
  }
}
