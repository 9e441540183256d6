/** What a scheduler counts, for metrics. Plain numbers, read by whoever exports them. */
import { BANDS } from "./bands.ts";
import type { Costs } from "./costs.ts";
import type { StageGraph } from "./critical-path.ts";

export class Tally {
  /** By band. */
  readonly runs = new Float64Array(BANDS);
  readonly missed = new Float64Array(BANDS);
  readonly refused = new Float64Array(BANDS);
  cancelled = 0;
  expired = 0;
  /** Times a task inherited. */
  boosts = 0;
  readonly #kinds: readonly string[];
  /** How often a task of kind `on` was waited for by one of kind `waiter`: `on × kinds + waiter`. */
  readonly #waits: Float64Array;

  constructor(kinds: readonly string[]) {
    this.#kinds = kinds;
    this.#waits = new Float64Array(kinds.length ** 2);
  }

  /** `late`: a player-facing task that ended after its own deadline. */
  ran(band: number, late: boolean): void {
    this.runs[band] = (this.runs[band] as number) + 1;
    if (late) this.missed[band] = (this.missed[band] as number) + 1;
  }

  refuse(band: number): void {
    this.refused[band] = (this.refused[band] as number) + 1;
  }

  waited(on: number, waiter: number): void {
    const at = on * this.#kinds.length + waiter;
    this.#waits[at] = (this.#waits[at] as number) + 1;
  }

  /** Learned cost of one task in seconds, by kind. */
  costs(costs: Costs): [string, number][] {
    return this.#kinds.map((name, kind) => [name, costs.of(kind) / 1_000]);
  }

  /** The kinds as stages, with their mean wait and run, and who waited for whom: for `criticalPath`. */
  graph(costs: Costs): StageGraph {
    const seconds = new Map(
      this.#kinds.map((name, kind) => [name, (costs.of(kind) + costs.waitOf(kind)) / 1_000]),
    );
    const edges: [string, string][] = [];
    for (const [on, from] of this.#kinds.entries()) {
      for (const [waiter, to] of this.#kinds.entries()) {
        if ((this.#waits[on * this.#kinds.length + waiter] as number) > 0) edges.push([from, to]);
      }
    }
    return { seconds, edges };
  }
}
