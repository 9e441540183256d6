/**
 * How many bytes a session may be sent: what a pod (or an I/O thread's part of it) may send in a second, shared out
 * by priority. Pure arithmetic; once a second `settle` looks at what was wanted and shares anew.
 *
 * Everyone first gets the floor, or what he wants if that is less; the rest goes out in proportion to urgency, never
 * more to one than he wants: what he leaves is shared again among the others (weighted max-min fairness).
 */

/** Bytes a second that everyone is sure of: own position, health and acknowledgements at 10 a second. */
export const FLOOR_BYTES = 400;
/** Saved up at most: this many seconds' worth. */
const SAVED_SECONDS = 0.5;

/**
 * Shares `total` among `count` demands. Writes into `out` and returns it. Never gives more than is wanted, never more
 * than `total` in sum unless the floors alone are more (then the floors are cut in proportion).
 */
export function shareBytes(
  total: number,
  count: number,
  wants: Float64Array,
  weights: Float64Array,
  out: Float64Array,
  floor: number = FLOOR_BYTES,
): Float64Array {
  let floors = 0;
  for (let i = 0; i < count; i++) floors += Math.min(wants[i] as number, floor);
  const cut = floors > total ? total / floors : 1;
  let left = total - floors * cut;
  for (let i = 0; i < count; i++) out[i] = Math.min(wants[i] as number, floor) * cut;
  // Each round satisfies someone or ends; a few are enough for any real mix, and the bound keeps it cheap.
  for (let round = 0; round < 8 && left > 1; round++) left -= shareRound(left, count, wants, weights, out);
  return out;
}

/** Hands out `left` once in proportion to the weights of those who want more; answers how much was taken. */
function shareRound(
  left: number,
  count: number,
  wants: Float64Array,
  weights: Float64Array,
  out: Float64Array,
): number {
  let weight = 0;
  for (let i = 0; i < count; i++)
    if ((out[i] as number) < (wants[i] as number)) weight += weights[i] as number;
  if (weight === 0) return left;
  let taken = 0;
  for (let i = 0; i < count; i++) {
    const more = (wants[i] as number) - (out[i] as number);
    if (more <= 0) continue;
    const given = Math.min(more, (left * (weights[i] as number)) / weight);
    out[i] = (out[i] as number) + given;
    taken += given;
  }
  return taken;
}

export interface ByteBudgetOptions {
  /** Most sessions. */
  readonly capacity: number;
  /** Bytes a second for all together. */
  readonly bytesPerSecond: number;
  /** Bytes a second for one. */
  readonly sessionBytesPerSecond: number;
}

/** Budgets of the sessions of one thread, by index. */
export class ByteBudget {
  readonly #options: ByteBudgetOptions;
  readonly #active: Uint8Array;
  /** Bytes a second it may have now; bytes it has left. */
  readonly #rate: Float64Array;
  readonly #saved: Float64Array;
  /** Wanted since the last settling: sent, and what had to be left out. */
  readonly #wanted: Float64Array;
  readonly #urgency: Float32Array;
  readonly #index: Int32Array;
  readonly #wants: Float64Array;
  readonly #weights: Float64Array;
  readonly #shares: Float64Array;
  #refilledAt = 0;
  #settledAt = 0;

  constructor(options: ByteBudgetOptions, nowMs: number) {
    const { capacity } = options;
    this.#options = options;
    this.#active = new Uint8Array(capacity);
    this.#rate = new Float64Array(capacity);
    this.#saved = new Float64Array(capacity);
    this.#wanted = new Float64Array(capacity);
    this.#urgency = new Float32Array(capacity);
    this.#index = new Int32Array(capacity);
    this.#wants = new Float64Array(capacity);
    this.#weights = new Float64Array(capacity);
    this.#shares = new Float64Array(capacity);
    this.#refilledAt = nowMs;
    this.#settledAt = nowMs;
  }

  /** A newcomer may have what one session may have, until the next settling. */
  add(session: number): void {
    this.#active[session] = 1;
    this.#rate[session] = this.#options.sessionBytesPerSecond;
    this.#saved[session] = this.#options.sessionBytesPerSecond * SAVED_SECONDS;
    this.#wanted[session] = 0;
    this.#urgency[session] = 0;
  }

  remove(session: number): void {
    this.#active[session] = 0;
  }

  /** Bytes that the next update of `session` may have. */
  allowed(session: number): number {
    return Math.max(0, Math.floor(this.#saved[session] as number));
  }

  /** An update was sent: so many bytes, and so many more it would have had. `urgency` as of its plan. */
  spent(session: number, bytes: number, leftOut: number, urgency: number): void {
    this.#saved[session] = (this.#saved[session] as number) - bytes;
    this.#wanted[session] = (this.#wanted[session] as number) + bytes + leftOut;
    this.#urgency[session] = urgency;
  }

  /** Call each tick: time has passed, budgets grow. Every second they are shared anew. */
  refill(nowMs: number): void {
    const seconds = Math.min(1, (nowMs - this.#refilledAt) / 1_000);
    this.#refilledAt = nowMs;
    for (let session = 0; session < this.#active.length; session++) {
      if (this.#active[session] === 0) continue;
      const rate = this.#rate[session] as number;
      this.#saved[session] = Math.min(
        rate * SAVED_SECONDS,
        (this.#saved[session] as number) + rate * seconds,
      );
    }
    if (nowMs - this.#settledAt >= 1_000) this.#settle(nowMs);
  }

  #settle(nowMs: number): void {
    const { bytesPerSecond, sessionBytesPerSecond } = this.#options;
    const seconds = (nowMs - this.#settledAt) / 1_000;
    this.#settledAt = nowMs;
    let count = 0;
    for (let session = 0; session < this.#active.length; session++) {
      if (this.#active[session] === 0) continue;
      this.#index[count] = session;
      // Room to grow by half: a fight begins between two settlings.
      const wanted = Math.max(FLOOR_BYTES, ((this.#wanted[session] as number) / seconds) * 1.5);
      this.#wants[count] = Math.min(sessionBytesPerSecond, wanted);
      this.#weights[count++] = 1 + (this.#urgency[session] as number);
      this.#wanted[session] = 0;
    }
    const rest = bytesPerSecond - shareSum(this.#share(count), count);
    for (let i = 0; i < count; i++) {
      // What nobody asked for is lent to all alike: it costs nothing and a sudden need finds it.
      const share = (this.#shares[i] as number) + Math.max(0, rest) / count;
      this.#rate[this.#index[i] as number] = Math.min(sessionBytesPerSecond, share);
    }
  }

  #share(count: number): Float64Array {
    return shareBytes(this.#options.bytesPerSecond, count, this.#wants, this.#weights, this.#shares);
  }
}

function shareSum(shares: Float64Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += shares[i] as number;
  return sum;
}
