/** What a run has in common: time, chance, and how bad things are just now. */
import type { VirtualClock } from "./virtual-clock.ts";

/** Probabilities of the faults that strike single calls. */
export interface Weather {
  readonly duplicate: number;
  readonly redisRefuses: number;
  readonly redisDeaf: number;
  readonly postgresRefuses: number;
  readonly commitUnknown: number;
  readonly collision: number;
  /** Another batch has a wallet in hand. */
  readonly taken: number;
}

export const CALM: Weather = {
  duplicate: 0,
  redisRefuses: 0,
  redisDeaf: 0,
  postgresRefuses: 0,
  commitUnknown: 0,
  collision: 0,
  taken: 0,
};

export class World {
  readonly clock: VirtualClock;
  readonly random: () => number;
  weather: Weather = CALM;
  /** Longest answer of a store, ms; most are far quicker. */
  slowest: Readonly<Record<"redis" | "postgres", number>> = { redis: 5, postgres: 20 };

  constructor(clock: VirtualClock, random: () => number) {
    this.clock = clock;
    this.random = random;
  }

  chance(fault: keyof Weather): boolean {
    return this.random() < this.weather[fault];
  }

  latency(store: "redis" | "postgres"): number {
    return this.slowest[store] * this.random() ** 3;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.random();
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)] as T;
  }
}
