/**
 * A thread that signs with one Ed25519 key, batch by batch: what has gathered while the last batch was away goes
 * together. A signature takes 45 µs, a fifth of an allocation. Asking libuv's pool for each one costs the event loop
 * as much as signing there would, when all cores are busy: each request wakes a thread.
 */
import type { KeyObject } from "node:crypto";
import { Worker } from "node:worker_threads";

interface Waiting {
  readonly text: string;
  readonly resolve: (signature: string) => void;
  readonly reject: (error: Error) => void;
}

export class SigningThread {
  readonly #worker: Worker;
  #waiting: Waiting[] = [];
  #away: Waiting[] = [];
  #closing = false;
  #ended: Error | undefined;

  constructor(secret: KeyObject) {
    this.#worker = new Worker(new URL("./signing-worker.ts", import.meta.url), { workerData: secret });
    // A process that has nothing else to do may end.
    this.#worker.unref();
    this.#worker.on("message", (signatures: readonly string[]) => this.#signed(signatures));
    this.#worker.on("error", (error) => this.#fail(error as Error));
    this.#worker.on("exit", () => this.#fail(new Error("the signing thread has ended")));
  }

  /** False once the thread is gone: it signs nothing any more. */
  get alive(): boolean {
    return this.#ended === undefined;
  }

  /** The signature of `text`, base64url. Rejects when the thread is gone. */
  sign(text: string): Promise<string> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text, resolve, reject });
      // Those of the same turn of the event loop go together.
      if (this.#waiting.length === 1 && this.#away.length === 0) setImmediate(() => this.#send());
    });
  }

  /** Ends the thread when all that was asked for is signed. */
  close(): void {
    this.#closing = true;
    if (this.#waiting.length + this.#away.length === 0) void this.#worker.terminate();
  }

  #send(): void {
    if (this.#waiting.length === 0 || this.#away.length > 0 || this.#ended) return;
    this.#away = this.#waiting;
    this.#waiting = [];
    this.#worker.postMessage(this.#away.map(({ text }) => text));
  }

  #signed(signatures: readonly string[]): void {
    const signed = this.#away;
    this.#away = [];
    for (const [index, { resolve }] of signed.entries()) resolve(signatures[index] as string);
    if (this.#closing) this.close();
    this.#send();
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of [...this.#away, ...this.#waiting]) reject(this.#ended);
    this.#away = [];
    this.#waiting = [];
  }
}
