/**
 * A trace of tasks as a busy I/O thread has them: made once from a seed, run by every side in the same way.
 *
 * Sessions' updates come in a burst at each tick, with the bands and deadlines that `ratePlan` gives; ticks differ, one
 * in four has twice what the others have. What is not player-facing comes at any time: replication, transactions, AI,
 * and background in tasks of about a millisecond.
 */
import { BAND, type TaskClass } from "../../../gameserver/scheduler/bands.ts";
import { type Effects, LADDER } from "../../../gameserver/scheduler/effects.ts";
import { CALM, ratePlan } from "../../../gameserver/scheduler/factors.ts";
import { seededRandom } from "../../../platform/random.ts";

/** Kinds of a trace by number. */
export const KINDS: readonly { readonly name: string; readonly class: TaskClass }[] = [
  { name: "update", class: "player-facing" },
  { name: "publish", class: "replication" },
  { name: "purchase", class: "transactions" },
  { name: "think", class: "ai" },
  { name: "sweep", class: "background" },
];

export interface Trace {
  readonly length: number;
  /** ms from the beginning at which a task comes, in order; the others by task. */
  readonly at: Float64Array;
  readonly kind: Uint8Array;
  readonly band: Uint8Array;
  /** What it takes, ms. */
  readonly cost: Float64Array;
  /** ms from its coming until it must be done; Infinity for none. */
  readonly deadline: Float64Array;
}

export interface Load {
  /** Share of the time that player-facing tasks take, on average, and all others together. */
  readonly players: number;
  readonly others: number;
}

interface Task {
  readonly at: number;
  readonly kind: number;
  readonly band: number;
  readonly cost: number;
  readonly deadline: number;
}

const TICK_MS = 1_000 / 60;
const BURST_EVERY = 4;
const BURST = 1.6;
const BETWEEN = (BURST_EVERY - BURST) / (BURST_EVERY - 1);
const OTHERS = [
  { kind: 1, band: BAND.replication, cost: 0.05 },
  { kind: 2, band: BAND.transactions, cost: 0.1 },
  { kind: 3, band: BAND.ai, cost: 0.05 },
  { kind: 4, band: BAND.background, cost: 1 },
] as const;

export function makeTrace(seconds: number, load: Load, seed: number): Trace {
  const random = seededRandom(seed);
  const tasks: Task[] = [];
  for (let tick = 0; tick < seconds * 60; tick++) {
    const now = tick * TICK_MS;
    players(tasks, now, load.players * (tick % BURST_EVERY === 0 ? BURST : BETWEEN) * TICK_MS, random);
    for (const { kind, band, cost } of OTHERS) {
      const expected = ((load.others / OTHERS.length) * TICK_MS) / cost;
      for (let count = Math.floor(expected + random()); count > 0; count--) {
        const at = now + random() * TICK_MS;
        tasks.push({ at, kind, band, cost: cost * (0.5 + random()), deadline: Infinity });
      }
    }
  }
  tasks.sort((a, b) => a.at - b.at);
  return {
    length: tasks.length,
    at: Float64Array.from(tasks, (task) => task.at),
    kind: Uint8Array.from(tasks, (task) => task.kind),
    band: Uint8Array.from(tasks, (task) => task.band),
    cost: Float64Array.from(tasks, (task) => task.cost),
    deadline: Float64Array.from(tasks, (task) => task.deadline),
  };
}

/** Updates worth `ms`: three in ten fight, one in five watches or is away. */
function players(tasks: Task[], at: number, ms: number, random: () => number): void {
  for (let left = ms; left > 0; ) {
    const draw = random();
    const factors = {
      ...CALM,
      players: 1_000,
      engaged: draw < 0.3,
      spectator: draw > 0.9,
      idleSeconds: draw > 0.8 ? 60 : 0,
      inputHz: random() * 10,
      latencyMs: 20 + random() * 300,
      weight: 0.5 + random() * 1.5,
    };
    const { band, deadlineMs } = ratePlan(factors, LADDER[0] as Effects, 12);
    const cost = 0.01 + random() * 0.02;
    left -= cost;
    tasks.push({ at, kind: 0, band, cost, deadline: deadlineMs });
  }
}
