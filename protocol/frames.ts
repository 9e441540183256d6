/**
 * Frames of the player connection: binary messages over one WebSocket, subprotocol `gamefleet.v1`,
 * little-endian. Browser-safe: the server and the SDK use the same code.
 *
 * | client → server | layout after the type byte |
 * |---|---|
 * | HELLO | version u8, mode u8, last server sequence u32, token length u16, token |
 * | INPUT | sequence of the first item u32, count u8, items (kind u8, fields): `frames-input.ts` |
 * | PING  | client time f64 |
 * | LEAVE | nothing |
 * | WATCH | entity id u32, 0 for whoever comes next; spectators only |
 * | BUY   | `frames-purchase.ts` |
 *
 * | server → client | |
 * |---|---|
 * | WELCOME | JSON (`Welcome`) |
 * | UPDATE | `frames-update.ts` |
 * | EVENT  | `frames-event.ts` |
 * | PONG   | client time f64, server time f64 (Unix ms), tick u32 |
 * | NOTICE | kind u8, within ms u32, JSON detail (may be empty) |
 * | RECEIPT | `frames-purchase.ts` |
 *
 * UPDATE and EVENT carry one common sequence number (u16, growing by one): a client that has seen n and sees
 * n + 1 has missed nothing. Errors: decoders throw `FrameError`.
 */
import { ByteReader, ByteWriter, encodeText, FrameError } from "./frames-bytes.ts";
import type { Descriptor } from "./frames-schema.ts";

export const SUBPROTOCOL = "gamefleet.v1";
export const PROTOCOL_VERSION = 1;

/** Longest token in HELLO, bytes. */
export const MAX_TOKEN_BYTES = 4_096;
/** Longest message a client may send, bytes. */
export const MAX_CLIENT_MESSAGE_BYTES = 8_192;

export const FRAME = {
  hello: 0x01,
  input: 0x02,
  ping: 0x03,
  leave: 0x04,
  watch: 0x05,
  buy: 0x06,
  welcome: 0x81,
  update: 0x82,
  event: 0x83,
  pong: 0x84,
  notice: 0x85,
  receipt: 0x86,
} as const;

export type HelloMode = "ticket" | "resume";

export interface Hello {
  readonly version: number;
  readonly mode: HelloMode;
  /** The last UPDATE or EVENT sequence seen (counted on past 65,535); 0 on a first join. */
  readonly lastSeq: number;
  /** A ticket, or `<session id>.<secret>` in mode `resume`. */
  readonly token: string;
}

export interface Welcome {
  readonly session: string;
  readonly server: string;
  readonly zone: string;
  readonly epoch: number;
  /** Id of the player's own entity; 0 for a spectator. */
  readonly entity: number;
  readonly role: "player" | "spectator";
  readonly game: Descriptor;
  readonly tickHz: number;
  /** Updates a second to expect; fewer while nothing changes. */
  readonly updateHz: number;
  readonly tick: number;
  /** The last input taken: the next INPUT must start at `inputSeq + 1`. Inputs up to here need not be re-sent. */
  readonly inputSeq: number;
  /** Output sequence so far: the first new UPDATE or EVENT carries `seq + 1`. */
  readonly seq: number;
  /** True when the session was there before: state and sequences go on. */
  readonly resumed: boolean;
  /** EVENTs that follow at once with their old sequence numbers, because the client had not seen them. */
  readonly replay: number;
  /** True when some missed EVENTs are not kept any more. */
  readonly eventsLost: boolean;
  /** Send a PING at least this often, in seconds. */
  readonly heartbeatSeconds: number;
}

export interface Pong {
  /** What the PING said. */
  readonly clientTime: number;
  /** Unix time of the server in ms. */
  readonly serverTime: number;
  readonly tick: number;
}

export const NOTICE = {
  /** The server will stop: reconnect through the allocator within the time given. */
  draining: 1,
  /** The zone moves: detail says where (used by migration). */
  moving: 2,
  /** Time runs slower: detail `{"scale": 0.5}`. */
  dilation: 3,
} as const;

export interface Notice {
  readonly kind: number;
  readonly withinMs: number;
  readonly detail: unknown;
}

/** The type byte, or FrameError for an empty message. */
export function frameType(message: Uint8Array): number {
  const type = message[0];
  if (type === undefined) throw new FrameError("message is empty");
  return type;
}

