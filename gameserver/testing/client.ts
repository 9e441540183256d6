/** A player for tests: the reference WebSocket client (`ws`) with the protocol's own decoders. */
import { once } from "node:events";
import { WebSocket } from "ws";
import {
  decodeNotice,
  decodeWelcome,
  encodeHello,
  FRAME,
  type Hello,
  type Notice,
  SUBPROTOCOL,
  type Welcome,
} from "../../protocol/frames.ts";
import type { GameEvent } from "../../protocol/frames-event.ts";
import { encodeInput, type InputItem } from "../../protocol/frames-input.ts";
import { View } from "../../protocol/view.ts";

export class TestClient {
  readonly socket: WebSocket;
  readonly events: GameEvent[] = [];
  readonly notices: Notice[] = [];
  view: View | undefined;
  closeCode: number | undefined;
  inputSeq = 0;
  #lastSeq = 0;
  #waiting: (() => void)[] = [];

  constructor(port: number) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/`, [SUBPROTOCOL], { perMessageDeflate: true });
    this.socket.on("message", (data: Buffer) => this.#receive(data));
    this.socket.on("close", (code) => {
      this.closeCode = code;
      this.#wake();
    });
    this.socket.on("error", () => {});
  }

  static async hello(port: number, hello: Omit<Hello, "version">): Promise<TestClient> {
    const client = new TestClient(port);
    await once(client.socket, "open");
    client.#lastSeq = hello.lastSeq;
    client.socket.send(encodeHello(hello));
    return client;
  }

  /** Joins and waits for WELCOME. */
  static async join(
    port: number,
    token: string,
    mode: Hello["mode"] = "ticket",
    lastSeq = 0,
  ): Promise<TestClient> {
    const client = await TestClient.hello(port, { mode, token, lastSeq });
    await client.until(() => client.view !== undefined || client.closeCode !== undefined);
    return client;
  }

  get welcome(): Welcome {
    if (!this.view) throw new Error(`no WELCOME; closed with ${this.closeCode}`);
    return this.view.welcome;
  }

  send(...items: InputItem[]): void {
    this.socket.send(encodeInput(this.welcome.game, this.inputSeq + 1, items));
    this.inputSeq += items.length;
  }

  /** Resolves when `condition` holds; looked at after every message. Vitest's time-out ends a wait in vain. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  async closed(): Promise<number> {
    await this.until(() => this.closeCode !== undefined);
    return this.closeCode ?? 0;
  }

  #receive(message: Buffer): void {
    if (message[0] === FRAME.welcome) {
      this.view = new View(decodeWelcome(message), this.#lastSeq);
      this.inputSeq = this.view.welcome.inputSeq;
    } else if (message[0] === FRAME.notice) {
      this.notices.push(decodeNotice(message));
    } else if (message[0] === FRAME.update || message[0] === FRAME.event) {
      const event = this.view?.apply(message);
      if (event) this.events.push(event);
    }
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
