/**
 * One raw connection of the load generator: WebSocket frames out of a shared read buffer, nothing copied, nothing
 * allocated per frame.
 *
 * A *lazy* line reads only when it is told to (`poll`): what came meanwhile waits in the kernel and is read in one go.
 * That is what makes thousands of players affordable in one Node process; who measures latency must not be lazy.
 * It trusts the server to send no fragments.
 */
import { connect, type Socket } from "node:net";

/** Each read is done with before the next one begins, so one buffer is enough for all. */
const READ_BUFFER = Buffer.allocUnsafe(256 * 1_024);
const NOTHING = Buffer.alloc(0);

export interface LineOwner {
  /** What to write first. */
  request(): Uint8Array;
  /** The HTTP answer was 101. */
  opened(): void;
  /** One whole frame's payload: `bytes[at … end)`, valid during the call. `opcode` as in RFC 6455. */
  frame(opcode: number, bytes: Buffer, at: number, end: number): void;
  /** Once. */
  closed(why: string): void;
}

export class Line {
  readonly #socket: Socket;
  readonly #owner: LineOwner;
  #rest: Buffer = NOTHING;
  #open = false;
  #over = false;
  #stalled = false;
  bytes = 0;
  lazy = false;

  constructor(host: string, port: number, owner: LineOwner) {
    this.#owner = owner;
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (length) => {
          this.bytes += length;
          this.#read(READ_BUFFER.subarray(0, length));
          return !this.lazy;
        },
      },
    });
    this.#socket.on("connect", () => this.#socket.write(owner.request()));
    this.#socket.on("error", (error) => this.end(error.message));
    this.#socket.on("close", () => this.end("connection closed"));
  }

  get open(): boolean {
    return this.#open && !this.#over;
  }

  /** Ended, by whichever side. */
  get over(): boolean {
    return this.#over;
  }

  write(bytes: Uint8Array): void {
    if (this.open) this.#socket.write(bytes);
  }

  /** Lets a lazy line read once. */
  poll(): void {
    if (!this.#over && !this.#stalled) this.#socket.resume();
  }

  /** Reads nothing any more: the kernel's buffers fill. */
  stall(): void {
    this.lazy = true;
    this.#stalled = true;
    this.#socket.pause();
  }

  /** Cuts the line without a word. */
  end(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.destroy();
    this.#owner.closed(why);
  }

  #read(chunk: Buffer): void {
    if (this.#over) return;
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = NOTHING;
    if (!this.#open) {
      const end = bytes.indexOf("\r\n\r\n");
      if (end < 0) {
        this.#rest = Buffer.from(bytes);
        return;
      }
      if (bytes.toString("latin1", 0, 12) !== "HTTP/1.1 101") {
        this.end(bytes.toString("latin1", 0, bytes.indexOf("\r\n")));
        return;
      }
      this.#open = true;
      bytes = bytes.subarray(end + 4);
      this.#owner.opened();
    }
    const used = this.#frames(bytes);
    if (used < bytes.length && !this.#over) this.#rest = Buffer.from(bytes.subarray(used));
  }

  /** Hands whole frames on; answers how many bytes they took. */
  #frames(bytes: Buffer): number {
    let at = 0;
    while (bytes.length - at >= 2 && !this.#over) {
      let length = (bytes[at + 1] as number) & 0x7f;
      let head = 2;
      if (length === 126) {
        if (bytes.length - at < 4) break;
        length = bytes.readUInt16BE(at + 2);
        head = 4;
      } else if (length === 127) {
        if (bytes.length - at < 10) break;
        length = bytes.readUInt32BE(at + 6);
        head = 10;
      }
      const end = at + head + length;
      if (bytes.length < end) break;
      this.#owner.frame((bytes[at] as number) & 0x0f, bytes, at + head, end);
      at = end;
    }
    return at;
  }
}

/** An upgrade request; `protocol` names the subprotocol, if any. */
export function upgradeRequest(path: string, host: string, protocol?: string): Buffer {
  const offer = protocol === undefined ? "" : `Sec-WebSocket-Protocol: ${protocol}\r\n`;
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${offer}\r\n`,
  );
}

/**
 * A client's binary frame. The mask is zero, which the RFC's form allows: the server unmasks all the same, and this
 * process need not.
 */
export function clientFrame(payload: Uint8Array, opcode = 2): Buffer {
  const head = payload.length < 126 ? 6 : 8;
  const out = Buffer.alloc(head + payload.length);
  out[0] = 0x80 | opcode;
  if (head === 6) out[1] = 0x80 | payload.length;
  else {
    out[1] = 0x80 | 126;
    out.writeUInt16BE(payload.length, 2);
  }
  out.set(payload, head);
  return out;
}
