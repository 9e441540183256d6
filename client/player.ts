/**
 * One player's play: a session that outlives its connections.
 *
 * After a loss the same server is asked first (it may only have been the line), then the allocator, again and again
 * with growing pauses, until the session is back or `resumeWithinMs` is over. Where the server's close code says that
 * the session goes on elsewhere, the allocator is asked at once; where it says that the session ended, nobody is.
 */
import { CLOSE, isResumable } from "../protocol/close.ts";
import { encodeWatch } from "../protocol/frames.ts";
import type { View } from "../protocol/view.ts";
import { Attempt } from "./attempt.ts";
import { Emitter } from "./emitter.ts";
import { Inputs, inputFrames } from "./inputs.ts";
import type { Place, PlayerEvents, PlayerOptions, PlayerState, ResumePlace } from "./options.ts";
import { type Bought, Purchases } from "./purchases.ts";
import { platformSocket } from "./socket.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
const ANSWER_WITHIN_MS = 5_000;
const SILENT_AFTER_MS = 8_000;
/** Play that lasted so long was real: the next loss is a new one, and is answered without a pause. */
const STEADY_MS = 5_000;

/** The allocator is away. The server may still be there: it is the next to be tried. */
const NOBODY_ANSWERED = 4_905;

/** Codes after which the same server is not the place to go on. */
const ELSEWHERE: ReadonlySet<number> = new Set([
  CLOSE.shutdown,
  CLOSE.zoneMoved,
  CLOSE.draining,
  CLOSE.serverFull,
  CLOSE.resumeRefused,
  CLOSE.ticketInvalid,
]);

