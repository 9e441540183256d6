/**
 * From what is known of a session to how often, and how soon, it is served. Pure arithmetic.
 *
 * Each factor adds its points to a session's *urgency*; points and who gets how many are this page and nothing else.
 * Urgency and the ladder's effects give a plan: period, band, deadline. Points are kept per factor, so that a change
 * of one costs one subtraction and one addition (`FactorTable`).
 */
import { BAND, type Band } from "./bands.ts";
import type { Effects } from "./effects.ts";

/** Steps of the simulation in a second: periods count in ticks. */
const TICK_HZ = 60;
/** 20 a second: more is not seen, and costs as much again. */
const MIN_PERIOD = 3;
const MAX_PERIOD = 60;
/** Without an input for this long a player counts as away, seconds. */
export const AFK_SECONDS = 30;
/** From here on a session is served like one that fights. */
export const ENGAGED_URGENCY = 70;
/** A spectator sees the world; he does not steer in it. */
const SPECTATOR_HZ = 10;

export interface SessionFactors {
  /** Sessions in the same zone, this one included. */
  readonly players: number;
  readonly spectator: boolean;
  /** In a fight, as the game says (`Zone.engage`). */
  readonly engaged: boolean;
  /** Inputs a second lately. */
  readonly inputHz: number;
  /** Seconds since the last input. */
  readonly idleSeconds: number;
  /** Round trip, ms; 0 when not known. */
  readonly latencyMs: number;
  /** Spectators who watch this player. */
  readonly watchers: number;
  /** Given by the game (`Zone.weigh`), 0 … 4; 1 is normal. */
  readonly weight: number;
}

export const CALM: SessionFactors = {
  players: 1,
  spectator: false,
  engaged: false,
  inputHz: 0,
  idleSeconds: 0,
  latencyMs: 0,
  watchers: 0,
  weight: 1,
};

export interface RatePlan {
  /** Ticks between two updates, 3 … 60. */
  periodTicks: number;
  band: Band;
  /** From when it is due until it must have been written, ms. */
  deadlineMs: number;
  /** 0 … 100; also the weight in byte budgets. */
  urgency: number;
}

export const FACTORS = [
  "players",
  "spectator",
  "engaged",
  "inputHz",
  "idleSeconds",
  "latencyMs",
  "watchers",
  "weight",
] as const;
export type Factor = (typeof FACTORS)[number];

/** The number of each factor, for a table that is asked thousands of times a second. */
export const FACTOR = Object.fromEntries(FACTORS.map((factor, place) => [factor, place])) as Readonly<
  Record<Factor, number>
>;

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value));

/** Points of one factor. Sums to 30 for a calm player alone in a zone. */
export function points(factor: Factor, value: number): number {
  switch (factor) {
    // With others near there is something to be late for.
    case "players":
      return clamp(Math.log2(Math.max(1, value)), 0, 5);
    case "spectator":
      return value > 0 ? 10 : 30;
    case "engaged":
      return value > 0 ? 40 : 0;
    case "inputHz":
      return clamp(value * 1.5, 0, 15);
    // Slipping away by and by: nobody notices the step.
    case "idleSeconds":
      return -clamp((value / AFK_SECONDS) * 20, 0, 20);
    // Whoever is far away has waited already; beyond half a second nothing helps.
    case "latencyMs":
      return clamp(value / 50, 0, 10);
    case "watchers":
      return clamp(Math.log2(1 + Math.max(0, value)) * 4, 0, 16);
    case "weight":
      return (clamp(value, 0, 4) - 1) * 10;
  }
}

/** Urgency of a session, 0 … 100. */
export function urgencyOf(factors: SessionFactors): number {
  let sum = 0;
  for (const factor of FACTORS) sum += points(factor, Number(factors[factor]));
  return clamp(sum, 0, 100);
}

/**
 * How a session is served now. `baseHz` is the game's `updateHz`. `out` is filled and returned, so that a caller
 * with thousands of sessions makes no garbage.
 */
