/**
 * When to ask a peer for the round trip (a WebSocket ping of our own), and what its answer says.
 *
 * A connection is asked every ten seconds, not all in the same one, and only when the last question was answered: a
 * peer that does not answer pings is asked once. Times are monotonic ms.
 */
const FIRST_MS = 1_000;
const PERIOD_MS = 10_000;
/** Connections are spread over so many seconds. */
const SPREAD = 10;
const PAYLOAD_BYTES = 4;

export class RoundTrip {
  #nextAt: number;
  /** When the question went out that waits for its answer, or 0; and its number. */
  #askedAt = 0;
  #number = 0;

  constructor(connection: number, nowMs: number) {
    this.#nextAt = nowMs + FIRST_MS * (1 + (connection % SPREAD));
  }

  due(nowMs: number): boolean {
    return this.#askedAt === 0 && nowMs >= this.#nextAt;
  }

  /** The payload of a ping that goes out now. */
  ask(nowMs: number): Uint8Array {
    this.#askedAt = nowMs;
    this.#nextAt = nowMs + PERIOD_MS;
    const payload = Buffer.alloc(PAYLOAD_BYTES);
    payload.writeUInt32BE(++this.#number >>> 0);
    return payload;
  }

  /** A pong has come. ms since its question; undefined for one that nobody asked for. */
  answered(payload: Uint8Array, nowMs: number): number | undefined {
    const isAnswer =
      this.#askedAt > 0 &&
      payload.length === PAYLOAD_BYTES &&
      Buffer.from(payload).readUInt32BE() === this.#number >>> 0;
    if (!isAnswer) return undefined;
    const ms = nowMs - this.#askedAt;
    this.#askedAt = 0;
    return ms;
  }
}
