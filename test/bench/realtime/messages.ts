/** What the processes of the bench say to each other. All times are monotonic ms of this machine. */

export type ToServer = { readonly type: "truth" } | { readonly type: "reserve"; readonly count: number };

export type FromServer =
  | { readonly type: "listening"; readonly port: number }
  /** Tick, when it began, tick, when it began … */
  | { readonly type: "ticks"; readonly ticks: readonly number[] }
  /** Where everyone is. Ours: codes by row, and identities. Colyseus: metres, and keys. */
  | {
      readonly type: "truth";
      readonly tick: number;
      readonly xs: ArrayLike<number>;
      readonly ys: ArrayLike<number>;
      readonly ids: ArrayLike<number | string>;
    }
  | { readonly type: "paths"; readonly paths: readonly string[] };