export function encodeHello(hello: Omit<Hello, "version">): Uint8Array {
  const token = encodeText(hello.token);
  const writer = new ByteWriter(new Uint8Array(9 + token.length));
  writer.u8(FRAME.hello);
  writer.u8(PROTOCOL_VERSION);
  writer.u8(hello.mode === "resume" ? 1 : 0);
  writer.u32(hello.lastSeq);
  writer.u16(token.length);
  writer.put(token);
  return writer.bytes;
}

export function decodeHello(message: Uint8Array): Hello {
  const reader = opened(message, FRAME.hello);
  const version = reader.u8();
  const mode = reader.u8();
  if (mode > 1) throw new FrameError(`HELLO mode ${mode} is unknown`);
  const lastSeq = reader.u32();
  const length = reader.u16();
  if (length > MAX_TOKEN_BYTES) throw new FrameError(`token is longer than ${MAX_TOKEN_BYTES} bytes`);
  const token = reader.text(length);
  // A later version may append fields: only our own version is held to its exact length.
  if (version === PROTOCOL_VERSION) reader.end();
  return { version, mode: mode === 1 ? "resume" : "ticket", lastSeq, token };
}

export function encodePing(clientTime: number): Uint8Array {
  const writer = new ByteWriter(new Uint8Array(9));
  writer.u8(FRAME.ping);
  writer.f64(clientTime);
  return writer.bytes;
}

export function decodePing(message: Uint8Array): number {
  const reader = opened(message, FRAME.ping);
  const clientTime = reader.f64();
  reader.end();
  return clientTime;
}

export function encodeLeave(): Uint8Array {
  return Uint8Array.of(FRAME.leave);
}

/** A spectator follows another player: the entity with this id, or with 0 the next one. */
export function encodeWatch(entity: number): Uint8Array {
  const writer = new ByteWriter(new Uint8Array(5));
  writer.u8(FRAME.watch);
  writer.u32(entity);
  return writer.bytes;
}

export function decodeWatch(message: Uint8Array): number {
  const reader = opened(message, FRAME.watch);
  const entity = reader.u32();
  reader.end();
  return entity;
}

export function encodeWelcome(welcome: Welcome): Uint8Array {
  return withJson(Uint8Array.of(FRAME.welcome), welcome);
}

/** Trusts the server for the shape: a client has no use for a half-valid WELCOME. */
export function decodeWelcome(message: Uint8Array): Welcome {
  const reader = opened(message, FRAME.welcome);
  return json(reader.text(reader.left)) as Welcome;
}

export function encodePong(pong: Pong): Uint8Array {
  const writer = new ByteWriter(new Uint8Array(21));
  writer.u8(FRAME.pong);
  writer.f64(pong.clientTime);
  writer.f64(pong.serverTime);
  writer.u32(pong.tick);
  return writer.bytes;
}

export function decodePong(message: Uint8Array): Pong {
  const reader = opened(message, FRAME.pong);
  const pong = { clientTime: reader.f64(), serverTime: reader.f64(), tick: reader.u32() };
  reader.end();
  return pong;
}

export function encodeNotice(notice: Notice): Uint8Array {
  const writer = new ByteWriter(new Uint8Array(6));
  writer.u8(FRAME.notice);
  writer.u8(notice.kind);
  writer.u32(notice.withinMs);
  return notice.detail === undefined ? writer.bytes : withJson(writer.bytes, notice.detail);
}

export function decodeNotice(message: Uint8Array): Notice {
  const reader = opened(message, FRAME.notice);
  const kind = reader.u8();
  const withinMs = reader.u32();
  const detail = reader.left === 0 ? undefined : json(reader.text(reader.left));
  return { kind, withinMs, detail };
}

/** A reader behind the type byte, which must be `type`. */
export function opened(message: Uint8Array, type: number): ByteReader {
  const reader = new ByteReader(message);
  const found = reader.u8();
  if (found !== type) throw new FrameError(`frame type ${found} where ${type} was expected`);
  return reader;
}

/**
 * The full sequence number of a wire number: the one nearest to `near` whose low 16 bits are `low`.
 * Right as long as the two are less than 32,768 apart.
 */
export function expand16(low: number, near: number): number {
  const delta = ((low - near) << 16) >> 16;
  return near + delta;
}

function withJson(head: Uint8Array, value: unknown): Uint8Array {
  const text = encodeText(JSON.stringify(value));
  const out = new Uint8Array(head.length + text.length);
  out.set(head);
  out.set(text, head.length);
  return out;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FrameError("JSON cannot be read");
  }
}
