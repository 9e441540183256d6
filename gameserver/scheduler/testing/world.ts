import type { TaskClass } from "../bands.ts";
import { Scheduler } from "../scheduler.ts";
import type { SchedulerOptions } from "../task.ts";

const CLASSES: readonly TaskClass[] = [
  "player-facing",
  "simulation",
  "replication",
  "transactions",
  "ai",
  "background",
];
export const [PLAYER, SIMULATION, REPLICATION, TRANSACTIONS, AI, BACKGROUND] = [0, 1, 2, 3, 4, 5] as const;

/** A scheduler over a clock that stands still but for what its tasks cost. A task's detail is its cost in µs. */
export function world(options: Partial<SchedulerOptions> = {}) {
  const time = { now: 1_000 };
  const ran: number[] = [];
  const at: number[] = [];
  const expired: number[] = [];
  const errors: unknown[] = [];
  const hooks: { run: ((owner: number, task: number) => void) | undefined } = { run: undefined };
  const scheduler = new Scheduler({
    capacity: 64,
    clock: () => time.now,
    onError: (kind, error) => errors.push([kind, error]),
    kinds: CLASSES.map((name) => ({
      name,
      class: name,
      run(owner, detail, task) {
        time.now += detail / 1_000;
        ran.push(owner);
        at.push(time.now);
        hooks.run?.(owner, task);
      },
      expired: (owner) => expired.push(owner),
    })),
    ...options,
  });
  return { time, ran, at, expired, errors, hooks, scheduler };
}
