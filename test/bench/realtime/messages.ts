/** What the processes of the bench say to each other. All times are monotonic ms of this machine. */

export type ToServer = { readonly type: "truth" } | { readonly type: "gc" };

export type FromServer =
  | { readonly type: "listening"; readonly port: number }
  /** Tick, when it began, tick, when it began … */
  | { readonly type: "ticks"; readonly ticks: readonly number[] }
  /** Published columns by row. */
  | {
      readonly type: "truth";
      readonly tick: number;
      readonly xs: readonly number[];
      readonly ys: readonly number[];
      readonly ids: readonly number[];
    }
  | { readonly type: "memory"; readonly rss: number };
