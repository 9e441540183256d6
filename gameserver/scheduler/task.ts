/** What a scheduler is told of its tasks. */
import type { TaskClass } from "./bands.ts";

/** Runs one task; `task` is its handle. Must not block. */
export type Run = (owner: number, detail: number, task: number) => void;

export interface TaskKind {
  readonly name: string;
  readonly class: TaskClass;
  readonly run: Run;
  /** Called instead of `run` when the task's time-out has passed. */
  readonly expired?: Run;
  /** First guess of its cost, ms; learned afterwards. Default 0.01. */
  readonly costMs?: number;
}

export interface SchedulerOptions {
  readonly kinds: readonly TaskKind[];
  /** Most tasks at a time; at most 131,072. */
  readonly capacity: number;
  /** Most tasks waiting in one band; `submit` refuses beyond. Default: the capacity. */
  readonly bandCapacity?: number;
  /** Most waits at a time. Default: the capacity. */
  readonly waits?: number;
  /** Share by band while players wait; default `DEFAULT_SHARES`. */
  readonly shares?: Readonly<Record<number, number>>;
  /** Monotonic ms. */
  readonly clock?: () => number;
  /** A handler threw. */
  readonly onError: (kind: string, error: unknown) => void;
}

export interface TaskOptions {
  /** Band, if not that of the kind's class (a player-facing task of a session: from its rate plan). */
  readonly band?: number;
  /** ms after which the task is dropped instead of run. */
  readonly timeoutMs?: number;
}
