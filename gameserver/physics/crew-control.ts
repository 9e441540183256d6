/**
 * The few words through which the simulation thread leads the second physics worker. One command at a time: the
 * leader fills the words in, counts `command` up and wakes; the worker does it and sets `done` to the same number.
 */
import type { KernelData } from "./kernel-data.ts";
import { type Job, PHASE } from "./phases.ts";
import type { RigidTables } from "./rigid-tables.ts";

export const WORD = { command: 0, done: 1, what: 2, zone: 3, failed: 4 } as const;
/** A command is a phase of a step, or this: letters are to be read. */
export const WHAT = { ...PHASE, mail: 8 } as const;
const NUMBER = {
  tick: 0,
  dt: 1,
  farSlowing: 2,
  high: 3,
  told: 4,
  rowFrom: 5,
  stripFrom: 6,
  busyMs: 7,
} as const;

export interface CrewControl {
  readonly words: Int32Array;
  readonly numbers: Float64Array;
}

export function crewControl(buffer: SharedArrayBuffer = new SharedArrayBuffer(128)): CrewControl {
  return { words: new Int32Array(buffer, 0, 8), numbers: new Float64Array(buffer, 32, 12) };
}

/** Letters to the worker, read at the command `mail`; `snapshot` is answered with a `Uint8Array[]`. */
export type Letter =
  | {
      readonly type: "add";
      readonly zone: number;
      readonly data: KernelData;
      readonly tables: RigidTables | undefined;
      /** The worker has the rigid regions from this one on. */
      readonly regionFrom: number;
    }
  | { readonly type: "remove"; readonly zone: number }
  | { readonly type: "snapshot"; readonly zone: number }
  | { readonly type: "restore"; readonly zone: number; readonly worlds: readonly Uint8Array[] };

export function putJob(
  { numbers }: CrewControl,
  job: Job,
  from: { readonly row: number; readonly strip: number },
): void {
  numbers[NUMBER.tick] = job.tick;
  numbers[NUMBER.dt] = job.dt;
  numbers[NUMBER.farSlowing] = job.farSlowing;
  numbers[NUMBER.high] = job.high;
  numbers[NUMBER.told] = job.told ? 1 : 0;
  numbers[NUMBER.rowFrom] = from.row;
  numbers[NUMBER.stripFrom] = from.strip;
}

export function takeJob({ numbers }: CrewControl): { job: Job; rowFrom: number; stripFrom: number } {
  const at = (index: number) => numbers[index] as number;
  return {
    job: {
      tick: at(NUMBER.tick),
      dt: at(NUMBER.dt),
      farSlowing: at(NUMBER.farSlowing),
      high: at(NUMBER.high),
      told: at(NUMBER.told) === 1,
    },
    rowFrom: at(NUMBER.rowFrom),
    stripFrom: at(NUMBER.stripFrom),
  };
}

/** How long the worker took for its part of the last command, ms. */
export function busyMs({ numbers }: CrewControl): number {
  return numbers[NUMBER.busyMs] as number;
}

export function setBusyMs({ numbers }: CrewControl, ms: number): void {
  numbers[NUMBER.busyMs] = ms;
}

/**
 * For so long a word is looked at before the thread is put to sleep, ms: about what it takes to be woken. Measured with
 * 0.008 and 0.25 as well, in turns: longer helps nobody where others want the core.
 */
const SPIN_MS = 0.05;
/** Looks between two at the clock. */
const SPINS = 32;

/** Blocks until the word is not `old`, or `ms` have passed. Answers whether it changed. */
export function awaitChange(words: Int32Array, word: number, old: number, ms: number): boolean {
  const from = performance.now();
  const spinUntil = from + SPIN_MS;
  do {
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.load(words, word) !== old) return true;
      // Lets a sibling on the same core go on.
      Atomics.pause();
    }
  } while (performance.now() < spinUntil);
  const until = from + ms;
  while (Atomics.load(words, word) === old) {
    const left = until - performance.now();
    if (left <= 0) return false;
    Atomics.wait(words, word, old, left);
  }
  return true;
}
