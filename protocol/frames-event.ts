/**
 * EVENT: something happened that a client must hear once. type u8, sequence u16, kind u8, fields as codes.
 * Shares its sequence with UPDATE.
 */

import { FRAME } from "./frames.ts";
import { type ByteReader, ByteWriter, FrameError } from "./frames-bytes.ts";
import { type Descriptor, type MessageSpec, quantise, restore } from "./frames-schema.ts";

export const EVENT_HEADER_BYTES = 4;

export interface GameEvent {
  readonly kind: string;
  readonly fields: Readonly<Record<string, number>>;
}

/** The fields of an event as codes, without header; what the simulation puts into its event log. */
export function encodeFields(spec: MessageSpec, fields: Readonly<Record<string, number>>): Uint8Array {
  const writer = new ByteWriter(new Uint8Array(spec.size));
  for (const field of spec.fields) writer.code(quantise(field, fields[field.name] ?? field.min), field.width);
  return writer.bytes;
}

export function encodeEvent(seq: number, kind: number, fields: Uint8Array): Uint8Array {
  const writer = new ByteWriter(new Uint8Array(EVENT_HEADER_BYTES + fields.length));
  writer.u8(FRAME.event);
  writer.u16(seq);
  writer.u8(kind);
  writer.put(fields);
  return writer.bytes;
}

/** Reads behind the type byte and the sequence. */
export function decodeEvent(descriptor: Descriptor, reader: ByteReader): GameEvent {
  const kind = reader.u8();
  const spec = descriptor.events[kind];
  if (!spec) throw new FrameError(`event kind ${kind} is unknown`);
  const fields: Record<string, number> = {};
  for (const field of spec.fields) fields[field.name] = restore(field, reader.code(field.width));
  reader.end();
  return { kind: spec.name, fields };
}
