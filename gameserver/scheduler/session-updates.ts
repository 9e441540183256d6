/**
 * The sessions of one I/O thread and their updates: keeps each session's factors, plans its rate from them and from
 * the ladder, and says each tick who is to be served, in which order.
 *
 * Use: `enter` and `leave` with the socket; `heard` for each input; `begin` once a tick; then `serve`, again until it
 * answers false, with whatever else the thread has to do in between. A fight, an input after a long silence or a game's
 * new weight moves a session at once; slow factors are looked at when it is served. A step of the ladder reaches each
 * session with its next update, a faster plan at once.
 */
import { BAND } from "./bands.ts";
import type { Effects, Stance } from "./effects.ts";
import { AFK_SECONDS, FACTOR, FactorTable, type RatePlan } from "./factors.ts";
import { UpdateSchedule } from "./update-schedule.ts";

/** All sessions are looked over for a fight once in so many ticks: 67 ms. */
const ROUND_TICKS = 4;
/** The clock is looked at after so many updates. */
const LOOK_UPDATES = 8;
/** Weight of the newest second in the mean input rate. */
const INPUT_SHARE = 0.3;
const TICK_HZ = 60;

/** What is asked of a session when its factors are looked at; answered from shared memory. */
export interface SessionFacts<S> {
  /** In a fight as of the newest tick. */
  engaged(session: S): boolean;
  weight(session: S): number;
  /** Sessions in its zone. */
  players(session: S): number;
  watchers(session: S): number;
  spectator(session: S): boolean;
  /** Round trip, ms; 0 when not known. */
  latencyMs(session: S): number;
}

export class SessionUpdates<S> {
  readonly schedule: UpdateSchedule;
  readonly #facts: SessionFacts<S>;
  readonly #stance: Pick<Stance, "effects">;
  readonly #baseHz: number;
  readonly #factors: FactorTable;
  readonly #sessions: (S | undefined)[];
  readonly #free: number[];
  /** Tick of the last input; inputs since the last look. */
  readonly #heardAt: Float64Array;
  readonly #inputs: Float64Array;
  readonly #lookedAt: Float64Array;
  readonly #plan: RatePlan = { periodTicks: 6, band: BAND.active, deadlineMs: 16, urgency: 0 };
  /** Turn of the ladder at which each session was planned last. */
  readonly #plannedAt: Float64Array;
  #effects: Effects;
  #turn = 0;
  #tick = 0;
  #round = 0;
  #high = 0;

  constructor(capacity: number, baseHz: number, stance: Pick<Stance, "effects">, facts: SessionFacts<S>) {
    this.schedule = new UpdateSchedule(capacity);
    this.#facts = facts;
    this.#stance = stance;
    this.#baseHz = baseHz;
    this.#factors = new FactorTable(capacity);
    this.#sessions = Array.from({ length: capacity });
    this.#free = Array.from({ length: capacity }, (_, index) => capacity - 1 - index);
    this.#heardAt = new Float64Array(capacity);
    this.#inputs = new Float64Array(capacity);
    this.#lookedAt = new Float64Array(capacity);
    this.#plannedAt = new Float64Array(capacity);
    this.#effects = stance.effects;
  }

