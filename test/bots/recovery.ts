/**
 * Players of one server that is about to die, watched until all of them play again.
 *
 * "Again" means in a later life of their zone: its epoch has grown. A bot that the dying server let in once more is
 * not back.
 */
import type { Bot } from "./bot.ts";

interface Victim {
  readonly bot: Bot;
  readonly epoch: number;
}

export class Recovery {
  readonly #victims: readonly Victim[];
  readonly #began = performance.now();

  /** Create it at the moment of the kill: time counts from here. */
  constructor(bots: readonly Bot[], server: string) {
    this.#victims = bots.flatMap((bot) => {
      const { welcome } = bot;
      return bot.playing && welcome && bot.server === server ? [{ bot, epoch: welcome.epoch }] : [];
    });
  }

  get players(): number {
    return this.#victims.length;
  }

  get back(): number {
    return this.#victims.filter(isBack).length;
  }

  /** From the kill to the moment when the last of them was let in again; undefined until then. */
  get seconds(): number | undefined {
    if (!this.#victims.every(isBack)) return undefined;
    const last = Math.max(this.#began, ...this.#victims.map(({ bot }) => bot.playingSince));
    return (last - this.#began) / 1_000;
  }
}

function isBack({ bot, epoch }: Victim): boolean {
  return bot.playing && (bot.welcome?.epoch ?? 0) > epoch;
}
