/**
 * What a manager starts and stops.
 */

/** The two ways a runnable is ended. */
export interface Life {
  /** Take on nothing new, finish what is under way, then settle. */
  readonly stop: AbortSignal;
  /** Drop everything now. Always comes with or after `stop`. */
  readonly kill: AbortSignal;
}

export interface Runnable {
  readonly name: string;
  /** Works until `stop`. To settle before it is a fault when it rejects, and the end of this runnable otherwise. */
  run(life: Life): Promise<void>;
}

/** A runnable that others depend on: they start once it is `synced`. */
export interface Cache extends Runnable {
  readonly synced: Promise<void>;
}

/** Something that listens: up before all else, so that probes are answered while caches fill. */
export interface Server {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}
