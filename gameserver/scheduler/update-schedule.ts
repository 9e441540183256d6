/**
 * Which sessions of an I/O thread are due for an update, and in which order: a wheel of ticks for those that are not
 * due, a queue by deadline for those that are.
 *
 * Use, each tick: `begin(tick, now)`; then `next(now)` until it answers −1 or the time for this tick is used up, each
 * followed by `done(session)`. What was not reached stays due, with its deadline, and comes first in the next tick.
 * Sessions are small integers the caller gives out. Nothing is allocated after construction; every call but `begin`
 * costs the same however many sessions there are.
 *
 * Each session has its place in the period, by its number, and comes back to it after a stall or a change of its rate:
 * if each were due a period after it was served, whoever was late together would be due together from then on, and ticks
 * with everybody in them would be late for ever, at half the load as well.
 */
import { BAND, type Band } from "./bands.ts";
import type { RatePlan } from "./factors.ts";
import { PlayerQueue } from "./player-queue.ts";

/** A power of two above the longest period. */
const WHEEL = 64;
const TICK_MS = 1_000 / 60;
const STATE = { free: 0, wheel: 1, ready: 2, taken: 3 } as const;

export interface UpdateStats {
  /** Updates taken by `next`. */
  readonly taken: number;
  /** Of these, how many were taken after their deadline, by band 0 … 2. */
  readonly missed: readonly number[];
  /** Most that one was late since the last call, ms. */
  readonly worstLateMs: number;
}

export class UpdateSchedule {
  readonly #queue: PlayerQueue;
  readonly #state: Uint8Array;
  readonly #band: Uint8Array;
  readonly #period: Uint8Array;
  readonly #deadlineMs: Float32Array;
  /** Tick at which it is, or was last, due. */
  readonly #due: Float64Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #wheel = new Int32Array(WHEEL).fill(-1);
  readonly #missed: number[] = [0, 0, 0];
  #tick = 0;
  #now = 0;
  #taken = 0;
  #worst = 0;

  constructor(capacity: number) {
    this.#queue = new PlayerQueue(capacity);
    this.#state = new Uint8Array(capacity);
    this.#band = new Uint8Array(capacity);
    this.#period = new Uint8Array(capacity);
    this.#deadlineMs = new Float32Array(capacity);
    this.#due = new Float64Array(capacity);
    this.#next = new Int32Array(capacity).fill(-1);
    this.#previous = new Int32Array(capacity).fill(-1);
  }

  /** Sessions that are due now. */
  get ready(): number {
    return this.#queue.size;
  }

  /** Enters a session. Neighbours in number get different phases: a crowd that joins together is spread. */
  add(session: number, plan: RatePlan): void {
    this.#keep(session, plan);
    this.#intoWheel(session, this.#phased(session, this.#tick + 1));
  }

  remove(session: number): void {
    const state = this.#state[session];
    if (state === STATE.wheel) this.#outOfWheel(session);
    else if (state === STATE.ready) this.#queue.remove(session);
    this.#state[session] = STATE.free;
  }

