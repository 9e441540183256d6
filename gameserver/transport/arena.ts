/**
 * Memory for outgoing frames: written once, then left to the sockets. When a slab is used up a new one is made; the
 * old one is freed when the last socket has let go of it. Saves one allocation and one copy per update.
 */
import { ByteWriter } from "../../protocol/frames-bytes.ts";
import { headerBytes, writeHeader } from "./websocket.ts";

const ARENA_BYTES = 1 << 18;

export class Arena {
  readonly writer = new ByteWriter(Buffer.allocUnsafeSlow(ARENA_BYTES));

  /** Where `bytes` bytes may be written; sets `writer.at`. */
  reserve(bytes: number): number {
    if (this.writer.at + bytes > this.writer.bytes.length) {
      this.writer.bytes = Buffer.allocUnsafeSlow(Math.max(ARENA_BYTES, bytes));
      this.writer.at = 0;
    }
    return this.writer.at;
  }

  /** Puts a WebSocket header in front of what was written from `start`; there must be room for it. */
  framed(start: number): Uint8Array {
    const { bytes, at } = this.writer;
    const length = at - start;
    const from = start - headerBytes(length);
    writeHeader(bytes, from, length);
    return bytes.subarray(from, at);
  }
}
