/**
 * Purchases of one player: each keeps its id until its last word is heard, over any number of connections and servers,
 * so that pressing "buy" once buys once.
 */
import { type Buy, encodeBuy, type Receipt } from "../protocol/frames-purchase.ts";

/** What became of a purchase for good. `unknown`: play ended before it was heard; the books have it. */
export interface Bought {
  readonly id: string;
  readonly status: "settled" | "declined" | "quarantined" | "conflict" | "invalid" | "unknown";
  /** Why, when it is not settled. */
  readonly detail: string;
}

/** How long to wait for a receipt before asking again on the same connection, ms. */
const ANSWER_WITHIN_MS = 4_000;

/** All who were refused at the same moment come back at different ones: share of the wait that is added at random. */
const SPREAD = 0.5;

interface Open {
  readonly buy: Buy;
  readonly resolve: (bought: Bought) => void;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class Purchases {
  readonly #open = new Map<string, Open>();
  readonly #send: (frame: Uint8Array) => void;

  /** `send` drops the frame while there is no connection. */
  constructor(send: (frame: Uint8Array) => void) {
    this.#send = send;
  }

  /** Throws FrameError for an offer or quantity that cannot be sent. */
  buy(offer: string, quantity: number, id: string = uuidv7(Date.now())): Promise<Bought> {
    const buy = { id, offer, quantity };
    // Encoded before it is kept: what cannot be sent must not be sent again and again.
    encodeBuy(buy);
    return new Promise((resolve) => {
      this.#open.set(id, { buy, resolve, timer: undefined });
      this.#ask(id);
    });
  }

  /** A connection is there again: asks for all that is open. */
  connected(): void {
    for (const id of this.#open.keys()) this.#ask(id);
  }

  heard(receipt: Receipt): void {
    const open = this.#open.get(receipt.id);
    if (!open) return;
    const { id, status, detail, againAfterMs } = receipt;
    if (status === "pending" || status === "refused")
      this.#askLater(id, Math.max(100, againAfterMs) * (1 + Math.random() * SPREAD));
    else this.#close(id, { id, status, detail });
  }

  /** Play is over: nobody will answer here any more. */
  end(): void {
    for (const id of this.#open.keys())
      this.#close(id, { id, status: "unknown", detail: "play ended before the receipt came" });
  }

  #ask(id: string): void {
    const open = this.#open.get(id);
    if (!open) return;
    this.#send(encodeBuy(open.buy));
    this.#askLater(id, ANSWER_WITHIN_MS);
  }

  #askLater(id: string, ms: number): void {
    const open = this.#open.get(id);
    if (!open) return;
    clearTimeout(open.timer);
    open.timer = setTimeout(() => this.#ask(id), ms);
  }

  #close(id: string, bought: Bought): void {
    const open = this.#open.get(id);
    this.#open.delete(id);
    clearTimeout(open?.timer);
    open?.resolve(bought);
  }
}

/** UUID version 7 (RFC 9562 §5.7), from the platform's own random source: browsers and Node. */
function uuidv7(nowMs: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(nowMs / 2 ** (8 * (5 - i))) & 0xff;
  bytes[6] = 0x70 | ((bytes[6] as number) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