  /** A session has a socket now. Answers the index it is known by until `leave`, or −1 when the table is full. */
  enter(session: S): number {
    const index = this.#free.pop();
    if (index === undefined) return -1;
    this.#sessions[index] = session;
    this.#high = Math.max(this.#high, index + 1);
    this.#heardAt[index] = this.#tick;
    this.#inputs[index] = 0;
    this.#lookedAt[index] = this.#tick;
    this.#standing();
    this.#factors.reset(index);
    this.#look(index, session);
    this.schedule.add(index, this.#planned(index));
    return index;
  }

  leave(index: number): void {
    if (this.#sessions[index] === undefined) return;
    this.#sessions[index] = undefined;
    this.schedule.remove(index);
    this.#free.push(index);
  }

  /** An input has come. Who was away is there again, at once. */
  heard(index: number): void {
    const session = this.#sessions[index];
    if (session === undefined) return;
    const away = this.#tick - (this.#heardAt[index] as number) >= AFK_SECONDS * TICK_HZ;
    this.#heardAt[index] = this.#tick;
    this.#inputs[index] = (this.#inputs[index] as number) + 1;
    if (!away) return;
    this.#factors.set(index, FACTOR.idleSeconds, 0);
    this.schedule.replan(index, this.#planned(index));
  }

  /** Urgency of a session (0 … 100), for byte budgets. */
  urgency(index: number): number {
    return this.#factors.urgency(index);
  }

  /** A tick is there: whoever is due by it is ready to be served. */
  begin(tick: number, nowMs: number): void {
    this.#tick = tick;
    this.#standing();
    this.#round = (this.#round + 1) % ROUND_TICKS;
    for (let index = this.#round; index < this.#high; index += ROUND_TICKS) {
      const session = this.#sessions[index];
      if (session === undefined) continue;
      const fights = this.#facts.engaged(session) ? 1 : 0;
      if (!this.#factors.set(index, FACTOR.engaged, fights)) continue;
      this.schedule.replan(index, this.#planned(index));
    }
    this.schedule.begin(tick, nowMs);
  }

  /** Serves those that are due, most urgent first, for `budgetMs`. True when some are left. */
  serve(budgetMs: number, clock: () => number, update: (session: S, index: number) => void): boolean {
    this.#standing();
    let now = clock();
    const until = now + budgetMs;
    for (let served = 1; ; served++) {
      const index = this.schedule.next(now);
      if (index < 0) return false;
      const session = this.#sessions[index];
      if (session !== undefined) {
        update(session, index);
        if (this.#look(index, session)) this.schedule.replan(index, this.#planned(index));
      }
      this.schedule.done(index);
      if (served % LOOK_UPDATES !== 0) continue;
      now = clock();
      if (now >= until) return this.schedule.ready > 0;
    }
  }

  /**
   * Looks at all factors of a session. True when it is to be served otherwise, by them or by the ladder. Most sessions
   * are at most looks what they were at the last: those are not planned anew.
   */
  #look(index: number, session: S): boolean {
    const facts = this.#facts;
    const factors = this.#factors;
    // In whole seconds: who plays is never idle, and the plan of who does not changes once a second.
    const idle = Math.floor((this.#tick - (this.#heardAt[index] as number)) / TICK_HZ);
    let changed = factors.set(index, FACTOR.engaged, facts.engaged(session) ? 1 : 0);
    changed = factors.set(index, FACTOR.idleSeconds, idle) || changed;
    changed = factors.set(index, FACTOR.weight, facts.weight(session)) || changed;
    changed = factors.set(index, FACTOR.players, facts.players(session)) || changed;
    changed = factors.set(index, FACTOR.watchers, facts.watchers(session)) || changed;
    changed = factors.set(index, FACTOR.spectator, facts.spectator(session) ? 1 : 0) || changed;
    changed = factors.set(index, FACTOR.latencyMs, facts.latencyMs(session)) || changed;
    const ticks = this.#tick - (this.#lookedAt[index] as number);
    if (ticks >= TICK_HZ) {
      const hz = ((this.#inputs[index] as number) * TICK_HZ) / ticks;
      const mean = factors.get(index, FACTOR.inputHz);
      changed = factors.set(index, FACTOR.inputHz, mean + (hz - mean) * INPUT_SHARE) || changed;
      this.#inputs[index] = 0;
      this.#lookedAt[index] = this.#tick;
    }
    if (!changed && this.#plannedAt[index] === this.#turn) return false;
    return this.schedule.differs(index, this.#planned(index));
  }

  #planned(index: number): RatePlan {
    this.#plannedAt[index] = this.#turn;
    return this.#factors.plan(index, this.#effects, this.#baseHz, this.#plan);
  }

  /** Notices a step of the ladder. */
  #standing(): void {
    const { effects } = this.#stance;
    if (effects === this.#effects) return;
    this.#effects = effects;
    this.#turn += 1;
  }
}
