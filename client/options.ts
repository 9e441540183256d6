/** What the SDK is given and what it tells. */
import type { Notice } from "../protocol/frames.ts";
import type { GameEvent } from "../protocol/frames-event.ts";
import type { View } from "../protocol/view.ts";
import type { SocketFactory } from "./socket.ts";

/** Where and as whom to play: one entry of an allocation. */
export interface Place {
  readonly address: string;
  readonly port: number;
  /** Single-use leave to enter. */
  readonly ticket: string;
  /** Secret with which the session is carried on after a loss of connection. */
  readonly resumeToken: string;
}

/**
 * Asks where the session goes on. Throws when it cannot say: with `final: true` on the error the session ends, with
 * `answered: true` it is asked again soon, otherwise (nobody answered) the last server is tried in between.
 */
export type ResumePlace = (resumeToken: string, signal: AbortSignal) => Promise<Place>;

/**
 * connecting: no WELCOME yet. playing: in the game. resuming: the connection was lost, the SDK brings it back.
 * ended: over, by `close`, by the server's word, or because resuming took too long.
 */
export type PlayerState = "connecting" | "playing" | "resuming" | "ended";

export interface PlayerEvents {
  /** The first WELCOME and every one after a loss. `resumed` is false when the session began anew elsewhere. */
  welcome: (view: View) => void;
  /** The view changed: one server tick more. */
  update: (view: View) => void;
  /** Something happened in the game. */
  event: (event: GameEvent) => void;
  /** The server announces something: it drains, the zone moves, time runs slower. */
  notice: (notice: Notice) => void;
  state: (state: PlayerState, detail: string) => void;
}

export interface PlayerOptions {
  /** Asks the allocator after a loss; without it only the same server is tried. See `allocatorResume`. */
  readonly resume?: ResumePlace;
  /** How connections are made. Default: the platform's WebSocket. */
  readonly socket?: SocketFactory;
  /** `wss` behind a TLS proxy. Default `ws`. */
  readonly scheme?: "ws" | "wss";
  /** Time within which a lost session must be back, ms. Default 60,000. */
  readonly resumeWithinMs?: number;
  /** Time for a connection to be made and welcomed, and for the allocator's answer, ms. Default 5,000. */
  readonly welcomeWithinMs?: number;
  /** Time after which a line on which nothing is heard, not even an answer to a ping, is given up, ms. Default 8,000. */
  readonly silentAfterMs?: number;
  /** Time between two pings, ms; the server's word counts when it wants more. Default 2,000. */
  readonly pingEveryMs?: number;
}
