/** The demo's steps: what each was, whether it really happened, and why when not. */

export interface StepResult {
  readonly ok: boolean;
  /** What was seen, or what went wrong. */
  readonly why: string;
  readonly seconds: number;
}

export class Steps {
  readonly #results = new Map<string, StepResult>();
  readonly #say: (line: string) => void;

  /** All that must happen, in order: what is never reached counts as failed. */
  constructor(names: readonly string[], say: (line: string) => void) {
    for (const name of names) this.#results.set(name, { ok: false, why: "not reached", seconds: 0 });
    this.#say = say;
  }

  /** Runs one step. `work` answers what was seen. Never throws: answers whether the step happened. */
  async run(name: string, title: string, work: () => Promise<string>): Promise<boolean> {
    this.#say(`▸ ${title}`);
    const began = performance.now();
    const seconds = () => Math.round((performance.now() - began) / 100) / 10;
    try {
      const why = await work();
      this.#results.set(name, { ok: true, why, seconds: seconds() });
      this.#say(`  ✔ ${why} (${seconds()} s)`);
      return true;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#results.set(name, { ok: false, why, seconds: seconds() });
      this.#say(`  ✘ ${why}`);
      return false;
    }
  }

  get allOk(): boolean {
    return [...this.#results.values()].every((result) => result.ok);
  }

  get results(): Readonly<Record<string, StepResult>> {
    return Object.fromEntries(this.#results);
  }
}
