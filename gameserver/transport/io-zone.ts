/** One zone as an I/O thread sees it: its memory, who is near whom, its events, and the sessions this thread holds. */
import type { MessageSpec } from "../../protocol/frames-schema.ts";
import { Interest } from "../replication/interest.ts";
import { ZonePicture } from "../replication/zone-picture.ts";
import { EventReader, type LoggedEvent, TARGET } from "../simulation/event-log.ts";
import { type ZoneMemory, zoneMemory } from "../simulation/memory.ts";
import type { Schema } from "../simulation/schema.ts";

/** A session as far as events concern it. */
export interface Hearer {
  readonly slot: number;
  readonly centre: { readonly x: number; readonly y: number };
  hear(kind: number, fields: Uint8Array): void;
}

export class IoZone<S extends Hearer> {
  readonly index: number;
  readonly memory: ZoneMemory;
  readonly picture: ZonePicture;
  readonly interest: Interest;
  /** By slot. */
  readonly sessions = new Map<number, S>();
  readonly #events: EventReader;
  #cursor: number;

  constructor(index: number, schema: Schema, slots: number, buffer: SharedArrayBuffer) {
    this.index = index;
    this.memory = zoneMemory(schema, slots, buffer);
    this.picture = new ZonePicture(schema, this.memory);
    const { interest, width, height } = schema.descriptor;
    this.interest = new Interest(interest, width, height, this.picture);
    this.picture.refresh();
    this.#events = new EventReader(
      this.memory,
      schema.descriptor.events.map((spec: MessageSpec) => spec.size),
    );
    this.#cursor = this.#events.head;
  }

  /** Where every session of this thread has read to. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Hands new events to the sessions they are for. False when some were overwritten before they were read. */
  pump(): boolean {
    const head = this.#events.head;
    if (head === this.#cursor) return true;
    const whole = this.#events.read(this.#cursor, head, (event) => this.#deliver(event));
    this.#cursor = head;
    return whole;
  }

  /** Gives a session that comes from another thread what was said between the two threads' cursors. */
  catchUp(session: S, from: number): boolean {
    return this.#events.read(from, this.#cursor, (event) => {
      if (concerns(event, session)) session.hear(event.kind, event.fields);
    });
  }

  #deliver(event: LoggedEvent): void {
    if (event.target === TARGET.player) {
      this.sessions.get(event.slot)?.hear(event.kind, event.fields);
      return;
    }
    for (const session of this.sessions.values()) {
      if (concerns(event, session)) session.hear(event.kind, event.fields);
    }
  }
}

function concerns(event: LoggedEvent, hearer: Hearer): boolean {
  if (event.target === TARGET.everyone) return true;
  if (event.target === TARGET.player) return event.slot === hearer.slot;
  const { x, y } = hearer.centre;
  return (event.x - x) ** 2 + (event.y - y) ** 2 <= event.radius ** 2;
}
