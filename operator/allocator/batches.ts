/**
 * Questions that gather while the last ones are away go together: what one call costs (a command, a message that wakes
 * a thread) is shared by all who wait, and the more there are, the more it is shared.
 */
interface Waiting<In, Out> {
  readonly item: In;
  readonly resolve: (answer: Out) => void;
  readonly reject: (error: unknown) => void;
}

/** Answers a batch in its order. What it throws is thrown to all who asked or wait: whom they ask is away. */
export type AnswerAll<In, Out> = (items: readonly In[]) => Promise<readonly Out[]>;

export class Batches<In, Out> {
  readonly #answerAll: AnswerAll<In, Out>;
  readonly #most: number;
  #waiting: Waiting<In, Out>[] = [];
  #running: Promise<void> | undefined;

  /** `most` questions go at once; one batch is away at a time. */
  constructor(answerAll: AnswerAll<In, Out>, most: number) {
    this.#answerAll = answerAll;
    this.#most = most;
  }

  ask(item: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when all who asked have their answer. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Those of the same turn of the event loop go together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#answer(this.#waiting.splice(0, this.#most));
    this.#running = undefined;
  }

  async #answer(batch: readonly Waiting<In, Out>[]): Promise<void> {
    try {
      const answers = await this.#answerAll(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as Out);
    } catch (error) {
      const all = [...batch, ...this.#waiting.splice(0)];
      for (const { reject } of all) reject(error);
    }
  }
}