export class Player {
  readonly #options: PlayerOptions;
  readonly #events = new Emitter<PlayerEvents>();
  readonly #inputs = new Inputs();
  readonly #purchases = new Purchases((frame) => {
    if (this.#state === "playing") this.#attempt?.send(frame);
  });
  readonly #life = new AbortController();
  #place: Place;
  #state: PlayerState = "connecting";
  #attempt: Attempt | undefined;
  #view: View | undefined;
  #latencyMs: number | undefined;
  #lostAt: number | undefined;
  #welcomedAt: number | undefined;
  #tries = 0;
  #pinger: ReturnType<typeof setInterval> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #unanswered: ReturnType<typeof setTimeout> | undefined;

  constructor(place: Place, options: PlayerOptions) {
    this.#place = place;
    this.#options = options;
  }

  /** Called by `connect`. */
  start(): void {
    this.#open("ticket");
  }

  on<Name extends keyof PlayerEvents>(name: Name, listener: PlayerEvents[Name]): () => void {
    return this.#events.on(name, listener);
  }

  get state(): PlayerState {
    return this.#state;
  }

  /** What the player sees; undefined before the first WELCOME. Another one after every WELCOME. */
  get view(): View | undefined {
    return this.#view;
  }

  /** Round trip of the last ping, ms. */
  get latencyMs(): number | undefined {
    return this.#latencyMs;
  }

  /** Where the session is now. */
  get place(): Place {
    return this.#place;
  }

  /**
   * Sends an input of the game. Returns its number: it has taken effect in what is seen once `view.ackInput` has
   * reached it. Inputs given while the connection is away are sent when the session is back; those of a session that
   * then begins anew, or has not begun, are dropped. Throws FrameError for an input the game does not have.
   */
  send(kind: string, fields: Readonly<Record<string, number>> = {}): number {
    const item = { kind, fields };
    // Encoded before it is numbered: what cannot be sent must not be kept for a re-send.
    const game = this.#view?.welcome.game;
    const frames = game ? inputFrames(game, this.#inputs.next, [item]) : [];
    const seq = this.#inputs.add(item);
    if (this.#state === "playing") for (const frame of frames) this.#attempt?.send(frame);
    return seq;
  }

  /**
   * Buys `quantity` of an offer of the game. Resolves when the last word is heard: asked for again with the same id
   * after a loss of connection, on whatever server the session goes on. Throws FrameError for what cannot be sent.
   */
  buy(offer: string, quantity = 1): Promise<Bought> {
    return this.#purchases.buy(offer, quantity);
  }

  /** For a spectator: follows the player whose entity has this id from now on; 0 follows the next one. */
  watch(entity: number): void {
    if (this.#state === "playing") this.#attempt?.send(encodeWatch(entity));
  }

  /** Ends play: the server is told, the session is over. */
  close(): void {
    this.#end("closed by the player", true);
  }

  /** Drops the connection without a word, as a broken line would. For tests of a game's own behaviour. */
  dropConnection(): void {
    this.#attempt?.drop();
  }

  #open(mode: "ticket" | "resume"): void {
    const { scheme = "ws", socket = platformSocket, silentAfterMs = SILENT_AFTER_MS } = this.#options;
    const { address, port, ticket, resumeToken } = this.#place;
    const attempt = new Attempt({
      url: `${scheme}://${address.includes(":") ? `[${address}]` : address}:${port}/`,
      socket,
      mode,
      token: mode === "ticket" ? ticket : resumeToken,
      // With a ticket, too: the session may still be where it was, and would tell events twice.
      lastSeq: this.#view?.seq ?? 0,
      welcomeWithinMs: this.#options.welcomeWithinMs ?? ANSWER_WITHIN_MS,
      silentAfterMs,
      handlers: {
        welcome: (view) => this.#welcomed(view),
        update: (view) => {
          this.#inputs.confirm(view.ackInput);
          this.#events.emit("update", view);
        },
        event: (event) => this.#events.emit("event", event),
        notice: (notice) => this.#events.emit("notice", notice),
        receipt: (receipt) => this.#purchases.heard(receipt),
        pong: ({ clientTime }) => {
          this.#latencyMs = performance.now() - clientTime;
        },
        end: (code, reason) => {
          if (this.#attempt === attempt) this.#lost(code, reason);
        },
      },
    });
    this.#attempt = attempt;
  }

  #welcomed(view: View): void {
    this.#view = view;
    this.#lostAt = undefined;
    this.#welcomedAt = performance.now();
    const again = this.#inputs.continueFrom(view.welcome);
    for (const frame of inputFrames(view.welcome.game, view.welcome.inputSeq + 1, again))
      this.#attempt?.send(frame);
    this.#keepAlive(view.welcome.heartbeatSeconds);
    this.#setState("playing", view.welcome.resumed ? "resumed" : `in zone ${view.welcome.zone}`);
    this.#purchases.connected();
    this.#events.emit("welcome", view);
  }

  #keepAlive(heartbeatSeconds: number): void {
    clearInterval(this.#pinger);
    const every = Math.min(this.#options.pingEveryMs ?? 2_000, heartbeatSeconds * 1_000);
    this.#pinger = setInterval(() => this.#attempt?.ping(performance.now()), every);
    this.#attempt?.ping(performance.now());
  }

  #lost(code: number, reason: string): void {
    clearInterval(this.#pinger);
    this.#attempt = undefined;
    if (this.#state === "ended") return;
    const why = reason === "" ? `closed with ${code}` : `${reason} (${code})`;
    // A ticket that was not taken in may have been for a server that has just gone: the allocator knows better.
    const canAsk = this.#options.resume !== undefined;
    const mayGoOn = isResumable(code) || code >= 4_900 || (canAsk && ELSEWHERE.has(code));
    if (!mayGoOn) {
      this.#end(why, false);
      return;
    }
    const now = performance.now();
    // Not at once: a server that lets us in and throws us out must not be asked without a pause.
    if (this.#welcomedAt !== undefined && now - this.#welcomedAt >= STEADY_MS) this.#tries = 0;
    this.#welcomedAt = undefined;
    this.#lostAt ??= now;
    if (now - this.#lostAt > (this.#options.resumeWithinMs ?? 60_000)) {
      this.#end(`could not resume: ${why}`, false);
      return;
    }
    this.#setState(this.#view ? "resuming" : "connecting", why);
    const pause = this.#tries === 0 ? 0 : this.#pause();
    const elsewhere = canAsk && code !== NOBODY_ANSWERED && (this.#tries > 0 || ELSEWHERE.has(code));
    this.#tries += 1;
    this.#retry = setTimeout(() => void this.#tryAgain(elsewhere), pause);
  }

  #pause(): number {
    const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#tries - 1));
    // Half of it random: players of one server that died must not all come at the same moment.
    return full / 2 + (Math.random() * full) / 2;
  }

  async #tryAgain(elsewhere: boolean): Promise<void> {
    if (!elsewhere || !this.#options.resume) {
      this.#open("resume");
      return;
    }
    try {
      const place = await this.#ask(this.#options.resume);
      if (this.#state === "ended") return;
      this.#place = place;
      this.#open("ticket");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const { final, answered } = error as { final?: boolean; answered?: boolean };
      if (final) this.#end(reason, false);
      // Nobody could say where the session is; that is like one more failed attempt.
      else if (this.#state !== "ended") this.#lost(answered ? CLOSE.zoneMoved : NOBODY_ANSWERED, reason);
    }
  }

  /** Where the session goes on; an allocator that takes the question and never answers counts as one that fails. */
  async #ask(resume: ResumePlace): Promise<Place> {
    const late = new AbortController();
    const within = this.#options.welcomeWithinMs ?? ANSWER_WITHIN_MS;
    this.#unanswered = setTimeout(
      () => late.abort(new Error("the allocator did not answer in time")),
      within,
    );
    try {
      return await resume(this.#place.resumeToken, AbortSignal.any([this.#life.signal, late.signal]));
    } finally {
      clearTimeout(this.#unanswered);
    }
  }

  #end(detail: string, leave: boolean): void {
    if (this.#state === "ended") return;
    this.#setState("ended", detail);
    clearInterval(this.#pinger);
    clearTimeout(this.#retry);
    clearTimeout(this.#unanswered);
    this.#life.abort();
    const attempt = this.#attempt;
    this.#attempt = undefined;
    this.#purchases.end();
    attempt?.close(leave);
  }

  #setState(state: PlayerState, detail: string): void {
    const changed = this.#state !== state;
    this.#state = state;
    if (changed) this.#events.emit("state", state, detail);
  }
}
