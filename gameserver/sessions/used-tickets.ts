/**
 * Each ticket once: the ids of tickets used here, for as long as they could be shown again.
 *
 * In memory only: a ticket names one server, and a server that restarts has nothing left to protect that a ticket of
 * at most 30 s could take. Bounded: when the table is full of tickets that are still valid, new ones are refused.
 */
const SWEEP_SECONDS = 10;

export class UsedTickets {
  readonly #most: number;
  /** Unix seconds of expiry by ticket id. */
  readonly #expires = new Map<string, number>();
  #sweptAt = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#expires.size;
  }

  /** Marks the ticket as used. `again`: it was used before; `full`: no place to remember it. */
  use(id: string, expiresAt: number, nowSeconds: number): "first" | "again" | "full" {
    if (nowSeconds - this.#sweptAt >= SWEEP_SECONDS || this.#expires.size >= this.#most)
      this.#sweep(nowSeconds);
    if (this.#expires.has(id)) return "again";
    if (this.#expires.size >= this.#most) return "full";
    this.#expires.set(id, expiresAt);
    return "first";
  }

  #sweep(nowSeconds: number): void {
    this.#sweptAt = nowSeconds;
    for (const [id, expiresAt] of this.#expires) if (expiresAt < nowSeconds) this.#expires.delete(id);
  }
}
