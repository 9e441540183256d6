/**
 * One connection from HELLO to its end. Knows frames, knows nothing of resuming.
 */
import {
  decodeNotice,
  decodePong,
  decodeWelcome,
  encodeHello,
  encodeLeave,
  encodePing,
  FRAME,
  type HelloMode,
  type Notice,
  type Pong,
} from "../protocol/frames.ts";
import type { GameEvent } from "../protocol/frames-event.ts";
import { decodeReceipt, type Receipt } from "../protocol/frames-purchase.ts";
import { View } from "../protocol/view.ts";
import type { PlayerSocket, SocketFactory } from "./socket.ts";

/** What the SDK itself closes with: a frame that made no sense (RFC 6455: 4000–4999 are the application's). */
export const CLOSE_BAD_FRAME = 4902;
const CLOSE_NORMAL = 1000;
const CLOSE_ABNORMAL = 1006;
const CLOSE_LATE = 4903;
/** Nothing was heard for too long: the line is dead, although no end of it was seen. */
const CLOSE_SILENT = 4904;

export interface AttemptOptions {
  readonly url: string;
  readonly socket: SocketFactory;
  readonly mode: HelloMode;
  readonly token: string;
  readonly lastSeq: number;
  readonly welcomeWithinMs: number;
  readonly silentAfterMs: number;
  readonly handlers: AttemptHandlers;
}

export interface AttemptHandlers {
  welcome(view: View): void;
  update(view: View): void;
  event(event: GameEvent): void;
  notice(notice: Notice): void;
  pong(pong: Pong): void;
  receipt(receipt: Receipt): void;
  /** Called once, whatever ended it. `welcomed` tells whether play had begun. */
  end(code: number, reason: string, welcomed: boolean): void;
}

export class Attempt {
  readonly #options: AttemptOptions;
  readonly #socket: PlayerSocket | undefined;
  #view: View | undefined;
  /** When the first ping went out after which nothing was heard. */
  #unansweredSince: number | undefined;
  #late: ReturnType<typeof setTimeout>;
  #over = false;

  constructor(options: AttemptOptions) {
    this.#options = options;
    const { mode, token, lastSeq, url } = options;
    this.#late = setTimeout(() => this.#finish(CLOSE_LATE, "no WELCOME in time"), options.welcomeWithinMs);
    try {
      this.#socket = options.socket(url, {
        open: () => this.send(encodeHello({ mode, token, lastSeq })),
        message: (bytes) => this.#take(bytes),
        close: (code, reason) => this.#finish(code, reason),
      });
    } catch (error) {
      // A browser refuses some addresses at once. Whoever made this attempt must have it in hand before it ends.
      queueMicrotask(() => this.#finish(CLOSE_ABNORMAL, messageOf(error)));
    }
  }

  send(frame: Uint8Array): void {
    if (!this.#over) this.#socket?.send(frame);
  }

  /**
   * To be called now and then. Gives the line up when nothing at all has come since a ping of `silentAfterMs` ago: a
   * node that is gone, or another network of the player's, sends no good-bye.
   */
  ping(now: number): void {
    // Counted from a ping, not from the last message: a browser may let no timer run for a minute.
    if (now - (this.#unansweredSince ?? now) > this.#options.silentAfterMs) {
      this.#finish(CLOSE_SILENT, "nothing was heard");
      return;
    }
    this.#unansweredSince ??= now;
    this.send(encodePing(now));
  }

  /** Ends the connection; `leave` tells the server that the session is over too. */
  close(leave: boolean): void {
    if (leave) this.send(encodeLeave());
    this.#finish(CLOSE_NORMAL, "closed by the player");
  }

  /** Cuts the line without a word. */
  drop(): void {
    this.#finish(CLOSE_ABNORMAL, "connection dropped");
  }

  #take(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#unansweredSince = undefined;
    try {
      this.#read(bytes);
    } catch (error) {
      this.#finish(CLOSE_BAD_FRAME, messageOf(error));
    }
  }

  #read(bytes: Uint8Array): void {
    const { handlers, lastSeq } = this.#options;
    const type = bytes[0];
    if (type === FRAME.welcome) {
      clearTimeout(this.#late);
      this.#view = new View(decodeWelcome(bytes), lastSeq);
      handlers.welcome(this.#view);
    } else if (type === FRAME.pong) {
      handlers.pong(decodePong(bytes));
    } else if (type === FRAME.receipt) {
      handlers.receipt(decodeReceipt(bytes));
    } else if (type === FRAME.notice) {
      handlers.notice(decodeNotice(bytes));
    } else if (this.#view) {
      const event = this.#view.apply(bytes);
      if (event) handlers.event(event);
      else handlers.update(this.#view);
    }
  }

  #finish(code: number, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#late);
    this.#socket?.close(CLOSE_NORMAL);
    this.#options.handlers.end(code, reason, this.#view !== undefined);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
