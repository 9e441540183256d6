/**
 * What one session has been sent, and what to send it next.
 *
 * The base of every difference is what was *handed to the socket* last; the caller encodes only when it can hand
 * over, so a skipped update loses nothing. Level of detail: entities near, in the middle and far collect credit at
 * different speeds and are sent when they have enough. Memory is fixed: places × columns numbers, in one piece.
 *
 * The hot path of the whole server: no allocation, no calls in the loops that run once an entity. `frames-update.ts`
 * has the format and a plain writer of it; a test holds one against the other.
 */
import { FRAME } from "../../protocol/frames.ts";
import type { ByteWriter } from "../../protocol/frames-bytes.ts";
import { UPDATE_FLAG, UPDATE_HEADER_BYTES } from "../../protocol/frames-update.ts";
import type { Interest } from "./interest.ts";
import type { WireKinds } from "./wire-kinds.ts";
import {
  CREDIT,
  NOBODY,
  type ViewState,
  viewState,
  writeChanges,
  writeEnters,
  writeLeaves,
} from "./write-update.ts";
import type { ZonePicture } from "./zone-picture.ts";

/** Share of the credit earned in the middle ring (a third to two thirds of the radius) and beyond. */
const MIDDLE = 0.5;
const FAR = 0.25;

/** What the pod can afford just now; from the ladder's effects. */
export interface Detail {
  /** Share of the view's places in use. */
  viewCapShare: number;
  /** Middle and outer ring are sent this share as often. */
  outerRingShare: number;
  /** Updates between two looks at who is near: entities do not cross a view faster than four updates. */
  refreshUpdates: number;
  /** Off: everyone in view is sent at each update. */
  readonly rings: boolean;
}

export const FULL_DETAIL: Detail = { viewCapShare: 1, outerRingShare: 1, refreshUpdates: 4, rings: true };

/** Places that leave and enter in the update being written: one is written at a time. */
const HANDLES = new Uint8Array(2 * 256);

export class SessionView {
  readonly #state: ViewState;
  #enters = 0;
  #leaves = 0;
  #updates = 0;
  #fresh = true;
  /** `copy` up to which everyone in view is known to be alive. */
  #checked = 0;
  #x = 0;
  #y = 0;

  /** `ownId` is the id of the entity the view is centred on, which shows its owner columns when `owns` is set. */
  constructor(kinds: WireKinds, cap: number, ownId: number, owns = true) {
    this.#state = viewState(cap, kinds, HANDLES, ownId, owns ? ownId : 0);
  }

  /** For a new socket: the next update starts the view anew. */
  reset(): void {
    this.#state.rows.fill(NOBODY);
    this.#state.credit.fill(0);
    this.#updates = 0;
    this.#fresh = true;
  }

  /** Follows another entity from the next update on (a spectator). */
  follow(id: number): void {
    this.#state.centreId = id;
    this.#updates = 0;
  }

