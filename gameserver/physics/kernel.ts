/**
 * One zone's physics, step by step: circles and capsules by the own kernel, rigid bodies by Rapier.
 *
 * A step has four phases, each split between the workers by rows or strips; between two phases everybody waits for
 * everybody (`Team`). Results do not depend on the split. Touches are collected and told last, in one order, on the
 * simulation's thread: rules run there alone.
 */
import { attend } from "./attention.ts";
import type { KernelData } from "./kernel-data.ts";
import { Touches } from "./pairs.ts";
import { type Job, PHASE } from "./phases.ts";
import { prepareRigid, type RigidTables, settleRigid } from "./rigid.ts";
import { rigidAcross } from "./rigid-contacts.ts";
import { collideLarge, sweepFast } from "./singles.ts";
import type { Team } from "./team.ts";

export type Touch = (a: number, b: number) => void;

export class Kernel {
  readonly data: KernelData;
  readonly #team: Team;
  readonly #last: Touches;

  readonly #rigid: RigidTables | undefined;

  constructor(data: KernelData, team: Team, rigid?: RigidTables) {
    this.data = data;
    this.#rigid = rigid;
    this.#team = team;
    this.#last = new Touches(new Uint16Array(data.rows * 8), true);
  }

  /**
   * One step. `players`: row + 1 of each player's entity, 0 for none. `touch` may spawn and despawn; a touch of
   * something that an earlier one removed is not told.
   */
  step(job: Job, players: Uint16Array, touch: Touch): void {
    const { data } = this;
    attend(data, players);
    if (this.#rigid) prepareRigid(this.#rigid);
    data.tests.fill(0);
    data.nonFinite.fill(0);
    data.overspeed.fill(0);
    this.#team.run(PHASE.move, job);
    this.#team.run(PHASE.inside, job);
    if (this.#rigid) settleRigid(this.#rigid);
    this.#team.run(PHASE.across, job);
    this.#last.length = 0;
    collideLarge(data, this.#last);
    rigidAcross(data, this.#last);
    sweepFast(data, job.dt, this.#last);
    if (job.told) this.#tell(touch);
  }

  #tell(touch: Touch): void {
    const { touches } = this.data;
    for (const [from, to] of [
      [-1, 0],
      [0, 1],
    ] as const) {
      for (const { pairs, ends } of touches) {
        const stop = ends[to] as number;
        for (let i = from < 0 ? 0 : (ends[from] as number); i < stop; i += 2) {
          touch(pairs[i] as number, pairs[i + 1] as number);
        }
      }
    }
    const last = this.#last;
    for (let i = 0; i < last.length; i += 2) touch(last.at(i), last.at(i + 1));
  }
}
