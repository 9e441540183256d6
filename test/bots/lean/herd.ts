/**
 * Thousands of lean players on one clock: joins at a rate, inputs open loop at their own phase, lazy reads in turn.
 *
 * What players do is a `Deed`: a function asked at each input of each player. Scripts (scenarios.ts) change deeds, cut
 * lines and add players by a plan with a seed, so that a run can be repeated.
 */

import { seededRandom } from "../../../platform/random.ts";
import { encodeInput } from "../../../protocol/frames-input.ts";
import { LeanPlayer, type LeanShared } from "./player.ts";
import { LeanTally } from "./tally.ts";
import { TickTimes } from "./tick-times.ts";

/** What a herd asks of its players, whatever protocol they speak. */
export interface HerdPlayer {
  readonly playing: boolean;
  connect(): void;
  /** An input was due at `due`. */
  act(due: number): void;
  /** Reads what has come, if it reads by turns. */
  poll(): void;
  /** Bytes read since the last call. */
  takeBytes(): number;
  close(): void;
}

/** INPUT bytes to send now, or undefined for nothing. */
export type Deed = (player: LeanPlayer) => Uint8Array | undefined;

export interface HerdOptions {
  readonly host?: string;
  readonly port: number;
  readonly inputHz: number;
  /** Times a second a player that is no probe reads. */
  readonly lazyHz?: number;
  /** Whether those who are told to come again later do. Default true. */
  readonly comeAgain?: boolean;
}

export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Players of another protocol are made by `make`. */
export class Herd<P extends HerdPlayer = LeanPlayer> {
  readonly players: P[] = [];
  tally = new LeanTally();
  readonly ticks = new TickTimes();
  deed: Deed = () => undefined;
  /** Neither inputs nor reads, while the server is stopped. */
  paused = false;
  readonly #options: HerdOptions;
  readonly #make: (index: number, shared: LeanShared) => P;
  readonly #shared: LeanShared;
  readonly #timer: NodeJS.Timeout;
  #joinFrom = 0;
  #joinTarget = 0;
  #joinStarted = 0;
  #joinRate = 1;
  #next = 0;
  #roundStarted: number;
  #polled = 0;
  #pollStarted: number;

  constructor(options: HerdOptions, make: (index: number, shared: LeanShared) => P) {
    this.#options = options;
    this.#make = make;
    this.#shared = {
      comeAgain: options.comeAgain ?? true,
      host: options.host ?? "127.0.0.1",
      port: options.port,
      tally: () => this.tally,
      now: monotonicMs,
      arrived: (tick, now) => this.ticks.arrived(tick, now),
      deed: (player) => this.deed(player),
    };
    this.#roundStarted = monotonicMs();
    this.#pollStarted = this.#roundStarted;
    this.#timer = setInterval(() => this.beat(), 4);
  }

  /** Lets the herd grow to `target` players, `perSecond` a second. */
  grow(target: number, perSecond: number): void {
    this.#joinFrom = this.players.length;
    this.#joinTarget = target;
    this.#joinStarted = monotonicMs();
    this.#joinRate = perSecond;
  }

  get playing(): number {
    return this.players.reduce((sum, player) => sum + (player.playing ? 1 : 0), 0);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const player of this.players) player.close();
  }

  /** Starts counting anew. */
  reset(): void {
    for (const player of this.players) player.takeBytes();
    this.tally = new LeanTally();
    this.ticks.forget();
  }

  /** Moves what is known of latency by now into the tally. */
  settle(): void {
    this.ticks.settle((ms) => this.tally.tickToClient.add(ms));
  }

  /** Bytes of all players since the last call. */
  takeBytes(): number {
    return this.players.reduce((sum, player) => sum + player.takeBytes(), 0);
  }

  /** Does all that is due. Called by a timer, and free to be called more often. */
  beat(): void {
    const now = monotonicMs();
    this.#joins(now);
    if (this.paused) {
      this.#roundStarted = now;
      // A whole round from here: what was left unread is read within one period.
      this.#polled = 0;
      this.#pollStarted = now;
      return;
    }
    this.#inputs(now);
    this.#polls(now);
  }

  #joins(now: number): void {
    const due = this.#joinFrom + Math.floor(((now - this.#joinStarted) / 1_000) * this.#joinRate);
    while (this.players.length < Math.min(due, this.#joinTarget)) this.add();
  }

  /** One more player, at once. */
  add(): P {
    const player = this.#make(this.players.length, this.#shared);
    this.players.push(player);
    player.connect();
    return player;
  }

  /** Each player has a phase of its own in the period, by its place in the list. */
  #inputs(now: number): void {
    const period = 1_000 / this.#options.inputHz;
    const count = this.players.length;
    for (let guard = 0; guard < count * 2; guard++) {
      if (this.#next >= count) {
        if (now < this.#roundStarted + period) return;
        this.#next = 0;
        this.#roundStarted += period;
      }
      const due = this.#roundStarted + (this.#next / count) * period;
      if (now < due) return;
      const player = this.players[this.#next++];
      if (player?.playing) player.act(due);
    }
  }

  #polls(now: number): void {
    const period = 1_000 / (this.#options.lazyHz ?? 2);
    const count = this.players.length;
    for (let guard = 0; guard < count; guard++) {
      if (this.#polled >= count) {
        if (now < this.#pollStarted + period) return;
        this.#polled = 0;
        this.#pollStarted = Math.max(this.#pollStarted + period, now - period);
      }
      if (now < this.#pollStarted + (this.#polled / count) * period) return;
      this.players[this.#polled++]?.poll();
    }
  }
}

export interface CrowdOptions {
  readonly zone: string;
  readonly seed: number;
  /** Every n-th player is a probe. */
  readonly probeEvery: number;
  /** Makes every n-th player a spectator; 0 for none. */
  readonly spectatorEvery?: number;
}

/** Players for a pod without stores. */
export function localPlayers({ zone, seed, probeEvery, spectatorEvery = 0 }: CrowdOptions) {
  return (index: number, shared: LeanShared): LeanPlayer => {
    const name = `bot-${seed}-${index}`;
    const id = `00000000-0000-4000-8000-${(seed * 100_000 + index).toString(16).padStart(12, "0")}`;
    const resumeToken = `${id}.${"A".repeat(22)}`;
    const spectator = spectatorEvery > 0 && index % spectatorEvery === spectatorEvery - 1;
    const role = spectator ? { role: "spectator" } : {};
    return new LeanPlayer(shared, {
      ticket: JSON.stringify({ player: name, zone, resume: resumeToken, ...role }),
      resumeToken,
      probe: index % probeEvery === 0,
      spectator,
      random: seededRandom(seed * 1_000_003 + index),
    });
  };
}

/** INPUT frames made once a game: what lean players send without encoding each time. */
export function inputMaker(
  player: LeanPlayer,
): (kind: string, fields?: Record<string, number>) => Uint8Array {
  const made = new Map<string, Uint8Array>();
  return (kind, fields = {}) => {
    const key = kind + JSON.stringify(fields);
    const known = made.get(key);
    if (known) return known;
    if (!player.view) throw new Error("no WELCOME yet");
    const bytes = encodeInput(player.view.welcome.game, 0, [{ kind, fields }]);
    made.set(key, bytes);
    return bytes;
  };
}
