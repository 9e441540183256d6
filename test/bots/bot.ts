/**
 * One simulated player: flies about, fires now and then, and checks what it is told.
 *
 * Open loop: inputs go out on their own clock, whether or not answers come, so that a server that stalls cannot hide
 * it. The SDK under it is the players' own.
 */
import { CLOSE_BAD_FRAME, connect, type Place, type Player, type PlayerOptions } from "../../client/index.ts";
import type { Welcome } from "../../protocol/frames.ts";
import type { OpenLoop } from "./open-loop.ts";
import type { Tally } from "./tally.ts";

export interface BotOptions {
  readonly place: Place;
  readonly player: PlayerOptions;
  readonly tally: Tally;
  /** Tells when to send; shared by all bots of a crowd. */
  readonly clock: OpenLoop;
  readonly random: () => number;
  /** Offer to buy now and then, about every ten seconds. */
  readonly buys?: string | undefined;
}

/** Share of a bot's acts that buy: at six a second, one in ten seconds. */
const BUYS = 1 / 60;

export class Bot {
  readonly #options: BotOptions;
  readonly #player: Player;
  readonly #stopClock: () => void;
  /** When each input that has not been seen yet was due, by its number. */
  readonly #sent = new Map<number, number>();
  #seen = 0;
  #inGame = false;
  #everPlayed = false;
  #playingSince = 0;
  #lostAt: number | undefined;
  #lastUpdate: number | undefined;
  #closing = false;
  #buys = true;

  constructor(options: BotOptions) {
    this.#options = options;
    const { tally } = options;
    this.#player = connect(options.place, options.player);
    this.#player.on("welcome", (view) => this.#welcomed(view.welcome.resumed, view.welcome.inputSeq));
    this.#player.on("update", (view) => this.#updated(view.ackInput));
    this.#player.on("event", () => {
      tally.events += 1;
    });
    this.#player.on("state", (state, detail) => {
      if (state === "resuming") this.#left(detail);
      if (state === "ended") this.#ended(detail);
    });
    this.#stopClock = options.clock.add((due) => this.#act(due));
  }

  get playing(): boolean {
    return this.#inGame;
  }

  /** Where it plays, or played last: server, zone and the zone's epoch. */
  get welcome(): Welcome | undefined {
    return this.#player.view?.welcome;
  }

  /** Name of the server it plays on, or played on last. */
  get server(): string | undefined {
    // `<namespace>/<name>` in a WELCOME; a crowd plays in one namespace.
    return this.welcome?.server.split("/").at(-1);
  }

  /** When it was last let in, by `performance.now()`. */
  get playingSince(): number {
    return this.#playingSince;
  }

  get player(): Player {
    return this.#player;
  }

  stopBuying(): void {
    this.#buys = false;
  }

  close(): void {
    this.#closing = true;
    this.#player.close();
  }

  #welcomed(resumed: boolean, inputSeq: number): void {
    const { tally } = this.#options;
    const now = performance.now();
    if (!this.#everPlayed) tally.played += 1;
    else if (resumed) tally.resumed += 1;
    else tally.restarted += 1;
    if (this.#lostAt !== undefined) tally.outage.add(now - this.#lostAt);
    if (!resumed) {
      this.#sent.clear();
      this.#seen = inputSeq;
    }
    this.#playingSince = now;
    this.#lostAt = undefined;
    this.#lastUpdate = undefined;
    this.#everPlayed = true;
    if (!this.#inGame) tally.playing += 1;
    this.#inGame = true;
  }

  #updated(ackInput: number): void {
    const { tally, clock } = this.#options;
    clock.poke();
    const now = performance.now();
    tally.updates += 1;
    if (this.#lastUpdate !== undefined) tally.updateGap.add(now - this.#lastUpdate);
    this.#lastUpdate = now;
    for (let seq = this.#seen + 1; seq <= ackInput; seq++) {
      const due = this.#sent.get(seq);
      if (due === undefined) continue;
      this.#sent.delete(seq);
      tally.acknowledged += 1;
      tally.inputToSeen.add(now - due);
    }
    this.#seen = Math.max(this.#seen, ackInput);
  }

  #act(due: number): void {
    if (!this.#inGame) return;
    const { random, tally, buys } = this.#options;
    if (buys !== undefined && this.#buys && random() < BUYS) this.#buy(buys);
    const fire = random() < 0.1;
    const seq = fire
      ? this.#player.send("fire")
      : this.#player.send("steer", { thrust: random() * 1.5 - 0.5, turn: random() * 2 - 1 });
    tally.inputs += 1;
    tally.late.add(performance.now() - due);
    this.#sent.set(seq, due);
  }

  #buy(offer: string): void {
    const { tally } = this.#options;
    tally.buying += 1;
    // Never rejects: a bot that ends hears "unknown".
    void this.#player.buy(offer).then((bought) => tally.bought(bought));
  }

  #left(detail: string): void {
    if (!this.#inGame) return;
    this.#inGame = false;
    this.#lostAt = performance.now();
    this.#options.tally.playing -= 1;
    if (detail.endsWith(`(${CLOSE_BAD_FRAME})`)) this.#options.tally.badFrames += 1;
  }

  #ended(detail: string): void {
    this.#stopClock();
    if (this.#inGame) this.#options.tally.playing -= 1;
    this.#inGame = false;
    if (!this.#closing) this.#options.tally.lost(detail);
  }
}
