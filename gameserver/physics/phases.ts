/** The phases of a step, and what one worker does of each. */
import type { KernelData } from "./kernel-data.ts";
import { moveRows, type StepParameters } from "./motion.ts";
import { fillCells, pairAcross, pairInside, Touches } from "./pairs.ts";
import { rigidInside } from "./rigid-contacts.ts";

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
