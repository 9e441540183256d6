/**
 * Work of the control thread that comes round again and again, run as tasks of a scheduler: so that in a busy pod
 * background work waits for what matters, and on the ladder it pauses. Only the start of a chore is a task; what it
 * awaits costs no time here. A chore never overlaps itself, and one that fails comes round again.
 *
 * Not for what must be on time whatever happens (the lease, the ladder itself): those have loops of their own.
 */
import { sleep } from "../../platform/background.ts";
import { BAND } from "../scheduler/bands.ts";
import type { Effects } from "../scheduler/effects.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import type { TaskKind } from "../scheduler/task.ts";

/** Longest a chore's own code may hold the thread before the event loop gets its turn. */
const SLICE_MS = 4;
/** How soon a chore that is held back (pause, duty) is looked at again. */
const HELD_MS = 100;

export interface Chore {
  readonly name: string;
  readonly class: Extract<TaskKind["class"], "replication" | "transactions" | "background">;
  /** Between the starts of two runs, ms. */
  readonly everyMs: number;
  readonly work: () => Promise<void> | void;
  /** A run failed. */
  readonly onError: (error: unknown) => void;
}

interface Going {
  readonly chore: Chore;
  dueAt: number;
  state: "resting" | "queued" | "running";
}

export class Chores {
  readonly scheduler: Scheduler;
  readonly #going: Going[];
  readonly #stance: { readonly effects: Effects; readonly duty: number };
  readonly #clock: () => number;
  readonly #running = new Set<Promise<void>>();

  constructor(
    chores: readonly Chore[],
    stance: { readonly effects: Effects; readonly duty: number },
    clock: () => number = () => performance.now(),
  ) {
    this.#stance = stance;
    this.#clock = clock;
    const now = clock();
    this.#going = chores.map((chore) => ({ chore, dueAt: now, state: "resting" }));
    this.scheduler = new Scheduler({
      capacity: Math.max(1, chores.length),
      kinds: chores.map(({ name, class: of }) => ({
        name,
        class: of,
        costMs: 1,
        run: (index) => this.#start(index),
      })),
      clock,
      onError: () => {},
    });
  }

  /** Runs them until the signal aborts and the last has ended. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await sleep(this.turn(), signal);
    await Promise.all(this.#running);
  }

  /** Starts what is due and may run; answers after how many ms to come again. */
  turn(): number {
    const now = this.#clock();
    for (const [index, going] of this.#going.entries()) {
      if (going.state !== "resting" || going.dueAt > now) continue;
      going.state = "queued";
      this.scheduler.submit(index, index, 0, going.dueAt + going.chore.everyMs);
    }
    this.scheduler.gate.pause(BAND.background, this.#stance.effects.backgroundPaused);
    this.scheduler.gate.duty = this.#stance.duty;
    this.scheduler.run(SLICE_MS);
    return this.#pause();
  }

  #pause(): number {
    if (this.scheduler.size > 0) return HELD_MS;
    const due = Math.min(...this.#going.map(({ state, dueAt }) => (state === "resting" ? dueAt : Infinity)));
    return Math.min(HELD_MS, Math.max(1, due - this.#clock()));
  }

  #start(index: number): void {
    const going = this.#going[index] as Going;
    going.state = "running";
    const startedAt = this.#clock();
    const done = this.#attempt(going.chore).finally(() => {
      this.#running.delete(done);
      going.state = "resting";
      going.dueAt = Math.max(this.#clock(), startedAt + going.chore.everyMs);
    });
    this.#running.add(done);
  }

  async #attempt(chore: Chore): Promise<void> {
    try {
      await chore.work();
    } catch (error) {
      chore.onError(error);
    }
  }
}
