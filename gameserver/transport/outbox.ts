/**
 * The numbered output of one session: UPDATEs and EVENTs share one sequence, and events are kept for a while, so
 * that a client that comes back hears what it missed.
 */
import { encodeEvent } from "../../protocol/frames-event.ts";
import type { Carry, KeptEvent } from "./messages.ts";

/** Events kept for a client that comes back. */
const KEPT = 64;

export class Outbox {
  /** The last number given out; counted past 65,535. */
  seq: number;
  #kept: KeptEvent[];
  #forgotten: number;
  #pending: { readonly kind: number; readonly fields: Uint8Array }[] = [];

  constructor(carry?: Pick<Carry, "seq" | "kept" | "forgotten">) {
    this.seq = carry?.seq ?? 0;
    this.#kept = [...(carry?.kept ?? [])];
    this.#forgotten = carry?.forgotten ?? 0;
  }

  get pending(): number {
    return this.#pending.length;
  }

  add(kind: number, fields: Uint8Array): void {
    this.#pending.push({ kind, fields });
  }

  /** Numbers what is pending and answers its frames. From here on they count as sent. */
  flush(): Uint8Array[] {
    const frames = this.#pending.map(({ kind, fields }) => {
      const frame = encodeEvent(++this.seq, kind, fields);
      this.#kept.push({ seq: this.seq, frame });
      return frame;
    });
    this.#pending = [];
    const extra = this.#kept.length - KEPT;
    if (extra > 0) this.#forgotten = this.#kept.splice(0, extra).at(-1)?.seq ?? this.#forgotten;
    return frames;
  }

  /** Event frames after `lastSeq`, and whether some after it are lost. */
  missed(lastSeq: number): { readonly frames: Uint8Array[]; readonly lost: boolean } {
    // Events nobody was connected to hear get their numbers now.
    this.flush();
    const frames = this.#kept.filter((event) => event.seq > lastSeq).map((event) => event.frame);
    return { frames, lost: this.#forgotten > lastSeq };
  }

  carry(cursor: number): Carry {
    this.flush();
    return { seq: this.seq, kept: this.#kept, forgotten: this.#forgotten, cursor };
  }
}
