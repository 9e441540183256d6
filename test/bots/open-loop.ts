/**
 * The bots' clock: each beats once in a period, on time, and a beat that is late is told when it was *due*, so that a
 * stall of this process counts in what is measured instead of hiding in it. No beat is left out.
 *
 * One clock for all, and it can be poked: while more than a thousand sockets have something to read, Node's event loop
 * goes from one batch of them to the next (up to 48 times) before any timer runs. Thousands of timers would then be
 * seconds late although this process has time; whoever reads pokes, and the beats go out in between.
 */
interface Beat {
  due: number;
  readonly run: (due: number) => void;
  stopped: boolean;
}

export class OpenLoop {
  readonly #everyMs: number;
  /** In order of due times, because all have the same period: who has beaten goes to the end. */
  #queue: Beat[] = [];
  #head = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Beats for the first time in one period. Returns how to stop. */
  add(run: (due: number) => void): () => void {
    const beat: Beat = { due: performance.now() + this.#everyMs, run, stopped: false };
    this.#queue.push(beat);
    this.#arm();
    return () => {
      beat.stopped = true;
    };
  }

  /** Runs what is due. */
  poke(): void {
    if (this.#running) return;
    this.#running = true;
    const now = performance.now();
    for (let beat = this.#first(); beat && beat.due <= now; beat = this.#first()) {
      this.#head += 1;
      const { due } = beat;
      beat.due += this.#everyMs;
      this.#queue.push(beat);
      beat.run(due);
    }
    this.#running = false;
    this.#arm();
  }

  /** The next beat of those that go on. */
  #first(): Beat | undefined {
    while (this.#queue[this.#head]?.stopped) this.#head += 1;
    // Not at every step: moving thousands of entries is what the head index spares.
    if (this.#head > 10_000 || this.#head === this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return this.#queue[this.#head];
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    const next = this.#first();
    if (!next) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.poke();
      },
      Math.max(0, next.due - performance.now()),
    );
  }
}
