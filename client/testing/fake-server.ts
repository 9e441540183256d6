/** A server for tests of the SDK: no network, says exactly what a test wants, and keeps what it was told. */
import {
  decodeHello,
  decodePing,
  encodePong,
  encodeWelcome,
  FRAME,
  type Hello,
  type Welcome,
} from "../../protocol/frames.ts";
import { ByteWriter } from "../../protocol/frames-bytes.ts";
import { encodeEvent } from "../../protocol/frames-event.ts";
import { readInput } from "../../protocol/frames-input.ts";
import type { Descriptor, FieldSpec } from "../../protocol/frames-schema.ts";
import { UpdateWriter } from "../../protocol/frames-update.ts";
import type { SocketFactory, SocketHandlers } from "../socket.ts";

const axis: FieldSpec = { name: "thrust", min: 0, step: 1, count: 256, width: 1, wrap: false };

export const game: Descriptor = {
  name: "test",
  version: 1,
  width: 100,
  height: 100,
  interest: 50,
  columns: [],
  kinds: [],
  inputs: [
    { name: "steer", fields: [axis], size: 1 },
    { name: "fire", fields: [], size: 0 },
  ],
  events: [{ name: "bang", fields: [], size: 0 }],
};

/** One connection that a player made. */
export class Link {
  readonly url: string;
  readonly frames: Uint8Array[] = [];
  /** What the player closed it with. */
  closedWith: number | undefined;
  readonly #handlers: SocketHandlers;

  constructor(url: string, handlers: SocketHandlers) {
    this.url = url;
    this.#handlers = handlers;
  }

  /** The connection is made; answers the HELLO that came at once. */
  open(): Hello {
    this.#handlers.open();
    const [hello] = this.#ofType(FRAME.hello);
    if (!hello) throw new Error("no HELLO came");
    return decodeHello(hello);
  }

  welcome(over: Partial<Welcome> = {}): void {
    const start = {
      session: "s",
      server: "default/one",
      zone: "sol",
      epoch: 1,
      entity: 1,
      game,
      role: "player" as const,
    };
    const rates = { tickHz: 60, updateHz: 12, tick: 0, heartbeatSeconds: 30 };
    const seqs = { inputSeq: 0, seq: 0, resumed: false, replay: 0, eventsLost: false };
    this.#handlers.message(encodeWelcome({ ...start, ...rates, ...seqs, ...over }));
  }

  update(seq: number, ackInput = 0): void {
    const writer = new ByteWriter(new Uint8Array(64));
    new UpdateWriter(writer).begin(seq, seq, ackInput, false);
    this.#handlers.message(writer.written());
  }

  event(seq: number): void {
    this.#handlers.message(encodeEvent(seq, 0, new Uint8Array()));
  }

  message(bytes: Uint8Array): void {
    this.#handlers.message(bytes);
  }

  /** Answers the last ping. */
  pong(): void {
    const ping = this.#ofType(FRAME.ping).at(-1);
    if (ping) this.#handlers.message(encodePong({ clientTime: decodePing(ping), serverTime: 0, tick: 0 }));
  }

  close(code: number, reason = ""): void {
    this.#handlers.close(code, reason);
  }

  /** All inputs that came, as `seq:kind`, in order. */
  get inputs(): string[] {
    const found: string[] = [];
    for (const frame of this.#ofType(FRAME.input)) {
      readInput(game.inputs, frame, (seq, kind) => found.push(`${seq}:${game.inputs[kind]?.name}`) > 0);
    }
    return found;
  }

  get pings(): number {
    return this.#ofType(FRAME.ping).length;
  }

  get left(): boolean {
    return this.#ofType(FRAME.leave).length > 0;
  }

  #ofType(type: number): Uint8Array[] {
    return this.frames.filter((frame) => frame[0] === type);
  }
}

export class FakeServer {
  readonly links: Link[] = [];

  readonly socket: SocketFactory = (url, handlers) => {
    const link = new Link(url, handlers);
    this.links.push(link);
    return {
      send: (bytes) => link.frames.push(bytes),
      close: (code) => {
        link.closedWith ??= code;
      },
    };
  };

  /** The newest connection. */
  get link(): Link {
    const link = this.links.at(-1);
    if (!link) throw new Error("nobody has connected");
    return link;
  }
}
