/**
 * The opening handshake of RFC 6455 §4.2, read strictly from the bytes of a new connection.
 *
 * Pure: bytes in, verdict out. Refuses whatever two parsers might read differently (bare line feeds, folded or
 * doubled headers, bodies), because a proxy in front may have read it the other way.
 */
import { createHash } from "node:crypto";
import { SUBPROTOCOL } from "../../protocol/frames.ts";

export const MAX_REQUEST_BYTES = 8_192;
const MAX_HEADERS = 64;
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const REQUEST_LINE = /^GET (\/[!-~]*) HTTP\/1\.1$/;
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*)$/;
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
/** Headers that may come once only: a second one could be read either way. */
const ONCE = new Set([
  "host",
  "upgrade",
  "sec-websocket-key",
  "sec-websocket-version",
  "content-length",
  "transfer-encoding",
]);

export type Verdict =
  /** The request is not complete yet. */
  | { readonly type: "wait" }
  /** Write `response`; WebSocket frames begin at `rest`. */
  | { readonly type: "accept"; readonly response: string; readonly rest: number }
  /** Write `response` and end. */
  | { readonly type: "refuse"; readonly response: string };

/** Judges what has come so far of a connection. */
export function judge(bytes: Buffer): Verdict {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0)
    return bytes.length > MAX_REQUEST_BYTES
      ? refuse(431, "Request Header Fields Too Large")
      : { type: "wait" };
  if (end > MAX_REQUEST_BYTES) return refuse(431, "Request Header Fields Too Large");
  const [first = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const path = REQUEST_LINE.exec(first)?.[1];
  if (path === undefined) return refuse(400, "Bad Request");
  if (lines.length > MAX_HEADERS) return refuse(431, "Request Header Fields Too Large");
  const headers = headersOf(lines);
  if (!headers?.has("host")) return refuse(400, "Bad Request");
  if (headers.has("transfer-encoding") || (headers.get("content-length") ?? "0") !== "0")
    return refuse(400, "Bad Request");
  if (path.split("?")[0] !== "/") return refuse(404, "Not Found");
  return upgrade(headers, end + 4);
}

function upgrade(headers: ReadonlyMap<string, string>, rest: number): Verdict {
  const wants =
    tokens(headers.get("connection")).includes("upgrade") &&
    tokens(headers.get("upgrade")).includes("websocket");
  const versions = "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n";
  if (!wants || headers.get("sec-websocket-version") !== "13")
    return refuse(426, "Upgrade Required", versions);
  const key = headers.get("sec-websocket-key") ?? "";
  if (!KEY.test(key)) return refuse(400, "Bad Request");
  // Without our subprotocol the other side speaks something else: better no than a close frame it can't place.
  const offered = (headers.get("sec-websocket-protocol") ?? "").split(",").map((name) => name.trim());
  if (!offered.includes(SUBPROTOCOL)) return refuse(400, "Bad Request");
  const accept = createHash("sha1")
    .update(key + GUID)
    .digest("base64");
  // No Sec-WebSocket-Extensions in the answer: compression is refused, as it costs 12 times the CPU.
  const response =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`;
  return { type: "accept", response, rest };
}

/** Lower-case names; undefined when a line is malformed or one that must be single is doubled. */
function headersOf(lines: readonly string[]): Map<string, string> | undefined {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name = "", value = ""] = HEADER.exec(line) ?? [];
    const key = name.toLowerCase();
    if (key === "" || (ONCE.has(key) && headers.has(key))) return undefined;
    const before = headers.get(key);
    headers.set(key, before === undefined ? value.trim() : `${before}, ${value.trim()}`);
  }
  return headers;
}

function tokens(value: string | undefined): string[] {
  return (value ?? "").split(",").map((token) => token.trim().toLowerCase());
}

function refuse(status: number, reason: string, headers = ""): Verdict {
  const body = `${reason}\n`;
  const response =
    `HTTP/1.1 ${status} ${reason}\r\n${headers}Connection: close\r\nContent-Type: text/plain\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`;
  return { type: "refuse", response };
}