  /** Centre of interest: the entity's place, or where it was last. */
  centre(picture: ZonePicture): { readonly x: number; readonly y: number } {
    this.#ownRow(picture);
    return { x: this.#x, y: this.#y };
  }

  /**
   * Writes one UPDATE of the picture at `out.at` and moves the base. Answers false, with nothing written, when there
   * is nothing to say and `force` is not set. Stops adding changes at `budget` bytes; what is left comes with the
   * next updates. `seq` and `ackInput` are taken modulo 65,536.
   */
  encode(
    out: ByteWriter,
    seq: number,
    ackInput: number,
    picture: ZonePicture,
    interest: Interest,
    detail: Detail,
    budget: number,
    force: boolean,
  ): boolean {
    const start = out.at;
    this.#leaves = 0;
    this.#enters = 0;
    if (picture.births > this.#checked) this.#dropGone(picture);
    this.#checked = picture.copy;
    if (this.#updates++ % detail.refreshUpdates === 0) this.#lookAround(picture, interest, detail);
    const bytes = out.bytes;
    const { tick } = picture;
    bytes[start] = FRAME.update;
    bytes[start + 1] = seq;
    bytes[start + 2] = seq >>> 8;
    bytes[start + 3] = tick;
    bytes[start + 4] = tick >>> 8;
    bytes[start + 5] = ackInput;
    bytes[start + 6] = ackInput >>> 8;
    bytes[start + 7] =
      (this.#fresh ? UPDATE_FLAG.reset : 0) |
      (this.#leaves > 0 ? UPDATE_FLAG.leaves : 0) |
      (this.#enters > 0 ? UPDATE_FLAG.enters : 0);
    let at = start + UPDATE_HEADER_BYTES;
    if (this.#leaves > 0) at = writeLeaves(bytes, at, this.#state, this.#leaves);
    if (this.#enters > 0) at = writeEnters(bytes, at, this.#state, this.#enters, picture);
    at = writeChanges(bytes, at, start + budget, this.#state, this.#updates, picture);
    const empty = at === start + UPDATE_HEADER_BYTES;
    out.at = empty && !force && !this.#fresh ? start : at;
    this.#fresh = false;
    return out.at !== start;
  }

  #dropGone(picture: ZonePicture): void {
    const { rows, identities, cap } = this.#state;
    const { identity } = picture;
    for (let handle = 0; handle < cap; handle++) {
      const row = rows[handle] as number;
      if (row !== NOBODY && identity[row] !== identities[handle]) this.#leave(handle);
    }
  }

  #lookAround(picture: ZonePicture, interest: Interest, detail: Detail): void {
    const own = this.#ownRow(picture);
    const { rows: held, credit, spread, cap } = this.#state;
    const { handleOf, rows, squares } = interest;
    for (let handle = 0; handle < cap; handle++) {
      const row = held[handle] as number;
      if (row !== NOBODY) handleOf[row] = handle + 1;
    }
    const places = Math.max(1, Math.round(cap * detail.viewCapShare));
    const found = interest.select(this.#x, this.#y, places, own);
    const near = (interest.radius * interest.radius) / 9;
    const far = near * 4;
    const outer = CREDIT * (detail.rings ? detail.outerRingShare : 1);
    const middleEarns = Math.max(1, Math.round(outer * (detail.rings ? MIDDLE : 1)));
    const farEarns = Math.max(1, Math.round(outer * (detail.rings ? FAR : 1)));
    // First those that stay: they get their ring, and lose their mark; what is marked still then has to leave.
    let entering = 0;
    for (let i = 0; i < found; i++) {
      const row = rows[i] as number;
      const square = squares[i] as number;
      const earns = square <= near ? CREDIT : square <= far ? middleEarns : farEarns;
      const handle = (handleOf[row] as number) - 1;
      if (handle >= 0) {
        credit[spread + handle] = earns;
        handleOf[row] = 0;
      } else {
        rows[entering] = row;
        squares[entering++] = earns;
      }
    }
    for (let handle = 0; handle < cap; handle++) {
      const row = held[handle] as number;
      if (row === NOBODY || handleOf[row] === 0) continue;
      handleOf[row] = 0;
      this.#leave(handle);
    }
    this.#enterAll(picture, rows, squares, entering);
  }

  #enterAll(picture: ZonePicture, rows: Uint16Array, earns: Float32Array, count: number): void {
    const { rows: held, identities, credit, spread, handles, cap } = this.#state;
    let free = 0;
    for (let i = 0; i < count; i++) {
      while (free < cap && held[free] !== NOBODY) free++;
      if (free === cap) return;
      const row = rows[i] as number;
      held[free] = row;
      identities[free] = picture.identity[row] as number;
      credit[free] = 0;
      credit[spread + free] = earns[i] as number;
      handles[cap + this.#enters++] = free;
    }
  }

  /** Moves the centre; answers the row of the entity, −1 when it is gone. */
  #ownRow(picture: ZonePicture): number {
    const id = this.#state.centreId;
    const row = id & 0xffff;
    const identity = picture.identity[row] as number;
    if (id === 0 || (identity & 0xff) === 0 || identity >>> 16 !== id >>> 16) return -1;
    this.#x = (picture.codes[row * picture.stride] as number) * picture.step;
    this.#y = (picture.codes[row * picture.stride + 1] as number) * picture.step;
    return row;
  }

  #leave(handle: number): void {
    const { rows, credit, spread, handles } = this.#state;
    rows[handle] = NOBODY;
    credit[handle] = 0;
    credit[spread + handle] = 0;
    handles[this.#leaves++] = handle;
  }
}
