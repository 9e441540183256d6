/**
 * Reading and writing bytes, little-endian, with bounds. Browser-safe.
 *
 * A reader throws `FrameError` on anything that is not there: callers close the connection with 4002.
 * A writer does not check: its caller gives it room for the largest frame.
 */

/** A frame that cannot be read. `code` matches the stable error table of the platform. */
export class FrameError extends Error {
  readonly code = "FRAME_INVALID";

  constructor(message: string) {
    super(message);
    this.name = "FrameError";
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
const toUtf8 = new TextEncoder();

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  /** An unsigned integer of 1, 2 or 4 bytes. */
  code(width: number): number {
    return width === 1 ? this.u8() : width === 2 ? this.u16() : this.u32();
  }

  /** LEB128 of a zigzag 32-bit integer: the inverse of `ByteWriter.zigzag`. */
  zigzag(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw new FrameError("a number is longer than five bytes");
  }

  /** A view (not a copy) of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(length: number): string {
    const bytes = this.bytes(length);
    try {
      // A TextDecoder in a browser refuses shared memory; frames never live there.
      return utf8.decode(bytes as Uint8Array<ArrayBuffer>);
    } catch {
      throw new FrameError("text is not UTF-8");
    }
  }

  /** Call when a frame must have ended. */
  end(): void {
    if (this.left !== 0) throw new FrameError(`${this.left} bytes too many`);
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) throw new FrameError("frame is too short");
    this.#at = at + length;
    return at;
  }
}

/** Appends to `bytes` from `at`. The hot path of the server: no checks, no allocation. */
export class ByteWriter {
  bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  u8(value: number): void {
    this.bytes[this.at++] = value;
  }

  u16(value: number): void {
    this.bytes[this.at++] = value;
    this.bytes[this.at++] = value >>> 8;
  }

  u32(value: number): void {
    this.bytes[this.at++] = value;
    this.bytes[this.at++] = value >>> 8;
    this.bytes[this.at++] = value >>> 16;
    this.bytes[this.at++] = value >>> 24;
  }

  f64(value: number): void {
    new DataView(this.bytes.buffer, this.bytes.byteOffset).setFloat64(this.at, value, true);
    this.at += 8;
  }

  code(value: number, width: number): void {
    if (width === 1) this.u8(value);
    else if (width === 2) this.u16(value);
    else this.u32(value);
  }

  /** One byte for −64…63, two for −8192…8191, at most five. `value` is a 32-bit integer. */
  zigzag(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    while (rest >= 0x80) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.at++] = rest;
  }

  put(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** What was written so far, as a view. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }
}

export function encodeText(text: string): Uint8Array {
  return toUtf8.encode(text);
}
