/**
 * RFC 6455 framing, server side: a parser for what clients send and helpers to frame what we send.
 *
 * The parser holds at most one message and one partial frame, both bounded; it tells its sink about whole messages
 * and control frames, and throws `WebSocketError` with the close code the RFC asks for. Only binary messages are
 * taken; a text is refused at its first octet (1003). Payloads are unmasked in place or into
 * one buffer for all; a message handed to the sink is valid during the call only.
 */

export class WebSocketError extends Error {
  readonly closeCode: number;

  constructor(closeCode: number, message: string) {
    super(message);
    this.name = "WebSocketError";
    this.closeCode = closeCode;
  }
}

export interface MessageSink {
  /** Every frame, control or data, before anything else: the place for rate limits. `size` includes the header. */
  frame(size: number): void;
  message(bytes: Uint8Array): void;
  ping(payload: Uint8Array): void;
  pong(payload: Uint8Array): void;
  /** The peer closes; 1005 when it gave no code. */
  closed(code: number): void;
}

const OP = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const MAX_CONTROL = 125;
const NOTHING = Buffer.alloc(0);

export class FrameParser {
  readonly #sink: MessageSink;
  readonly #maxMessage: number;
  #pending: Buffer = NOTHING;
  #parts: Buffer[] = [];
  #partBytes = 0;
  #inMessage = false;
  #paused = false;

  constructor(sink: MessageSink, maxMessage: number) {
    this.#sink = sink;
    this.#maxMessage = maxMessage;
  }

  /** Bytes held for later. */
  get buffered(): number {
    return this.#pending.length + this.#partBytes;
  }

  /** While paused, bytes are kept and nothing is told to the sink. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.push(NOTHING);
  }

  push(chunk: Buffer): void {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    // Also right when the sink throws: the connection is over then.
    this.#pending = NOTHING;
    let at = 0;
    while (at < bytes.length && !this.#paused) {
      const used = this.#frame(bytes, at);
      if (used === 0) break;
      at += used;
    }
    // A copy, so that a small rest does not hold the socket's whole read buffer.
    if (at < bytes.length) this.#pending = Buffer.from(bytes.subarray(at));
  }

  /** Handles one frame at `at`; answers its length, 0 when it is not complete. */
  #frame(bytes: Buffer, at: number): number {
    const left = bytes.length - at;
    const first = bytes[at] as number;
    checkFirst(first);
    if (left < 2) return 0;
    const second = bytes[at + 1] as number;
    const opcode = first & 0x0f;
    this.#checkHead(first, second, opcode);
    const short = second & 0x7f;
    const head = short === 127 ? 14 : short === 126 ? 8 : 6;
    if (left < head) return 0;
    const length =
      short === 127 ? longLength(bytes, at + 2) : short === 126 ? bytes.readUInt16BE(at + 2) : short;
    // Checked before the payload has come: nobody makes us hold what we shall not take.
    // A ping between fragments is not part of the message.
    if (opcode < 8 && length + this.#partBytes > this.#maxMessage)
      throw new WebSocketError(1009, "message is too long");
    if (left < head + length) return 0;
    this.#sink.frame(head + length);
    const payload = unmasked(bytes, at + head, length);
    if (opcode >= 8) this.#control(opcode, payload);
    else this.#data(opcode, (first & 0x80) !== 0, payload);
    return head + length;
  }

  #checkHead(first: number, second: number, opcode: number): void {
    if ((second & 0x80) === 0) throw new WebSocketError(1002, "frame is not masked");
    if (opcode >= 8) {
      if ((first & 0x80) === 0) throw new WebSocketError(1002, "control frame is fragmented");
      if ((second & 0x7f) > MAX_CONTROL) throw new WebSocketError(1002, "control frame is too long");
      return;
    }
    if ((opcode === OP.continuation) !== this.#inMessage) {
      throw new WebSocketError(
        1002,
        this.#inMessage ? "message begins inside a message" : "continuation of nothing",
      );
    }
  }

  #data(opcode: number, final: boolean, payload: Buffer): void {
    if (final && opcode === OP.binary) {
      this.#sink.message(payload);
      return;
    }
    this.#inMessage = !final;
    // Empty parts are not kept: they would cost memory without counting towards the limit.
    if (payload.length > 0) this.#parts.push(final ? payload : Buffer.from(payload));
    this.#partBytes += payload.length;
    if (!final) return;
    const message = Buffer.concat(this.#parts, this.#partBytes);
    this.#parts = [];
    this.#partBytes = 0;
    this.#sink.message(message);
  }

  #control(opcode: number, payload: Buffer): void {
    if (opcode === OP.ping) this.#sink.ping(payload);
    else if (opcode === OP.close) this.#sink.closed(closeCodeOf(payload));
    else this.#sink.pong(payload);
  }
}

