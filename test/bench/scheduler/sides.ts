/**
 * The same trace under three disciplines, in virtual time: a task takes what the trace says, and nothing else takes
 * any. So what differs is the order alone, and a run repeats itself exactly.
 */
import { BAND, BANDS, PLAYER_BANDS } from "../../../gameserver/scheduler/bands.ts";
import { Scheduler } from "../../../gameserver/scheduler/scheduler.ts";
import { KINDS, type Trace } from "./trace.ts";

export interface Played {
  /** By player-facing task: ms after its deadline, 0 when in time. */
  readonly lateness: Float64Array;
  readonly missed: number;
  /** By band: longest wait of a task that was run, ms. */
  readonly longestWait: readonly number[];
  /** By band: share of the time in which players waited. Ours only. */
  readonly shares: readonly number[];
}

interface Discipline {
  readonly name: string;
  play(trace: Trace): Played;
}

/** Notes of what was done when. */
class Ledger {
  readonly #trace: Trace;
  readonly #lateness: number[] = [];
  readonly #longest = new Float64Array(BANDS);
  missed = 0;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  done(task: number, now: number): void {
    const { at, band, cost, deadline } = this.#trace;
    const of = band[task] as number;
    const waited = now - (at[task] as number) - (cost[task] as number);
    if (waited > (this.#longest[of] as number)) this.#longest[of] = waited;
    if (of >= PLAYER_BANDS) return;
    const late = now - (at[task] as number) - (deadline[task] as number);
    this.#lateness.push(Math.max(0, late));
    if (late > 0) this.missed++;
  }

  result(shares: readonly number[]): Played {
    return {
      lateness: Float64Array.from(this.#lateness).sort(),
      missed: this.missed,
      longestWait: [...this.#longest],
      shares,
    };
  }
}

const ours: Discipline = {
  name: "ours",
  play(trace) {
    const ledger = new Ledger(trace);
    let now = 0;
    const scheduler = new Scheduler({
      capacity: 131_072,
      clock: () => now,
      onError: (_kind, error) => {
        throw error;
      },
      kinds: KINDS.map((kind) => ({
        ...kind,
        run(_owner: number, task: number) {
          now += trace.cost[task] as number;
          ledger.done(task, now);
          arrive();
        },
      })),
    });
    let next = 0;
    const arrive = () => {
      while (next < trace.length && (trace.at[next] as number) <= now) submit(scheduler, trace, next++);
    };
    while (next < trace.length) {
      if (scheduler.size === 0) now = Math.max(now, trace.at[next] as number);
      arrive();
      scheduler.run(1);
    }
    while (scheduler.run(1_000) > 0);
    return ledger.result(Array.from({ length: BANDS }, (_, band) => scheduler.shares.used(band)));
  },
};

function submit(scheduler: Scheduler, trace: Trace, task: number): void {
  const deadline = (trace.at[task] as number) + (trace.deadline[task] as number);
  const handle = scheduler.submit(trace.kind[task] as number, task, task, deadline, {
    band: trace.band[task] as number,
  });
  if (handle < 0) throw new Error("the table is too small for the trace");
}

/** By arrival, whatever it is. */
const fifo: Discipline = {
  name: "FIFO",
  play: (trace) => queues(trace, 1, () => 0),
};

/** By band, and within a band by arrival. */
const staticPriority: Discipline = {
  name: "static priority",
  play: (trace) => queues(trace, BANDS, (task) => trace.band[task] as number),
};

/** So many queues, the first that holds something first. */
function queues(trace: Trace, count: number, queueOf: (task: number) => number): Played {
  const ledger = new Ledger(trace);
  const waiting = Array.from({ length: count }, (): number[] => []);
  const heads = Array.from({ length: count }, () => 0);
  let next = 0;
  let left = 0;
  let now = 0;
  for (let done = 0; done < trace.length; done++) {
    if (left === 0) now = Math.max(now, trace.at[next] as number);
    for (; next < trace.length && (trace.at[next] as number) <= now; next++, left++)
      (waiting[queueOf(next)] as number[]).push(next);
    const queue = waiting.findIndex((tasks, index) => tasks.length > (heads[index] as number));
    const task = (waiting[queue] as number[])[heads[queue] as number] as number;
    heads[queue] = (heads[queue] as number) + 1;
    left--;
    now += trace.cost[task] as number;
    ledger.done(task, now);
  }
  return ledger.result([]);
}

export const DISCIPLINES = { ours, fifo, staticPriority } as const;

/** Whether background kept to its slice while players waited, and got it: within a task of it. */
export function heldShare(played: Played, share: number, seconds: number): boolean {
  const used = played.shares[BAND.background] as number;
  return used <= share + 0.0015 / seconds && used >= share * 0.8;
}
