/**
 * Events on their way from the simulation to the I/O threads: one log per zone, one writer, any number of
 * readers, each with its own cursor. Nothing is ever removed; a reader that falls a whole log behind is told.
 *
 * A cursor counts 8-byte units since the zone was opened (32 bits, wrapping). Record: units u16, target u8, kind
 * u8, slot u32, x f32, y f32, radius f32, unused u32, then the event's fields; padded to 8 bytes.
 */
import { SHARED, type ZoneMemory } from "./memory.ts";

export const TARGET = { everyone: 0, player: 1, near: 2, padding: 255 } as const;
const HEAD_BYTES = 24;

export interface LoggedEvent {
  target: number;
  kind: number;
  slot: number;
  x: number;
  y: number;
  radius: number;
  /** A copy: the log may be overwritten. */
  fields: Uint8Array;
}

/** [simulation] */
export class EventWriter {
  readonly #memory: ZoneMemory;
  readonly #view: DataView;

  constructor(memory: ZoneMemory) {
    this.#memory = memory;
    this.#view = viewOf(memory);
  }

  write(
    target: number,
    kind: number,
    slot: number,
    x: number,
    y: number,
    radius: number,
    fields: Uint8Array,
  ): void {
    const size = (HEAD_BYTES + fields.length + 7) & ~7;
    const log = this.#memory.events;
    let head = Atomics.load(this.#memory.shared, SHARED.eventHead) >>> 0;
    let at = offset(head, log.length);
    if (at + size > log.length) {
      // A record never wraps round: the rest of the log becomes one empty record.
      const units = (log.length - at) >> 3;
      this.#view.setUint16(at, units, true);
      log[at + 2] = TARGET.padding;
      head = (head + units) >>> 0;
      at = 0;
    }
    const view = this.#view;
    view.setUint16(at, size >> 3, true);
    log[at + 2] = target;
    log[at + 3] = kind;
    view.setUint32(at + 4, slot, true);
    view.setFloat32(at + 8, x, true);
    view.setFloat32(at + 12, y, true);
    view.setFloat32(at + 16, radius, true);
    log.set(fields, at + HEAD_BYTES);
    Atomics.store(this.#memory.shared, SHARED.eventHead, (head + (size >> 3)) | 0);
  }
}

/** [io] */
export class EventReader {
  readonly #memory: ZoneMemory;
  readonly #view: DataView;
  readonly #sizes: readonly number[];

  /** `sizes` are the bytes of fields by event kind. */
  constructor(memory: ZoneMemory, sizes: readonly number[]) {
    this.#memory = memory;
    this.#view = viewOf(memory);
    this.#sizes = sizes;
  }

  get head(): number {
    return Atomics.load(this.#memory.shared, SHARED.eventHead) >>> 0;
  }

  /** Visits what lies between `from` and `to`. False, with nothing visited, when part of it was overwritten. */
  read(from: number, to: number, visit: (event: LoggedEvent) => void): boolean {
    const log = this.#memory.events;
    const found: LoggedEvent[] = [];
    for (let cursor = from; cursor !== to; ) {
      const at = offset(cursor, log.length);
      const units = this.#view.getUint16(at, true);
      // Zero, or past the end: the writer is overwriting what we read.
      if (units === 0 || ((to - cursor) | 0) < units) return false;
      if (log[at + 2] !== TARGET.padding) found.push(this.#event(at));
      cursor = (cursor + units) >>> 0;
    }
    // Checked after the copy: only then is it known that nothing changed under it. One largest record of margin,
    // because the writer fills a record before it moves the head.
    if (((this.head - from) | 0) * 8 > log.length - 512) return false;
    for (const event of found) visit(event);
    return true;
  }

  #event(at: number): LoggedEvent {
    const view = this.#view;
    const log = this.#memory.events;
    const kind = log[at + 3] as number;
    const start = at + HEAD_BYTES;
    return {
      target: log[at + 2] as number,
      kind,
      slot: view.getUint32(at + 4, true),
      x: view.getFloat32(at + 8, true),
      y: view.getFloat32(at + 12, true),
      radius: view.getFloat32(at + 16, true),
      fields: log.slice(start, start + (this.#sizes[kind] ?? 0)),
    };
  }
}

function viewOf(memory: ZoneMemory): DataView {
  return new DataView(memory.events.buffer, memory.events.byteOffset, memory.events.byteLength);
}

function offset(cursor: number, length: number): number {
  return (cursor * 8) % length;
}
