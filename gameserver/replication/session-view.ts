/**
 * What one session has been sent, and what to send it next.
 *
 * The base of every difference is what was *handed to the socket* last; the caller encodes only when it can hand
 * over, so a skipped update loses nothing. Level of detail: entities near, in the middle and far collect credit at
 * different speeds and are sent when they have enough. Memory is fixed: places × columns numbers.
 */
import type { ByteWriter } from "../../protocol/frames-bytes.ts";
import { UpdateWriter } from "../../protocol/frames-update.ts";
import type { Published } from "../simulation/memory.ts";
import type { Interest } from "./interest.ts";
import type { WireKind, WireKinds } from "./wire-kinds.ts";

/** Credit an entity needs to be sent, and what it earns per update by ring: each time, every 2nd, every 4th. */
const CREDIT = 4;
const EARNS = [4, 2, 1] as const;
/** Interest is looked up anew at every fourth update: entities do not cross a view faster. */
const REFRESH_UPDATES = 4;

export interface UpdateHead {
  readonly seq: number;
  readonly tick: number;
  readonly ackInput: number;
}

export class SessionView {
  readonly #cap: number;
  readonly #kinds: WireKinds;
  readonly #ownId: number;
  readonly #row: Int32Array;
  readonly #identity: Uint32Array;
  readonly #earns: Uint8Array;
  readonly #credit: Uint8Array;
  /** How each entity in view is written. */
  readonly #wire: WireKind[] = [];
  readonly #base: Uint32Array;
  readonly #stays: Uint8Array;
  readonly #codes: Uint32Array;
  readonly #leaves: number[] = [];
  readonly #enters: number[] = [];
  readonly #wanted: number[] = [];
  readonly #squares: number[] = [];
  #updates = 0;
  #fresh = true;
  #x = 0;
  #y = 0;

  /** `ownId` is the id of the player's own entity, which sees its owner columns. */
  constructor(kinds: WireKinds, cap: number, ownId: number) {
    this.#cap = cap;
    this.#kinds = kinds;
    this.#ownId = ownId;
    this.#row = new Int32Array(cap).fill(-1);
    this.#identity = new Uint32Array(cap);
    this.#earns = new Uint8Array(cap);
    this.#credit = new Uint8Array(cap);
    this.#stays = new Uint8Array(cap);
    this.#base = new Uint32Array(cap * kinds.widest);
    this.#codes = new Uint32Array(kinds.widest);
  }

  /** For a new socket: the next update starts the view anew. */
  reset(): void {
    this.#row.fill(-1);
    this.#updates = 0;
    this.#fresh = true;
  }

