/**
 * A lean WebSocket client on `net` for thousands of bots in one process: whole binary messages, masked as the RFC
 * asks, one buffer shared by all reads. It trusts the server to send no fragments and no text (ours does not).
 */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { SocketFactory } from "../../client/index.ts";
import { SUBPROTOCOL } from "../../protocol/frames.ts";

const MASK = randomBytes(4);
/** Each read is done with before the next one begins, so one buffer is enough for all connections. */
const READ_BUFFER = Buffer.allocUnsafe(64 * 1_024);
const OPCODE = { binary: 2, close: 8, ping: 9, pong: 10 } as const;

export const leanSocket: SocketFactory = (url, handlers) => {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect({
    host: hostname,
    port: Number(port),
    noDelay: true,
    onread: {
      buffer: READ_BUFFER,
      callback: (length) => {
        read(READ_BUFFER.subarray(0, length));
        return true;
      },
    },
  });
  let rest: Buffer = Buffer.alloc(0);
  let open = false;
  let over = false;
  const finish = (code: number, reason: string) => {
    if (over) return;
    over = true;
    socket.destroy();
    handlers.close(code, reason);
  };
  socket.on("connect", () => {
    socket.write(
      `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`,
    );
  });
  const read = (chunk: Buffer) => {
    if (over) return;
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (!open) {
      const end = bytes.indexOf("\r\n\r\n");
      if (end < 0) {
        rest = Buffer.from(bytes);
        return;
      }
      if (!bytes.subarray(0, 12).equals(Buffer.from("HTTP/1.1 101"))) {
        finish(1006, bytes.subarray(0, bytes.indexOf("\r\n")).toString());
        return;
      }
      open = true;
      bytes = bytes.subarray(end + 4);
      handlers.open();
    }
    rest = readFrames(bytes, socket, (message) => handlers.message(message), finish);
  };
  socket.on("error", (error) => finish(1006, error.message));
  socket.on("close", () => finish(1006, "connection closed"));
  return {
    send: (bytes) => {
      // Before the handshake is done a frame would be read as part of it.
      if (open && !over) socket.write(frame(OPCODE.binary, bytes));
    },
    close: (code) => {
      if (over) return;
      over = true;
      if (!open) {
        socket.destroy();
        return;
      }
      const payload = Buffer.alloc(2);
      payload.writeUInt16BE(code);
      socket.end(frame(OPCODE.close, payload));
      socket.setTimeout(1_000, () => socket.destroy());
    },
  };
};

/** Hands whole messages on; returns the bytes of a frame that has not arrived whole. */
function readFrames(
  bytes: Buffer,
  socket: Socket,
  onMessage: (message: Uint8Array) => void,
  onClose: (code: number, reason: string) => void,
): Buffer {
  let at = 0;
  while (bytes.length - at >= 2) {
    let length = (bytes[at + 1] ?? 0) & 0x7f;
    let head = 2;
    if (length === 126) {
      if (bytes.length - at < 4) break;
      length = bytes.readUInt16BE(at + 2);
      head = 4;
    } else if (length === 127) {
      if (bytes.length - at < 10) break;
      length = Number(bytes.readBigUInt64BE(at + 2));
      head = 10;
    }
    if (bytes.length - at < head + length) break;
    const payload = bytes.subarray(at + head, at + head + length);
    const opcode = (bytes[at] ?? 0) & 0x0f;
    if (opcode === OPCODE.binary) onMessage(payload);
    else if (opcode === OPCODE.ping) socket.write(frame(OPCODE.pong, payload));
    else if (opcode === OPCODE.close) {
      onClose(payload.length >= 2 ? payload.readUInt16BE(0) : 1005, payload.subarray(2).toString());
      return Buffer.alloc(0);
    }
    at += head + length;
  }
  return at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at));
}

function frame(opcode: number, payload: Uint8Array): Buffer {
  const head = payload.length < 126 ? 2 : 4;
  const out = Buffer.allocUnsafe(head + 4 + payload.length);
  out[0] = 0x80 | opcode;
  if (head === 2) out[1] = 0x80 | payload.length;
  else {
    out[1] = 0x80 | 126;
    out.writeUInt16BE(payload.length, 2);
  }
  MASK.copy(out, head);
  for (let i = 0; i < payload.length; i++) out[head + 4 + i] = (payload[i] ?? 0) ^ (MASK[i & 3] ?? 0);
  return out;
}
