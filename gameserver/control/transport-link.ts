/** The control thread's end of one I/O thread. */
import type { Worker } from "node:worker_threads";
import { deadline } from "../../platform/background.ts";
import type { Notice } from "../../protocol/frames.ts";
import type { Buy, Receipt } from "../../protocol/frames-purchase.ts";
import type { Carry, FromTransport, ToTransport } from "../transport/messages.ts";

const ANSWER_MS = 5_000;

export type Hello = Extract<FromTransport, { type: "hello" }>;

/** What an I/O thread reports by itself. `thread` is its index. */
export interface TransportListener {
  hello(thread: number, hello: Hello): void;
  gone(thread: number, connection: number, code: number): void;
  left(session: string): void;
  buy(session: string, buy: Buy): void;
  bug(message: string): void;
}

export class TransportLink {
  readonly index: number;
  readonly #worker: Worker;
  readonly #listener: TransportListener;
  readonly #released = new Map<string, (carry: Carry | undefined) => void>();
  #listening: ((port: number) => void) | undefined;

  constructor(index: number, worker: Worker, listener: TransportListener) {
    this.index = index;
    this.#worker = worker;
    this.#listener = listener;
    worker.on("message", (message: FromTransport) => this.#receive(message));
  }

  /** The port it listens on. */
  listening(): Promise<number> {
    const port = new Promise<number>((resolve) => {
      this.#listening = resolve;
    });
    return deadline(port, ANSWER_MS, "listening for players");
  }

  openZone(zone: number, slots: number, buffer: SharedArrayBuffer): void {
    this.#order({ type: "openZone", zone, slots, buffer });
  }

  closeZone(zone: number): void {
    this.#order({ type: "closeZone", zone });
  }

  admit(admission: Omit<Extract<ToTransport, { type: "admit" }>, "type">): void {
    this.#order({ type: "admit", ...admission });
  }

  refuse(connection: number, code: number, reason: string): void {
    this.#order({ type: "refuse", connection, code, reason });
  }

  /** Takes a session from the thread; its connection is closed with `code`. */
  release(session: string, code: number): Promise<Carry | undefined> {
    const carry = new Promise<Carry | undefined>((resolve) => this.#released.set(session, resolve));
    this.#order({ type: "release", session, code });
    return deadline(carry, ANSWER_MS, "releasing a session");
  }

  /** Closes all players' connections; their sessions stay. */
  disconnect(code: number): void {
    this.#order({ type: "disconnect", code });
  }

  /** Memory is short: give back what you can. */
  shed(): void {
    this.#order({ type: "shed" });
  }

  notice(notice: Notice): void {
    this.#order({ type: "notice", notice });
  }

  receipt(session: string, receipt: Receipt): void {
    this.#order({ type: "receipt", session, receipt });
  }

  stop(): void {
    this.#order({ type: "stop" });
  }

  #order(order: ToTransport): void {
    this.#worker.postMessage(order);
  }

  #receive(message: FromTransport): void {
    switch (message.type) {
      case "listening":
        this.#listening?.(message.port);
        break;
      case "hello":
        this.#listener.hello(this.index, message);
        break;
      case "gone":
        this.#listener.gone(this.index, message.connection, message.code);
        break;
      case "left":
        this.#listener.left(message.session);
        break;
      case "buy":
        this.#listener.buy(message.session, message.buy);
        break;
      case "bug":
        this.#listener.bug(message.message);
        break;
      case "released":
        this.#released.get(message.session)?.(message.carry);
        this.#released.delete(message.session);
        break;
    }
  }
}