export function ratePlan(
  factors: SessionFactors,
  effects: Effects,
  baseHz: number,
  out: RatePlan = { periodTicks: 0, band: BAND.active, deadlineMs: 0, urgency: 0 },
): RatePlan {
  return planFrom(urgencyOf(factors), factors, effects, baseHz, out);
}

/** The same for a caller that has the urgency already. */
export function planFrom(
  urgency: number,
  state: Pick<SessionFactors, "spectator" | "engaged" | "idleSeconds">,
  effects: Effects,
  baseHz: number,
  out: RatePlan,
): RatePlan {
  const engaged = state.engaged || (urgency >= ENGAGED_URGENCY && !state.spectator);
  const away = !engaged && state.idleSeconds >= AFK_SECONDS;
  const calmHz = Math.min(baseHz * effects.calmRateShare, effects.engagedHz);
  let hz = calmHz;
  if (engaged) hz = Math.max(effects.engagedHz, calmHz);
  else if (state.spectator) hz = Math.min(calmHz, SPECTATOR_HZ);
  if (away) hz = Math.min(hz, effects.afkHz);
  out.periodTicks = clamp(Math.round(TICK_HZ / hz), MIN_PERIOD, MAX_PERIOD);
  out.band = engaged ? BAND.engaged : away || state.spectator ? BAND.calm : BAND.active;
  out.deadlineMs = deadlineMs(urgency, out.periodTicks);
  out.urgency = urgency;
  return out;
}

/** 8 ms at the highest urgency to 33 ms at the lowest, but never beyond half the period. */
function deadlineMs(urgency: number, periodTicks: number): number {
  return Math.min(33 - urgency * 0.25, (periodTicks * 1_000) / TICK_HZ / 2);
}

/** Urgency of many sessions by index, kept up to date factor by factor. Fixed capacity. */
export class FactorTable {
  readonly #points: Float32Array;
  readonly #values: Float32Array;
  readonly #sum: Float32Array;

  constructor(capacity: number) {
    this.#points = new Float32Array(capacity * FACTORS.length);
    this.#values = new Float32Array(capacity * FACTORS.length);
    this.#sum = new Float32Array(capacity);
  }

  /** Starts a session with these factors. */
  reset(index: number, factors: SessionFactors = CALM): void {
    const from = index * FACTORS.length;
    this.#sum[index] = 0;
    this.#points.fill(0, from, from + FACTORS.length);
    // Equal to nothing: each factor counts anew.
    this.#values.fill(Number.NaN, from, from + FACTORS.length);
    for (const factor of FACTORS) this.set(index, FACTOR[factor], Number(factors[factor]));
  }

  /** Gives factor number `factor` a value. True when it had another: only then may the plan be another. */
  set(index: number, factor: number, value: number): boolean {
    const at = index * FACTORS.length + factor;
    // Most factors of most sessions are what they were at the last look.
    if (this.#values[at] === Math.fround(value)) return false;
    const after = points(FACTORS[factor] as Factor, value);
    this.#sum[index] = (this.#sum[index] as number) - (this.#points[at] as number) + after;
    this.#values[at] = value;
    this.#points[at] = after;
    return true;
  }

  get(index: number, factor: number): number {
    return this.#values[index * FACTORS.length + factor] as number;
  }

  urgency(index: number): number {
    return clamp(this.#sum[index] as number, 0, 100);
  }

  plan(index: number, effects: Effects, baseHz: number, out: RatePlan): RatePlan {
    STATE.spectator = this.get(index, FACTOR.spectator) > 0;
    STATE.engaged = this.get(index, FACTOR.engaged) > 0;
    STATE.idleSeconds = this.get(index, FACTOR.idleSeconds);
    return planFrom(this.urgency(index), STATE, effects, baseHz, out);
  }
}

/** Reused by `plan`: one thread, never kept. */
const STATE = { spectator: false, engaged: false, idleSeconds: 0 };
