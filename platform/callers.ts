/** Who may call: service tokens, one file a caller, re-read so that a token can be changed without a restart. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { loop } from "./background.ts";
import { fail, messageOf } from "./errors.ts";
import { sha256 } from "./ids.ts";
import type { Log } from "./log.ts";

const REREAD_MS = 10_000;
const MIN_LENGTH = 16;

export class Callers {
  readonly #folder: string;
  readonly #log: Log;
  /** Name by hash: looking up a hash takes the same time for every wrong token. */
  #names = new Map<string, string>();
  /** Headers that were good since the last reading; callers send the same one every time. */
  #known = new Map<string, string>();

  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Reads the folder. Throws CONFIG_INVALID when it holds no usable token. */
  async load(): Promise<void> {
    const next = new Map<string, string>();
    // Kubernetes mounts a secret with `..data` links beside the files.
    for (const name of (await readdir(this.#folder)).filter((entry) => !entry.startsWith("."))) {
      const token = (await readFile(join(this.#folder, name), "utf8")).trim();
      if (token.length < MIN_LENGTH) {
        throw fail("CONFIG_INVALID", `service token ${name}: must have at least ${MIN_LENGTH} characters`);
      }
      next.set(sha256(token), name);
    }
    if (next.size === 0)
      throw fail("CONFIG_INVALID", `${this.#folder}: must hold at least one service token`);
    this.#names = next;
    this.#known = new Map();
  }

  run(signal: AbortSignal): Promise<void> {
    const onError = (error: unknown) =>
      this.#log.error(
        { err: { message: messageOf(error) } },
        "service tokens not re-read; the old ones stay valid",
      );
    return loop(() => this.load(), { everyMs: REREAD_MS, signal, onError });
  }

  /** An `onRequest` hook: only callers that are known get further. Rejects with UNAUTHENTICATED. */
  readonly onRequest = async (request: {
    readonly headers: { readonly authorization?: string | undefined };
  }): Promise<void> => {
    this.authenticate(request.headers.authorization);
  };

  /** Name of the caller. Throws UNAUTHENTICATED. */
  authenticate(authorization: string | undefined): string {
    const before = this.#known.get(authorization ?? "");
    if (before !== undefined) return before;
    const token = /^Bearer ([\x21-\x7e]{1,512})$/.exec(authorization ?? "")?.[1];
    const name = token === undefined ? undefined : this.#names.get(sha256(token));
    if (name === undefined) {
      throw fail(
        "UNAUTHENTICATED",
        "authorization: must be 'Bearer <service token>' with a token that is known",
      );
    }
    this.#known.set(authorization ?? "", name);
    return name;
  }
}