/** What the first octet alone decides. */
function checkFirst(first: number): void {
  if (first & 0x70) throw new WebSocketError(1002, "reserved bits are set");
  const opcode = first & 0x0f;
  if (opcode > OP.pong || (opcode > OP.binary && opcode < OP.close)) {
    throw new WebSocketError(1002, `opcode ${opcode} is unknown`);
  }
  if (opcode === OP.text) throw new WebSocketError(1003, "text messages are not taken");
}

function longLength(bytes: Buffer, at: number): number {
  // Anything above 32 bits is too long for any limit we set.
  return bytes.readUInt32BE(at) === 0 ? bytes.readUInt32BE(at + 4) : Number.POSITIVE_INFINITY;
}

/** Short payloads lie here while they are handled: a part of the chunk would be an object for each input. */
const SHORT = Buffer.allocUnsafeSlow(MAX_CONTROL);
/** By length, each made once. */
const SHORTS = Array.from({ length: MAX_CONTROL + 1 }, (_, length) => SHORT.subarray(0, length));

/** `length` bytes at `from`, whose mask is in front of them; valid until the next call. */
function unmasked(bytes: Buffer, from: number, length: number): Buffer {
  const payload = SHORTS[length] ?? bytes.subarray(from, from + length);
  for (let i = 0; i < length; i++) {
    payload[i] = (bytes[from + i] as number) ^ (bytes[from - 4 + (i & 3)] as number);
  }
  return payload;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function closeCodeOf(payload: Buffer): number {
  if (payload.length === 0) return 1005;
  if (payload.length === 1) throw new WebSocketError(1002, "close code is cut off");
  const code = payload.readUInt16BE(0);
  const valid =
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) ||
    (code >= 3000 && code <= 4999);
  if (!valid) throw new WebSocketError(1002, `close code ${code} is not allowed`);
  try {
    utf8.decode(payload.subarray(2));
  } catch {
    throw new WebSocketError(1007, "close reason is not UTF-8");
  }
  return code;
}

/** Bytes of the header in front of `length` bytes of payload. Ours are never masked. */
export function headerBytes(length: number): number {
  return length < 126 ? 2 : length < 0x1_0000 ? 4 : 10;
}

/** Writes the header of one unfragmented binary message; answers its length. */
export function writeHeader(bytes: Uint8Array, at: number, length: number): number {
  return header(bytes, at, 0x80 | OP.binary, length);
}

export function binaryFrame(payload: Uint8Array): Buffer {
  return frame(OP.binary, payload);
}

export function pingFrame(payload: Uint8Array): Buffer {
  return frame(OP.ping, payload);
}

export function pongFrame(payload: Uint8Array): Buffer {
  return frame(OP.pong, payload);
}

export function closeFrame(code: number, reason = ""): Buffer {
  const text = Buffer.from(reason).subarray(0, MAX_CONTROL - 2);
  const payload = Buffer.alloc(2 + text.length);
  payload.writeUInt16BE(code);
  text.copy(payload, 2);
  return frame(OP.close, payload);
}

function frame(opcode: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes(payload.length) + payload.length);
  bytes.set(payload, header(bytes, 0, 0x80 | opcode, payload.length));
  return bytes;
}

function header(bytes: Uint8Array, at: number, first: number, length: number): number {
  bytes[at] = first;
  if (length < 126) {
    bytes[at + 1] = length;
    return 2;
  }
  if (length < 0x1_0000) {
    bytes[at + 1] = 126;
    bytes[at + 2] = length >>> 8;
    bytes[at + 3] = length;
    return 4;
  }
  bytes[at + 1] = 127;
  bytes.fill(0, at + 2, at + 6);
  for (let i = 0; i < 4; i++) bytes[at + 6 + i] = length >>> (24 - 8 * i);
  return 10;
}

/** Takes bytes that are whole frames of ours (unmasked, as `frame` makes them) apart again. */
export function eachFrame(frames: Uint8Array, take: (payload: Uint8Array) => void): void {
  for (let at = 0; at < frames.length; ) {
    const short = frames[at + 1] as number;
    const head = headerBytes(short < 126 ? short : short === 126 ? 126 : 0x1_0000);
    let length = short;
    if (short >= 126) {
      length = 0;
      for (let i = at + 2; i < at + head; i++) length = length * 256 + (frames[i] as number);
    }
    take(frames.subarray(at + head, at + head + length));
    at += head + length;
  }
}
