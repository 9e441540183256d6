/** Removes settled entries from their journals: together, some milliseconds after the first. */
import type { Clock } from "../clock.ts";
import type { At } from "../crash-points.ts";
import type { Journal, Ref } from "./journal.ts";

const AFTER_MS = 20;

/** Where an entry stands. */
export interface Place {
  readonly journal: Journal;
  readonly ref: Ref;
}

export interface RemovalsOptions {
  readonly clock: Clock;
  /** It is gone, or stays behind: then the sweeper finds it, settles it to no effect and removes it. */
  readonly done: (ref: Ref) => void;
  readonly delayed: (error: unknown) => void;
  readonly at?: At | undefined;
}

export class Removals {
  readonly #options: RemovalsOptions;
  #settled: Place[] = [];

  constructor(options: RemovalsOptions) {
    this.#options = options;
  }

  later(place: Place): void {
    if (this.#settled.length === 0) this.#options.clock.after(AFTER_MS, () => void this.now());
    this.#settled.push(place);
  }

  /** Removes what was settled until now. Never rejects. */
  async now(): Promise<void> {
    const settled = this.#settled;
    this.#settled = [];
    if (settled.length > 0) this.#options.at?.("told");
    for (const [journal, places] of Map.groupBy(settled, (place) => place.journal)) {
      const refs = places.map(({ ref }) => ref);
      await journal.remove(refs).catch(this.#options.delayed);
      for (const ref of refs) this.#options.done(ref);
    }
  }
}
