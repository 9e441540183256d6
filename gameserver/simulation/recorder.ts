/**
 * Records what went into a zone, so that `gameserver/replay.ts` can run it again: joins, leaves, inputs, the ladder's
 * step, the AI's ease, what was isolated, and after each tick a hash of every part of the state.
 *
 * A recording is text, one JSON value a line: the header, then one line a tick. It begins at the zone's start or at a
 * snapshot. Sinks are given whole lines; they bound the size.
 */
import { messageOf } from "../../platform/errors.ts";
import { EASE } from "../ai/rates.ts";
import { partHashes, type StatePart } from "./digest.ts";

export interface RecordingHeader {
  readonly gamefleet: "recording";
  readonly v: 1;
  /** Path of the game module, as the pod loaded it. */
  readonly game: string;
  readonly fingerprint: string;
  readonly zone: string;
  readonly slots: number;
  /** Names of the parts whose hashes follow each tick. */
  readonly parts: readonly string[];
  /** Where it begins when not at the zone's start: a snapshot, base64. */
  readonly from?: string;
}

/** What happened between two ticks, in order: a join with slot and seed, a leave with its slot. */
/** What happened to a seat: [what, slot, …]: a join with its seed, a purchase with offer and quantity. */
export type SessionEvent =
  | readonly ["join", number, number]
  | readonly ["leave", number]
  | readonly ["purchased", number, number, number];
/** Slot, sequence, kind, fields in hexadecimal. */
export type RecordedInput = readonly [number, number, number, string];

export interface RecordedTick {
  readonly tick: number;
  readonly sessions?: readonly SessionEvent[];
  readonly inputs?: readonly RecordedInput[];
  /** Step of the degradation ladder. */
  readonly ladder: number;
  /** How freely NPCs may think, where that is not fully. */
  readonly ease?: number;
  /** Steps between two of each rigid region, when any is isolated. */
  readonly periods?: readonly number[];
  readonly hashes: readonly number[];
}

/** Takes lines. Throwing ends the recording, never the zone. */
export type Sink = (lines: string) => void;

/** Ticks between two writes. */
const FLUSH_TICKS = 60;

export class Recorder {
  readonly #sink: Sink;
  readonly #onFault: (error: unknown) => void;
  #lines: string[] = [];
  #sessions: SessionEvent[] = [];
  #inputs: RecordedInput[] = [];
  #ended = false;

  constructor(header: RecordingHeader, sink: Sink, onFault: (error: unknown) => void) {
    this.#sink = sink;
    this.#onFault = onFault;
    this.#lines.push(JSON.stringify(header));
  }

  session(event: SessionEvent): void {
    if (!this.#ended) this.#sessions.push(event);
  }

  input(slot: number, seq: number, kind: number, fields: Uint8Array): void {
    if (!this.#ended) this.#inputs.push([slot, seq, kind, Buffer.from(fields).toString("hex")]);
  }

  tick(
    tick: number,
    { ladder, ease }: { readonly ladder: number; readonly ease: number },
    periods: Uint8Array,
    parts: readonly StatePart[],
  ): void {
    if (this.#ended) return;
    const line: RecordedTick = {
      tick,
      ...(this.#sessions.length > 0 && { sessions: this.#sessions }),
      ...(this.#inputs.length > 0 && { inputs: this.#inputs }),
      ladder,
      ...(ease < EASE && { ease }),
      ...(periods.some((period) => period > 1) && { periods: [...periods] }),
      hashes: partHashes(parts),
    };
    this.#lines.push(JSON.stringify(line));
    this.#sessions = [];
    this.#inputs = [];
    if (this.#lines.length >= FLUSH_TICKS) this.flush();
  }

  flush(): void {
    if (this.#ended || this.#lines.length === 0) return;
    try {
      this.#sink(`${this.#lines.join("\n")}\n`);
    } catch (error) {
      this.#ended = true;
      this.#onFault(new Error(`recording ended: ${messageOf(error)}`, { cause: error }));
    }
    this.#lines = [];
  }
}
