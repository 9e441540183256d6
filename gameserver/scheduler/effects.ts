/**
 * What each step of the degradation ladder takes away, as one table that all threads of the pod read.
 *
 * The control thread climbs (`ladder.ts`) and writes one number into shared memory; the simulation and the I/O
 * threads read it once a tick and look the effects up here. So a step is taken everywhere within one tick, without
 * a message, and no thread can be on half a step. Inputs and what answers a player directly are in no step: they are
 * never given up.
 *
 * The order is by what players notice least: measured savings are in docs/operations.md.
 */

export interface Effects {
  /** Stable name, for metrics and events. */
  readonly name: string;
  /** Background work waits. */
  readonly backgroundPaused: boolean;
  /** Brains that fight with a player go on; others think by budget and at lower detail. */
  readonly aiThrottled: boolean;
  /** Entities in the middle and outer ring are sent this share as often. */
  readonly outerRingShare: number;
  /** Share of `interest.cap` that a view holds. */
  readonly viewCapShare: number;
  /** Updates between two looks at who is near. */
  readonly refreshUpdates: number;
  /** Share of the update rate for sessions that are not engaged. */
  readonly calmRateShare: number;
  /** Updates a second for sessions in a fight. Never below 12: their acknowledgements travel in updates. */
  readonly engagedHz: number;
  /** Updates a second at most for players who are away from their keys. */
  readonly afkHz: number;
  /** Physics regions nobody looks at closely step at this rate. */
  readonly farRegionHz: number;
  /** Nobody new is let in. */
  readonly joinsShed: boolean;
  /** Time may run slower than real time, down to `MIN_TIME_SCALE`. */
  readonly dilation: boolean;
}

const NORMAL: Effects = {
  name: "normal",
  backgroundPaused: false,
  aiThrottled: false,
  outerRingShare: 1,
  viewCapShare: 1,
  refreshUpdates: 4,
  calmRateShare: 1,
  engagedHz: 20,
  afkHz: 5,
  farRegionHz: 60,
  joinsShed: false,
  dilation: false,
};

/** World seconds per real second when all else was not enough. */
export const MIN_TIME_SCALE = 0.5;

/** Each step adds to the one before it. */
export const LADDER: readonly Effects[] = steps(
  { name: "background-paused", backgroundPaused: true },
  { name: "ai-throttled", aiThrottled: true },
  { name: "outer-rings-halved", outerRingShare: 0.5 },
  { name: "views-halved", viewCapShare: 0.5, refreshUpdates: 8 },
  { name: "calm-rate-lowered", calmRateShare: 0.7, engagedHz: 15, afkHz: 1 },
  { name: "calm-rate-halved", calmRateShare: 0.5, engagedHz: 12 },
  { name: "far-physics-slowed", farRegionHz: 30 },
  { name: "joins-shed", joinsShed: true },
  { name: "time-dilated", dilation: true },
);

function steps(...changes: readonly (Partial<Effects> & { readonly name: string })[]): readonly Effects[] {
  const ladder = [NORMAL];
  for (const change of changes) ladder.push({ ...(ladder.at(-1) ?? NORMAL), ...change });
  return ladder;
}

/** Where the pod stands, in shared memory: the control thread writes, all others read. */
export class Stance {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer = freshStance()) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  get step(): number {
    return Atomics.load(this.#words, 0);
  }

  get effects(): Effects {
    return LADDER[this.step] ?? NORMAL;
  }

  /** World seconds per real second, `MIN_TIME_SCALE` … 1. */
  get timeScale(): number {
    return Atomics.load(this.#words, 1) / 1_000;
  }

  /** Share of their usual time that the CPU governor leaves to things no player waits for (AI far off, background). */
  get duty(): number {
    return Atomics.load(this.#words, 2) / 1_000;
  }

  set duty(share: number) {
    Atomics.store(this.#words, 2, Math.round(share * 1_000));
  }

  set(step: number, timeScale: number): void {
    Atomics.store(this.#words, 0, step);
    Atomics.store(this.#words, 1, Math.round(timeScale * 1_000));
  }
}

/** Normal: step 0, real time, full duty. Made by the control thread only; a reader must never write. */
function freshStance(): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(16);
  new Int32Array(buffer).set([0, 1_000, 1_000, 0]);
  return buffer;
}
