/**
 * The client's side of replication: applies WELCOME, UPDATE and EVENT and holds what the player can see.
 *
 * Promises: entities always show one whole server tick; a hole in the output sequence is never passed over (it
 * throws FrameError, and the client should reconnect). Used by the SDK, by bots and by tests.
 */

import { expand16, FRAME, type Welcome } from "./frames.ts";
import { ByteReader, FrameError } from "./frames-bytes.ts";
import { decodeEvent, type GameEvent } from "./frames-event.ts";
import { columnsFor, type FieldSpec, restore } from "./frames-schema.ts";
import { HEAD_COLUMNS, HEAD_MORE, moreBytes, UPDATE_FLAG } from "./frames-update.ts";

export interface ViewEntity {
  readonly id: number;
  readonly kind: string;
  readonly own: boolean;
  /** Column values by name, in game units. */
  readonly values: Record<string, number>;
  /** Server tick of the last change. */
  tick: number;
}

interface Slot {
  readonly entity: ViewEntity;
  readonly fields: readonly FieldSpec[];
  readonly codes: Uint32Array;
}

export class View {
  readonly welcome: Welcome;
  readonly entities = new Map<number, ViewEntity>();
  /** Last UPDATE or EVENT seen, counted past 65,535. Goes into HELLO as `lastSeq` when resuming. */
  seq: number;
  tick: number;
  /** The last of our inputs whose effect is in what we see. */
  ackInput: number;
  #slots: (Slot | undefined)[] = [];
  #fields = new Map<number, readonly FieldSpec[]>();
  #replay: number;
  /** Handle of the last change read; each change says how far it is from the one before. */
  #lastHandle = -1;

  /** `lastSeq` is what the HELLO said: replayed events must lie after it. */
  constructor(welcome: Welcome, lastSeq = 0) {
    this.welcome = welcome;
    this.#replay = welcome.replay;
    this.seq = welcome.replay > 0 ? lastSeq : welcome.seq;
    this.tick = welcome.tick;
    this.ackInput = welcome.inputSeq;
  }

  get own(): ViewEntity | undefined {
    return this.entities.get(this.welcome.entity);
  }

  /** Applies an UPDATE (answers nothing) or an EVENT (answers it). Throws FrameError on a gap or bad bytes. */
  apply(message: Uint8Array): GameEvent | undefined {
    const reader = new ByteReader(message);
    const type = reader.u8();
    if (type !== FRAME.update && type !== FRAME.event)
      throw new FrameError(`frame type ${type} is not for the view`);
    this.#advance(reader.u16(), type);
    if (type === FRAME.event) return decodeEvent(this.welcome.game, reader);
    this.tick = expand16(reader.u16(), this.tick);
    this.ackInput = expand16(reader.u16(), this.ackInput);
    this.#update(reader, reader.u8());
    return undefined;
  }

  #advance(low: number, type: number): void {
    const seq = expand16(low, this.seq);
    if (this.#replay > 0) {
      if (type !== FRAME.event || seq <= this.seq || seq > this.welcome.seq) {
        throw new FrameError(`sequence ${seq} is not a replayed event after ${this.seq}`);
      }
      this.#replay--;
      this.seq = this.#replay === 0 ? this.welcome.seq : seq;
      return;
    }
    if (seq !== this.seq + 1) throw new FrameError(`sequence ${seq} after ${this.seq}: something was missed`);
    this.seq = seq;
  }

  #update(reader: ByteReader, flags: number): void {
    if (flags & UPDATE_FLAG.reset) {
      this.#slots = [];
      this.entities.clear();
    }
    if (flags & UPDATE_FLAG.leaves)
      for (let count = reader.u8(); count > 0; count--) this.#leave(reader.u8());
    if (flags & UPDATE_FLAG.enters) for (let count = reader.u8(); count > 0; count--) this.#enter(reader);
    this.#lastHandle = -1;
    while (reader.left > 0) this.#change(reader);
  }

  #leave(handle: number): void {
    const slot = this.#slot(handle);
    this.#slots[handle] = undefined;
    // The same entity may have entered again under another handle.
    if (this.entities.get(slot.entity.id) === slot.entity) this.entities.delete(slot.entity.id);
  }

  #enter(reader: ByteReader): void {
    const handle = reader.u8();
    const kind = reader.u8();
    const id = reader.u32();
    const spec = this.welcome.game.kinds[kind - 1];
    if (!spec) throw new FrameError(`entity kind ${kind} is unknown`);
    const own = id === this.welcome.entity;
    const fields = this.#fieldsOf(kind, own);
    const codes = new Uint32Array(fields.length);
    const values: Record<string, number> = {};
    for (const [index, field] of fields.entries()) {
      const code = reader.code(field.width);
      codes[index] = code;
      values[field.name] = restore(field, code);
    }
    const entity = { id, kind: spec.name, own, values, tick: this.tick };
    this.#slots[handle] = { entity, fields, codes };
    this.entities.set(id, entity);
  }

  #change(reader: ByteReader): void {
    const head = reader.u8();
    const gap = head >> 4;
    const handle = gap === 0 ? reader.u8() : (this.#lastHandle + gap) & 0xff;
    this.#lastHandle = handle;
    const { entity, fields, codes } = this.#slot(handle);
    const more = head & HEAD_MORE ? reader.bytes(moreBytes(fields.length)) : undefined;
    for (let index = 0; index < fields.length; index++) {
      const bit = index - HEAD_COLUMNS;
      const mask = bit < 0 ? head >> index : (more?.[bit >> 3] ?? 0) >> (bit & 7);
      if ((mask & 1) === 0) continue;
      const field = fields[index] as FieldSpec;
      const code = field.width === 1 ? reader.u8() : ((codes[index] as number) + reader.zigzag()) >>> 0;
      codes[index] = code;
      entity.values[field.name] = restore(field, code);
    }
    entity.tick = this.tick;
  }

  #slot(handle: number): Slot {
    const slot = this.#slots[handle];
    if (!slot) throw new FrameError(`handle ${handle} is not in view`);
    return slot;
  }

  #fieldsOf(kind: number, own: boolean): readonly FieldSpec[] {
    const key = own ? kind + 256 : kind;
    const known = this.#fields.get(key);
    if (known) return known;
    const fields = columnsFor(this.welcome.game, kind, own);
    this.#fields.set(key, fields);
    return fields;
  }
}