  /** Centre of interest at a tick: the player's entity, or where it was last. */
  centre(from: Published): { readonly x: number; readonly y: number } {
    this.#centreOn(from);
    return { x: this.#x, y: this.#y };
  }

  /**
   * Writes one UPDATE to `out` and moves the base. Answers false, with nothing written, when there is nothing to
   * say and `force` is not set. Stops adding changes at `budget` bytes; what is left comes with the next updates.
   */
  encode(
    out: ByteWriter,
    head: UpdateHead,
    from: Published,
    interest: Interest,
    budget: number,
    force: boolean,
  ): boolean {
    const start = out.at;
    const writer = new UpdateWriter(out);
    this.#leaves.length = 0;
    this.#enters.length = 0;
    this.#dropGone(from);
    if (this.#updates++ % REFRESH_UPDATES === 0) this.#lookAround(from, interest);
    writer.begin(head.seq, head.tick, head.ackInput, this.#fresh);
    for (const handle of this.#leaves) writer.leave(handle);
    for (const handle of this.#enters) this.#writeEnter(writer, handle, from);
    this.#writeChanges(writer, out, from, start + budget);
    if (writer.empty && !force && !this.#fresh) {
      out.at = start;
      return false;
    }
    this.#fresh = false;
    return true;
  }

  #dropGone(from: Published): void {
    const rows = this.#row;
    const identities = this.#identity;
    const { identity } = from;
    const high = from.info[1] as number;
    for (let handle = 0; handle < rows.length; handle++) {
      const row = rows[handle] as number;
      if (row >= 0 && (row >= high || identity[row] !== identities[handle])) this.#leave(handle);
    }
  }

  #lookAround(from: Published, interest: Interest): void {
    this.#centreOn(from);
    const { handleOf } = interest;
    for (let handle = 0; handle < this.#cap; handle++) {
      const row = this.#row[handle] as number;
      if (row >= 0) handleOf[row] = handle + 1;
    }
    this.#wanted.length = 0;
    this.#squares.length = 0;
    interest.select(from, this.#x, this.#y, this.#cap, (row, square) => {
      this.#wanted.push(row);
      this.#squares.push(square);
    });
    const third = (interest.radius * interest.radius) / 9;
    const stays = this.#stays.fill(0);
    for (let i = 0; i < this.#wanted.length; i++) {
      const handle = (handleOf[this.#wanted[i] as number] as number) - 1;
      if (handle < 0) continue;
      stays[handle] = 1;
      this.#earns[handle] = ringEarns(this.#squares[i] as number, third);
    }
    for (let handle = 0; handle < this.#cap; handle++) {
      const row = this.#row[handle] as number;
      if (row < 0) continue;
      // Rows that stay keep their mark, so that the loop below skips them.
      if (stays[handle] === 1) continue;
      handleOf[row] = 0;
      this.#leave(handle);
    }
    this.#enterWanted(from, handleOf, third);
    for (let handle = 0; handle < this.#cap; handle++) {
      const row = this.#row[handle] as number;
      if (row >= 0) handleOf[row] = 0;
    }
  }

  #enterWanted(from: Published, handleOf: Uint8Array, third: number): void {
    let free = 0;
    for (let i = 0; i < this.#wanted.length; i++) {
      const row = this.#wanted[i] as number;
      if (handleOf[row] !== 0) continue;
      while (free < this.#cap && (this.#row[free] as number) >= 0) free++;
      if (free === this.#cap) return;
      this.#row[free] = row;
      this.#identity[free] = from.identity[row] as number;
      this.#earns[free] = ringEarns(this.#squares[i] as number, third);
      this.#credit[free] = 0;
      this.#wire[free] = this.#wireOf(free);
      this.#enters.push(free);
    }
  }

  #centreOn(from: Published): void {
    const row = this.#ownId & 0xffff;
    const kind = from.kind[row] as number;
    if (kind === 0 || (from.identity[row] as number) >>> 16 !== this.#ownId >>> 16) return;
    const [x, y] = this.#kinds.near[kind]?.fields ?? [];
    this.#x = (from.columns[0]?.[row] ?? 0) * (x?.step ?? 1);
    this.#y = (from.columns[1]?.[row] ?? 0) * (y?.step ?? 1);
  }

  #leave(handle: number): void {
    this.#row[handle] = -1;
    this.#leaves.push(handle);
  }

  #writeEnter(writer: UpdateWriter, handle: number, from: Published): void {
    const row = this.#row[handle] as number;
    const kind = this.#wire[handle] as WireKind;
    const offset = handle * this.#kinds.widest;
    for (let i = 0; i < kind.columns.length; i++) {
      this.#base[offset + i] = from.columns[kind.columns[i] as number]?.[row] as number;
    }
    writer.enter(
      handle,
      (this.#identity[handle] as number) & 0xff,
      this.#idOf(handle),
      kind.fields,
      this.#base,
      offset,
    );
  }

  #writeChanges(writer: UpdateWriter, out: ByteWriter, from: Published, limit: number): void {
    const rows = this.#row;
    const credits = this.#credit;
    const earns = this.#earns;
    const codes = this.#codes;
    const cap = rows.length;
    // The first to be looked at rotates, so that a small budget is shared fairly.
    const first = this.#updates % cap;
    for (let n = 0; n < cap && out.at < limit; n++) {
      const handle = first + n < cap ? first + n : first + n - cap;
      const row = rows[handle] as number;
      if (row < 0) continue;
      const credit = (credits[handle] as number) + (earns[handle] as number);
      if (credit < CREDIT) {
        credits[handle] = credit;
        continue;
      }
      const { columns, fields } = this.#wire[handle] as WireKind;
      for (let i = 0; i < columns.length; i++) codes[i] = from.columns[columns[i] as number]?.[row] as number;
      const sent = writer.change(handle, fields, codes, this.#base, handle * this.#kinds.widest);
      // What stood still keeps its credit: its first move is sent at once.
      credits[handle] = sent ? 0 : CREDIT;
    }
  }

  #wireOf(handle: number): WireKind {
    const own = this.#idOf(handle) === this.#ownId;
    const kinds = own ? this.#kinds.own : this.#kinds.near;
    return kinds[(this.#identity[handle] as number) & 0xff] as WireKind;
  }

  #idOf(handle: number): number {
    return (((this.#identity[handle] as number) & 0xffff_0000) | (this.#row[handle] as number)) >>> 0;
  }
}

/** `third` is the square of a third of the radius. */
function ringEarns(square: number, third: number): number {
  return square <= third ? EARNS[0] : square <= third * 4 ? EARNS[1] : EARNS[2];
}
