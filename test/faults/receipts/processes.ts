/** Pods that take receipts, as child processes. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Order } from "./pod.ts";

const POD = fileURLToPath(new URL("pod.ts", import.meta.url));

export interface PodPlace {
  readonly redisUrl: string;
  readonly databaseUrl: string;
  /** The receipts file. */
  readonly file: string;
}

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

export class ReceiptPod {
  readonly #name: string;
  readonly #place: PodPlace;
  readonly #asked = new Map<number, (answer: string) => void>();
  #child: ChildProcess | undefined;
  #lives = 0;
  #n = 0;

  constructor(name: string, place: PodPlace) {
    this.#name = name;
    this.#place = place;
  }

  async start(): Promise<void> {
    this.#lives += 1;
    const env = {
      ...process.env,
      POD_REDIS: this.#place.redisUrl,
      POD_DATABASE: this.#place.databaseUrl,
      POD_SERVER: `default/${this.#name}`,
      POD_LIFE: `${this.#name}-${this.#lives}`,
      POD_RECEIPTS: this.#place.file,
    };
    const child = fork(POD, { env, execArgv: [] });
    await once(child, "message");
    child.on("message", (message) => {
      const [n, answer] = message as [number, string];
      this.#asked.get(n)?.(answer);
      this.#asked.delete(n);
    });
    // Not by us: what is asked of it now fails the test instead of waiting for ever.
    child.on("exit", (code) => {
      if (this.#child === child) this.#lose(`died by itself with ${code}`);
    });
    this.#child = child;
  }

  /** What became of it: the status, "kept", "unverified", the error; "lost" when the pod dies first. */
  ask(order: Without<Order, "n">): Promise<string> {
    const n = ++this.#n;
    const { promise, resolve } = Promise.withResolvers<string>();
    if (!this.#child) return Promise.resolve("lost");
    if (!this.#child.connected) return Promise.resolve("died by itself");
    this.#asked.set(n, resolve);
    // A pod that dies just now: `kill` says so.
    this.#child.send({ ...order, n }, () => {});
    return promise;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    this.#lose("lost");
  }

  #lose(why: string): void {
    for (const lost of this.#asked.values()) lost(why);
    this.#asked.clear();
  }
}
