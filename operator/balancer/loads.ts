/**
 * The load board: the newest sample of every server, read from Redis once a second.
 *
 * Redis' own clock decides what is fresh (samples expire there), so skewed clocks of pods do not matter. While Redis
 * is away the board is empty: no sample means unknown, and unknown counts as full wherever it is used.
 */
import { loop } from "../../platform/background.ts";
import type { Log } from "../../platform/log.ts";
import type { Redis } from "../../platform/redis.ts";
import { warnAgain } from "../../platform/warn-again.ts";
import { keys, LoadSample, type ServerKey } from "../../protocol/directory.ts";

export const READ_EVERY_MS = 1_000;
/** Keys in one MGET: a reply stays small enough to be parsed between two timers. */
const CHUNK = 500;
/**
 * Readings in a row without a sample after which a server counts as silent. The last sample lived for 4 s, so it is
 * 10 s since the pod wrote: longer than the lease after which a pod that reaches no store falls silent by itself.
 */
export const SILENT_READINGS = 6;
/** CPU changes smaller than this are not told to listeners. */
const CPU_STEP = 5;

export interface LoadBoardOptions {
  readonly redis: Redis;
  readonly log: Log;
  /** The servers to read for: asked anew at every reading. */
  readonly servers: () => Iterable<ServerKey>;
  /** Called for a server whose sample appeared, vanished, or changed enough to be news. */
  readonly onChange: (server: ServerKey) => void;
}

export class LoadBoard {
  readonly #options: LoadBoardOptions;
  #samples = new Map<ServerKey, LoadSample>();
  /** Readings in a row without a sample, by server. */
  #missed = new Map<ServerKey, number>();
  #bad = 0;

  constructor(options: LoadBoardOptions) {
    this.#options = options;
  }

  /** The sample of this life of the server, if it is fresh. */
  get(server: ServerKey, life: string | undefined): LoadSample | undefined {
    const sample = this.#samples.get(server);
    return sample && sample.life === life ? sample : undefined;
  }

  /**
   * True for a server that has not been heard of for `SILENT_READINGS` while Redis answered. Whatever Kubernetes
   * believes, no store hears of it: with its lease run out as well, its zones may be given to others.
   */
  isSilent(server: ServerKey): boolean {
    return (this.#missed.get(server) ?? 0) >= SILENT_READINGS;
  }

  /** Samples that could not be read since the start: a pod that speaks another protocol. */
  get badSamples(): number {
    return this.#bad;
  }

  run(signal: AbortSignal): Promise<void> {
    return loop(() => this.read(), {
      everyMs: READ_EVERY_MS,
      signal,
      onError: (error) => {
        this.#replace(new Map());
        // It was Redis that did not answer: that says nothing about servers.
        this.#missed = new Map();
        warnAgain(this.#options.log, "load samples not read", error);
      },
    });
  }

  /** One reading of all samples. */
  async read(): Promise<void> {
    const servers = [...this.#options.servers()];
    const next = new Map<ServerKey, LoadSample>();
    const missed = new Map<ServerKey, number>();
    for (let from = 0; from < servers.length; from += CHUNK) {
      const chunk = servers.slice(from, from + CHUNK);
      const texts = await this.#options.redis.mget(chunk.map(keys.load));
      for (const [index, text] of texts.entries()) {
        const sample = text === null ? undefined : this.#parse(text);
        const server = chunk[index] as ServerKey;
        if (sample) next.set(server, sample);
        // One that cannot be read is a sign of life all the same.
        missed.set(server, text === null ? (this.#missed.get(server) ?? 0) + 1 : 0);
      }
    }
    this.#missed = missed;
    this.#replace(next);
  }

  #parse(text: string): LoadSample | undefined {
    try {
      return LoadSample.parse(JSON.parse(text));
    } catch {
      this.#bad += 1;
      return undefined;
    }
  }

  #replace(next: Map<ServerKey, LoadSample>): void {
    const before = this.#samples;
    this.#samples = next;
    for (const server of new Set([...before.keys(), ...next.keys()])) {
      if (isNews(before.get(server), next.get(server))) this.#options.onChange(server);
    }
  }
}

function isNews(a: LoadSample | undefined, b: LoadSample | undefined): boolean {
  if (!a || !b) return a !== b;
  return (
    a.life !== b.life ||
    a.state !== b.state ||
    a.sessions !== b.sessions ||
    a.zones.length !== b.zones.length ||
    Math.abs(a.cpuPercent - b.cpuPercent) >= CPU_STEP
  );
}
