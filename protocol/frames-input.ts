/**
 * INPUT: numbered player inputs, several in one frame.
 *
 * type u8, sequence of the first item u32, count u8, then for each item: kind u8 (index in the descriptor) and
 * its fields as codes. Sequence numbers start at 1 and grow by one with each item.
 */

import { FRAME } from "./frames.ts";
import { ByteWriter, FrameError } from "./frames-bytes.ts";
import { type Descriptor, type FieldSpec, type MessageSpec, quantise } from "./frames-schema.ts";

export const INPUT_HEADER_BYTES = 6;

export interface InputItem {
  readonly kind: string;
  /** Field values in game units; a missing field is sent as its lowest value. */
  readonly fields: Readonly<Record<string, number>>;
}

/** Client side. Throws FrameError for an input the game does not know. */
export function encodeInput(
  descriptor: Descriptor,
  firstSeq: number,
  items: readonly InputItem[],
): Uint8Array {
  const found = items.map((item) => {
    const kind = descriptor.inputs.findIndex((spec) => spec.name === item.kind);
    const spec = descriptor.inputs[kind];
    if (!spec) throw new FrameError(`the game has no input "${item.kind}"`);
    return { kind, spec, fields: item.fields };
  });
  const size = found.reduce((sum, item) => sum + 1 + item.spec.size, INPUT_HEADER_BYTES);
  const writer = new ByteWriter(new Uint8Array(size));
  writer.u8(FRAME.input);
  writer.u32(firstSeq);
  writer.u8(items.length);
  for (const { kind, spec, fields } of found) {
    writer.u8(kind);
    for (const field of spec.fields)
      writer.code(quantise(field, fields[field.name] ?? field.min), field.width);
  }
  return writer.bytes;
}

/** Takes item number `seq`: `kind` and the fields at `message[at …]`. Returns false to stop (no room). */
export type InputSink = (seq: number, kind: number, message: Uint8Array, at: number, size: number) => boolean;

/**
 * Server side: checks the whole frame, then hands each item to `sink` in order. Throws FrameError before the
 * first item is taken, so that a frame is accepted whole or not at all. Returns the number of items taken.
 */
export function readInput(inputs: readonly MessageSpec[], message: Uint8Array, sink: InputSink): number {
  if (message.length < INPUT_HEADER_BYTES) throw new FrameError("INPUT is too short");
  const first = seqOf(message);
  const count = message[5] as number;
  let at = INPUT_HEADER_BYTES;
  for (let item = 0; item < count; item++) at = checked(inputs, message, at);
  if (at !== message.length) throw new FrameError("INPUT has bytes too many");
  at = INPUT_HEADER_BYTES;
  for (let item = 0; item < count; item++) {
    const kind = message[at] as number;
    const size = (inputs[kind] as MessageSpec).size;
    if (!sink((first + item) >>> 0, kind, message, at + 1, size)) return item;
    at += 1 + size;
  }
  return count;
}

function seqOf(message: Uint8Array): number {
  // By index: taking the bytes apart as a list walks an iterator.
  const low = (message[1] as number) | ((message[2] as number) << 8) | ((message[3] as number) << 16);
  return (low | ((message[4] as number) << 24)) >>> 0;
}

function checked(inputs: readonly MessageSpec[], message: Uint8Array, start: number): number {
  const spec = inputs[message[start] ?? 255];
  if (!spec) throw new FrameError("INPUT of unknown kind");
  let at = start + 1;
  if (at + spec.size > message.length) throw new FrameError("INPUT item is too short");
  for (const field of spec.fields) {
    if (codeAt(message, at, field) >= field.count)
      throw new FrameError(`input ${spec.name}.${field.name} is out of range`);
    at += field.width;
  }
  return at;
}

/** The code of `field` at `bytes[at]`. */
export function codeAt(bytes: Uint8Array, at: number, field: FieldSpec): number {
  let code = bytes[at] as number;
  if (field.width === 1) return code;
  code |= (bytes[at + 1] as number) << 8;
  if (field.width === 2) return code;
  return (code | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)) >>> 0;
}
