/**
 * One zone's physics, step by step: circles and capsules by the own kernel, rigid bodies by Rapier.
 *
 * A step has four phases, each split between the workers by rows or strips; between two phases everybody waits for
 * everybody (`Team`). Results do not depend on the split. Touches are collected and told last, in one order, on the
 * simulation's thread: rules run there alone.
 */
import { attend } from "./attention.ts";
import type { KernelData } from "./kernel-data.ts";
import { moveRows, type StepParameters } from "./motion.ts";
import { fillCells, pairAcross, pairInside, Touches } from "./pairs.ts";
import { prepareRigid, type RigidTables } from "./rigid.ts";
import { rigidAcross, rigidInside } from "./rigid-contacts.ts";
import { collideLarge, sweepFast } from "./singles.ts";

export const PHASE = { move: 0, inside: 1, across: 2 } as const;

/** What one worker does of a phase. */
export interface Share {
  readonly worker: number;
  readonly rowFrom: number;
  readonly rowTo: number;
  readonly stripFrom: number;
  readonly stripTo: number;
}

export interface Job extends StepParameters {
  readonly high: number;
  /** Whether the game has a `touch` rule. */
  readonly told: boolean;
}

/** Rigid bodies of the regions that one worker has. */
export interface RigidShare {
  step(dt: number, farSlowing: number): void;
}

/** Does one phase's share. Called by every worker, each with its own. */
export function runPhase(
  data: KernelData,
  phase: number,
  share: Share,
  job: Job,
  rigid: RigidShare | undefined,
): void {
  const { worker, stripFrom, stripTo } = share;
  if (phase === PHASE.move) {
    moveRows(data, share.rowFrom, share.rowTo, job);
    return;
  }
  const list = data.touches[worker];
  if (!list) return;
  const touches = new Touches(list.pairs, job.told);
  if (phase === PHASE.inside) {
    // Rigid bodies move here: nothing else looks at them before the next phase.
    rigid?.step(job.dt, job.farSlowing);
    fillCells(data, job.high, stripFrom, stripTo);
    pairInside(data, stripFrom, stripTo, job.tick, touches);
    list.ends[0] = touches.length;
  } else {
    touches.length = list.ends[0] as number;
    pairAcross(data, stripFrom, stripTo, job.tick, touches);
    rigidInside(data, stripFrom, stripTo, touches);
    list.ends[1] = touches.length;
  }
}

/** Runs a phase on all workers and returns when all are done. */
export interface Team {
  run(data: KernelData, phase: number, job: Job): void;
}

/** Everything on the calling thread. */
export function aloneTeam(rigid?: RigidShare): Team {
  return {
    run(data, phase, job) {
      const { strips } = data.layout;
      runPhase(
        data,
        phase,
        { worker: 0, rowFrom: 0, rowTo: job.high, stripFrom: 0, stripTo: strips },
        job,
        rigid,
      );
      const other = data.touches[1];
      if (other) other.ends.fill(0);
    },
  };
}

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
    for (const phase of [PHASE.move, PHASE.inside, PHASE.across]) this.#team.run(data, phase, job);
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
