/** A crowd of bots: gets places, so many a second, and keeps playing until it is closed. */
import { seededRandom } from "../../platform/random.ts";
import { Bot } from "./bot.ts";
import { OpenLoop } from "./open-loop.ts";
import type { PlaceSource } from "./places.ts";
import { leanSocket } from "./socket.ts";
import { Tally } from "./tally.ts";

export interface CrowdOptions {
  readonly players: number;
  readonly places: PlaceSource;
  /** Bots that join in a second. Default 50. */
  readonly joinsPerSecond?: number;
  readonly inputsPerSecond?: number;
  readonly seed?: number;
  /** Name in front of the bots' numbers. */
  readonly name?: string;
  /** Offer that bots buy now and then. */
  readonly buys?: string;
  readonly signal: AbortSignal;
}

export class Crowd {
  readonly tally = new Tally();
  readonly bots: Bot[] = [];
  readonly #options: CrowdOptions;
  readonly #clock: OpenLoop;

  constructor(options: CrowdOptions) {
    this.#options = options;
    this.#clock = new OpenLoop(1_000 / (options.inputsPerSecond ?? 6));
  }

  /** Lets all bots join; returns when the last one has a place (not yet: when it plays). */
  async join(): Promise<void> {
    const { players, joinsPerSecond = 50, signal } = this.#options;
    const started = performance.now();
    const joining: Promise<void>[] = [];
    // Caught as they happen: the first may fail long before the last has begun.
    const failures: unknown[] = [];
    for (let index = 0; index < players && !signal.aborted; index++) {
      const due = started + (index / joinsPerSecond) * 1_000;
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      joining.push(this.#joinOne(index).catch((error: unknown) => void failures.push(error)));
    }
    await Promise.all(joining);
    if (failures.length > 0 && !signal.aborted) throw failures[0];
  }

  /** Bots in play, by the server they play on. */
  botsByServer(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { playing, server } of this.bots) {
      if (playing && server) counts.set(server, (counts.get(server) ?? 0) + 1);
    }
    return counts;
  }

  /** Bots play on and buy nothing more. */
  stopBuying(): void {
    for (const bot of this.bots) bot.stopBuying();
  }

  close(): void {
    for (const bot of this.bots) bot.close();
  }

  async #joinOne(index: number): Promise<void> {
    const { places, name = "bot", seed = 1, signal } = this.#options;
    const place = await places.place(`${name}-${index}`, signal);
    if (signal.aborted) return;
    const bot = new Bot({
      place,
      player: { socket: leanSocket, ...(places.resume ? { resume: places.resume } : {}) },
      tally: this.tally,
      clock: this.#clock,
      random: seededRandom(seed * 1_000_003 + index),
      buys: this.#options.buys,
    });
    this.bots.push(bot);
  }
}
