/**
 * A thread that signs with one Ed25519 key, batch by batch. A signature takes 45 µs, a quarter of an allocation. Asking
 * libuv's pool for each one costs the event loop as much as signing there would, when all cores are busy: each request
 * wakes a thread.
 */
import type { KeyObject } from "node:crypto";
import { Worker } from "node:worker_threads";
import { Batches } from "./batches.ts";

/** Texts in one message: about 3 ms of signing. */
const MOST = 64;

export class SigningThread {
  readonly #worker: Worker;
  readonly #batches = new Batches<string, string>((texts) => this.#signAll(texts), MOST);
  #away: PromiseWithResolvers<readonly string[]> | undefined;
  #ended: Error | undefined;

  constructor(secret: KeyObject) {
    this.#worker = new Worker(new URL("./signing-worker.ts", import.meta.url), { workerData: secret });
    // A process that has nothing else to do may end.
    this.#worker.unref();
    this.#worker.on("message", (signatures: readonly string[]) => this.#away?.resolve(signatures));
    this.#worker.on("error", (error) => this.#fail(error as Error));
    this.#worker.on("exit", () => this.#fail(new Error("the signing thread has ended")));
  }

  /** False once the thread is gone: it signs nothing any more. */
  get alive(): boolean {
    return this.#ended === undefined;
  }

  /** The signature of `text`, base64url. Rejects when the thread is gone. */
  sign(text: string): Promise<string> {
    return this.#batches.ask(text);
  }

  /** Ends the thread when all that was asked for is signed. */
  close(): void {
    void this.#batches.idle().then(() => this.#worker.terminate());
  }

  #signAll(texts: readonly string[]): Promise<readonly string[]> {
    if (this.#ended) return Promise.reject(this.#ended);
    this.#away = Promise.withResolvers();
    this.#worker.postMessage(texts);
    return this.#away.promise;
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    this.#away?.reject(this.#ended);
  }
}