  /** Whether `plan` serves a session otherwise than its present one: another period or band, a deadline by 1 ms. */
  differs(session: number, plan: RatePlan): boolean {
    return (
      this.#period[session] !== plan.periodTicks ||
      this.#band[session] !== plan.band ||
      Math.abs((this.#deadlineMs[session] as number) - plan.deadlineMs) >= 1
    );
  }

  /** A session's factors or the ladder have changed: moves it at once, waiting or due. */
  replan(session: number, plan: RatePlan): void {
    const state = this.#state[session];
    if (state === STATE.free) return;
    const periodBefore = this.#period[session] as number;
    const deadlineBefore = this.#deadlineMs[session] as number;
    this.#keep(session, plan);
    if (state === STATE.ready) {
      const key = this.#queue.deadline(session) - deadlineBefore + (this.#deadlineMs[session] as number);
      this.#queue.change(session, plan.band, key);
    } else if (state === STATE.wheel && periodBefore !== plan.periodTicks) {
      const last = (this.#due[session] as number) - periodBefore;
      this.#outOfWheel(session);
      this.#intoWheel(session, Math.max(this.#tick + 1, last + plan.periodTicks));
    }
  }

  /** Tick number `tick` is there (others may have been passed over): whoever is due by it becomes ready. */
  begin(tick: number, nowMs: number): void {
    // After a jump of a whole turn every place has been passed; one turn finds them all.
    const from = Math.max(this.#tick + 1, tick - WHEEL + 1);
    this.#now = nowMs;
    for (let at = from; at <= tick; at++) this.#turn(at & (WHEEL - 1), tick);
    this.#tick = tick;
  }

  /** The session to serve now, or −1. The caller serves it and says `done`. */
  next(nowMs: number): number {
    const session = this.#queue.peek(nowMs);
    if (session < 0) return -1;
    const late = nowMs - this.#queue.deadline(session);
    this.#queue.remove(session);
    this.#state[session] = STATE.taken;
    this.#taken++;
    if (late > 0) {
      const band = this.#band[session] as number;
      this.#missed[band] = (this.#missed[band] ?? 0) + 1;
      if (late > this.#worst) this.#worst = late;
    }
    return session;
  }

  /**
   * Served: due again a period after it was due. Had it become that late, turns are lost; and where its period is a new
   * one, it is half of it to one and a half until its place.
   */
  done(session: number): void {
    if (this.#state[session] !== STATE.taken) return;
    const from = (this.#due[session] as number) + Math.ceil((this.#period[session] as number) / 2);
    this.#intoWheel(session, this.#phased(session, Math.max(from, this.#tick + 1)));
  }

  /** Counts since construction; `worstLateMs` since the last call. */
  stats(): UpdateStats {
    const worstLateMs = this.#worst;
    this.#worst = 0;
    return { taken: this.#taken, missed: [...this.#missed], worstLateMs };
  }

  /** The first tick of its phase from `tick` on. */
  #phased(session: number, tick: number): number {
    const period = this.#period[session] as number;
    return tick + ((((session + 1 - tick) % period) + period) % period);
  }

  #keep(session: number, plan: RatePlan): void {
    this.#band[session] = plan.band;
    this.#period[session] = Math.min(plan.periodTicks, WHEEL - 1);
    this.#deadlineMs[session] = plan.deadlineMs;
  }

  #intoWheel(session: number, due: number): void {
    const place = due & (WHEEL - 1);
    const head = this.#wheel[place] as number;
    this.#due[session] = due;
    this.#state[session] = STATE.wheel;
    this.#next[session] = head;
    this.#previous[session] = -1;
    if (head >= 0) this.#previous[head] = session;
    this.#wheel[place] = session;
  }

  #outOfWheel(session: number): void {
    const next = this.#next[session] as number;
    const previous = this.#previous[session] as number;
    if (previous >= 0) this.#next[previous] = next;
    else this.#wheel[(this.#due[session] as number) & (WHEEL - 1)] = next;
    if (next >= 0) this.#previous[next] = previous;
  }

  /** Empties one place of the wheel: what is due by `tick` becomes ready. */
  #turn(place: number, tick: number): void {
    let session = this.#wheel[place] as number;
    while (session >= 0) {
      const following = this.#next[session] as number;
      if ((this.#due[session] as number) <= tick) {
        this.#outOfWheel(session);
        this.#state[session] = STATE.ready;
        const band = (this.#band[session] ?? BAND.active) as Band;
        // Due since its own tick, even if this thread comes only now.
        const dueMs = this.#now - (tick - (this.#due[session] as number)) * TICK_MS;
        this.#queue.push(session, band, dueMs + (this.#deadlineMs[session] as number));
      }
      session = following;
    }
  }
}
