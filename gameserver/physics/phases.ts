/** The phases of a step, and what one worker does of each. */
import type { KernelData } from "./kernel-data.ts";
import { moveRows, type StepParameters } from "./motion.ts";
import { fillCells, pairAcross, pairInside, Touches } from "./pairs.ts";
import { rigidBorders, rigidInside } from "./rigid-contacts.ts";
import { prepareRows, type RigidTables } from "./rigid-tables.ts";

export const PHASE = { move: 0, inside: 1, across: 2, borders: 3 } as const;
export const PHASES = 4;

/** What one worker does of a phase. */
export interface Share {
  readonly worker: number;
  readonly rowFrom: number;
  /** Of the last worker: all rows there are, in use or not. */
  readonly rowTo: number;
  readonly stripFrom: number;
  readonly stripTo: number;
}

export interface Job extends StepParameters {
  readonly high: number;
  /** Whether the game has a `touch` rule. */
  readonly told: boolean;
}

/** Rigid bodies of the regions that one worker has; none for a zone without rigid kinds. */
export interface RigidShare {
  readonly tables: RigidTables | undefined;
  step(dt: number, farSlowing: number): void;
}

/** Does one phase's share. Called by every worker, each with its own. */
export function runPhase(data: KernelData, phase: number, share: Share, job: Job, rigid: RigidShare): void {
  const { worker, stripFrom, stripTo } = share;
  if (phase === PHASE.move) {
    // Rows that are not in use any more belong to a region still.
    if (rigid.tables) prepareRows(rigid.tables, share.rowFrom, share.rowTo);
    moveRows(data, worker, share.rowFrom, Math.min(share.rowTo, job.high), job);
    return;
  }
  const list = data.touches[worker];
  if (!list) return;
  const touches = new Touches(list.pairs, job.told);
  if (phase === PHASE.inside) {
    // Rigid bodies move here: nothing else looks at them before the next phase.
    rigid.step(job.dt, job.farSlowing);
    fillCells(data, job.high, stripFrom, stripTo);
    pairInside(data, stripFrom, stripTo, job.tick, touches);
  } else {
    touches.length = list.length[0] as number;
    if (phase === PHASE.across) {
      pairAcross(data, stripFrom, stripTo, job.tick, touches);
      rigidInside(data, stripFrom, stripTo, touches);
    } else rigidBorders(data, stripFrom, stripTo, touches);
  }
  list.length[0] = touches.length;
}
