/**
 * A clock that beats on time and owns up to being late: each beat is told when it was *due*, so that a stall of this
 * process counts in what is measured instead of hiding in it.
 */
export class OpenLoop {
  readonly #everyMs: number;
  readonly #beat: (due: number) => void;
  #due: number;
  #timer: ReturnType<typeof setTimeout>;

  constructor(everyMs: number, beat: (due: number) => void) {
    this.#everyMs = everyMs;
    this.#beat = beat;
    this.#due = performance.now() + everyMs;
    this.#timer = setTimeout(this.#run, everyMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #run = (): void => {
    const due = this.#due;
    this.#due += this.#everyMs;
    // Set first: a beat may stop the clock.
    this.#timer = setTimeout(this.#run, Math.max(0, this.#due - performance.now()));
    this.#beat(due);
  };
}
