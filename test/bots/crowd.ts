/** A crowd of bots: gets places from the allocator, in waves, and keeps playing until it is closed. */
import { allocatorResume } from "../../client/index.ts";
import { Bot } from "./bot.ts";
import { leanSocket } from "./socket.ts";
import { Tally } from "./tally.ts";

export interface CrowdOptions {
  readonly players: number;
  readonly allocatorUrl: string;
  readonly token: string;
  readonly namespace: string;
  readonly fleet: string;
  /** Zone to enter; the allocator chooses when it is not given. */
  readonly zone?: string | undefined;
  /** Bots that join in a second. Default 50. */
  readonly joinsPerSecond?: number;
  readonly inputsPerSecond?: number;
  readonly seed?: number;
  /** Name in front of the bots' numbers. */
  readonly name?: string;
  readonly signal: AbortSignal;
}

/** mulberry32: a small seeded generator, so that a run can be repeated. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Answer {
  readonly address: string;
  readonly port: number;
  readonly sessions: readonly { readonly ticket: string; readonly resumeToken: string }[];
}

export class Crowd {
  readonly tally = new Tally();
  readonly bots: Bot[] = [];
  readonly #options: CrowdOptions;

  constructor(options: CrowdOptions) {
    this.#options = options;
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

  close(): void {
    for (const bot of this.bots) bot.close();
  }

  async #joinOne(index: number): Promise<void> {
    const { allocatorUrl: url, namespace, fleet, inputsPerSecond = 6, seed = 1, signal } = this.#options;
    const answer = await this.#allocate(index);
    const [seat] = answer.sessions;
    if (!seat || signal.aborted) return;
    const bot = new Bot({
      place: {
        address: answer.address,
        port: answer.port,
        ticket: seat.ticket,
        resumeToken: seat.resumeToken,
      },
      player: { resume: allocatorResume({ url, namespace, fleet }), socket: leanSocket },
      tally: this.tally,
      inputsPerSecond,
      random: seededRandom(seed * 1_000_003 + index),
    });
    this.bots.push(bot);
  }

  /** Asks until there is a place: a fleet that starts has none yet. */
  async #allocate(index: number): Promise<Answer> {
    const { allocatorUrl, token, namespace, fleet, zone, name = "bot", signal } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const answer = await fetch(`${allocatorUrl}/v1/allocations`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ namespace, fleet, players: [`${name}-${index}`], ...(zone ? { zone } : {}) }),
        signal,
      }).catch((error: unknown) => error as Error);
      if (answer instanceof Response && answer.ok) return (await answer.json()) as Answer;
      const detail = answer instanceof Response ? await answer.text() : answer.message;
      if (attempt >= 60 || signal.aborted) throw new Error(`no place for ${name}-${index}: ${detail}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}
