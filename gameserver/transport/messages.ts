/**
 * What the control thread and the I/O threads say to each other: rare messages only. The control thread decides who
 * may play where; an I/O thread holds each session it was given until it is told to hand it over or drop it.
 */
import type { MessagePort } from "node:worker_threads";
import type { HelloMode, Notice, Welcome } from "../../protocol/frames.ts";
import type { Buy, Receipt } from "../../protocol/frames-purchase.ts";
import type { Schema } from "../simulation/schema.ts";

export interface TransportData {
  readonly schema: Schema;
  readonly host: string;
  readonly port: number;
  /** Whether other threads listen on the same port. */
  readonly shared: boolean;
  /** Told by the simulation each tick. */
  readonly tickPort: MessagePort;
  readonly counters: SharedArrayBuffer;
  /** Seconds from taking an input to handing over the first update that shows it. */
  readonly seenSamples: SharedArrayBuffer;
  /** Of `Stance`: where the pod stands on the ladder. */
  readonly stance: SharedArrayBuffer;
  /** Our own framing, or that of the `ws` library. */
  readonly transport: "own" | "ws";
  /** Whether entities in the middle and outer ring are sent less often. */
  readonly rings: boolean;
  /** What this thread, and one session, may be sent in a second. */
  readonly bytesPerSecond: number;
  readonly sessionBytesPerSecond: number;
  /** Most connections at a time, joined or not. */
  readonly maxConnections: number;
}

export const TRANSPORT_COUNTERS = [
  "connections",
  "attached",
  "updates",
  "bytes",
  "inputs",
  "events",
  "skippedUpdates",
  "eventsLost",
  "loopDelayP99Ms",
  "scheduled",
  "missedEngaged",
  "missedActive",
  "missedCalm",
  "ready",
  "worstLateMs",
  "roundTrips",
  "roundTripMs",
  "pathCount",
  "pathRingMs",
  "pathTickMs",
  "pathQueueMs",
  "pathUpdateMs",
] as const;
export type TransportCounter = (typeof TRANSPORT_COUNTERS)[number];

/** What of a session moves from one I/O thread to another. */
export interface Carry {
  /** Output sequence so far. */
  readonly seq: number;
  /** Event frames kept for a client that missed them. */
  readonly kept: readonly KeptEvent[];
  /** Highest sequence of an event that is not kept any more. */
  readonly forgotten: number;
  /** Where in the zone's event log this session has read to. */
  readonly cursor: number;
}

export interface KeptEvent {
  readonly seq: number;
  readonly frame: Uint8Array;
}

/** What of WELCOME the control thread knows; the I/O thread adds the sequences. */
export type WelcomeStart = Omit<Welcome, "inputSeq" | "seq" | "replay" | "eventsLost" | "tick">;

/** Control → I/O. `zone` is the index of an open zone. */
export type ToTransport =
  | {
      readonly type: "openZone";
      readonly zone: number;
      readonly slots: number;
      readonly buffer: SharedArrayBuffer;
    }
  | { readonly type: "closeZone"; readonly zone: number }
  | {
      /** Seats a session on a connection that said HELLO. */
      readonly type: "admit";
      readonly connection: number;
      readonly session: string;
      readonly zone: number;
      readonly slot: number;
      readonly lastSeq: number;
      readonly carry: Carry | undefined;
      readonly welcome: WelcomeStart;
    }
  | { readonly type: "refuse"; readonly connection: number; readonly code: number; readonly reason: string }
  /** Gives the session up: its connection, if any, is closed with `code`; answered by `released`. */
  | { readonly type: "release"; readonly session: string; readonly code: number }
  /** Closes all players' connections; their sessions stay. */
  | { readonly type: "disconnect"; readonly code: number }
  /** Memory is short: gives back what is only kept for convenience. */
  | { readonly type: "shed" }
  | { readonly type: "notice"; readonly notice: Notice }
  /** Tells a player what became of a purchase, if there is a connection to tell it on: else they ask again. */
  | { readonly type: "receipt"; readonly session: string; readonly receipt: Receipt }
  | { readonly type: "stop" };

/** I/O → control. */
export type FromTransport =
  | { readonly type: "listening"; readonly port: number }
  | {
      readonly type: "hello";
      readonly connection: number;
      readonly mode: HelloMode;
      readonly token: string;
      readonly lastSeq: number;
    }
  /** A connection ended. A session it held stays with this thread, detached. */
  | { readonly type: "gone"; readonly connection: number; readonly code: number }
  /** Something was thrown that should not have been; the connection it concerned is closed. */
  | { readonly type: "bug"; readonly message: string }
  | { readonly type: "left"; readonly session: string }
  | { readonly type: "buy"; readonly session: string; readonly buy: Buy }
  | { readonly type: "released"; readonly session: string; readonly carry: Carry | undefined };
