/**
 * Where on the ladder the pod should stand: pure. One step down the comfort (up in number) for each `WORSE_MS` of
 * strain, one back for each `BETTER_MS` without, never both within either.
 *
 * *Strain* is what is most used of what the pod has: the slowest thread's busy share of a tick, and the CPU against
 * its cap; 1 is exactly all. Between `CALM` and `STRAINED` nothing changes (hysteresis): a step that has helped must not be
 * taken back because it has helped. On the last step time slows down bit by bit; it comes back faster than a step
 * would, because it is what players notice most.
 */
import { LADDER, MIN_TIME_SCALE } from "./effects.ts";

/** Shortest time between a step and the one before it, ms. */
export const WORSE_MS = 250;
export const BETTER_MS = 2_000;
/** Above this the pod gives way; below `CALM` it takes back. */
export const STRAINED = 0.95;
export const CALM = 0.8;
/** Time scale changes by so much at most in one move; moves back are `SCALE_BACK_MS` apart. */
const SCALE_STEP = 0.05;
export const SCALE_BACK_MS = 500;

export interface Strain {
  /** Busy share of a tick, of the slowest thread: 1 when it has no moment left. */
  readonly tick: number;
  /** CPU used ÷ CPU allowed. */
  readonly cpu: number;
  /** 0 … 1: memory used ÷ limit. */
  readonly memory: number;
}

export interface LadderState {
  readonly step: number;
  readonly timeScale: number;
  /** Monotonic ms of the last move. */
  readonly movedAt: number;
}

export const GROUND: LadderState = { step: 0, timeScale: 1, movedAt: Number.NEGATIVE_INFINITY };

const TOP = LADDER.length - 1;
/** Steps that end what players see less of; memory pressure needs no more than these. */
const JOINS_SHED = LADDER.findIndex((effects) => effects.joinsShed);
/** From this share of memory on nobody new is let in by the ladder. */
const MEMORY_TIGHT = 0.95;

/** What is strained most. The CPU counts from its cap on: 95 % of the cap is no strain by itself. */
export function strainOf({ tick, cpu }: Strain): number {
  return Math.max(tick, cpu * STRAINED);
}

/** The next state, or `state` itself when nothing changes. Call as often as you like. */
export function planLadder(state: LadderState, strain: Strain, nowMs: number): LadderState {
  const used = strainOf(strain);
  const since = nowMs - state.movedAt;
  const worse = used > STRAINED || (strain.memory > MEMORY_TIGHT && state.step < JOINS_SHED);
  const better = used < CALM && strain.memory <= MEMORY_TIGHT;
  if (worse && since >= WORSE_MS) return climb(state, nowMs);
  if (better && since >= (state.timeScale < 1 ? SCALE_BACK_MS : BETTER_MS)) return descend(state, nowMs);
  return state;
}

function climb(state: LadderState, nowMs: number): LadderState {
  if (state.step < TOP) return { step: state.step + 1, timeScale: 1, movedAt: nowMs };
  // On the last step time itself gives way. How much is missing cannot be seen: a thread is busy at most all the time.
  const timeScale = Math.max(MIN_TIME_SCALE, round(state.timeScale - SCALE_STEP));
  return timeScale === state.timeScale ? state : { step: state.step, timeScale, movedAt: nowMs };
}

function descend(state: LadderState, nowMs: number): LadderState {
  if (state.timeScale < 1) {
    const timeScale = Math.min(1, round(state.timeScale + SCALE_STEP * 2));
    return { step: state.step, timeScale, movedAt: nowMs };
  }
  return state.step === 0 ? state : { step: state.step - 1, timeScale: 1, movedAt: nowMs };
}

const round = (scale: number) => Math.round(scale * 1_000) / 1_000;
