/**
 * A pod in the simulator: the real Processor and the real takeover over simulated stores. It can be killed (nothing of
 * it ever happens again) and paused (everything of it happens later).
 */
import { hasCode } from "../../../platform/errors.ts";
import { isStoreAway } from "../../../platform/store-errors.ts";
import type { Answer } from "../answer.ts";
import type { Clock } from "../clock.ts";
import type { Entry } from "../entry.ts";
import type { Journal } from "../journal/journal.ts";
import { LEASE_MS, RENEW_EVERY_MS } from "../journal/leases.ts";
import { takeOver } from "../journal/takeover.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { mayRunAgain } from "../ledger/settle.ts";
import { Processor } from "../processor.ts";
import type { SimPostgres } from "./sim-postgres.ts";
import type { SimRedis } from "./sim-redis.ts";
import type { World } from "./world.ts";

const SWEEP_MS = 500;
const CLAIM_MS = 3_000;
/** Failures in a row that open a breaker, and how long it stays so. */
const BREAKER = { failures: 4, openMs: 300 };

/** A breaker with the behaviour of the real one and without its timers. */
class SimBreaker {
  readonly #clock: Clock;
  #failures = 0;
  #until = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get open(): boolean {
    return this.#clock.now() < this.#until;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.open) throw new Error("Connection is closed.");
    try {
      const result = await work();
      this.#failures = 0;
      return result;
    } catch (error) {
      if (isStoreAway(error) && ++this.#failures >= BREAKER.failures) {
        this.#failures = 0;
        this.#until = this.#clock.now() + BREAKER.openMs;
      }
      throw error;
    }
  }
}

export class SimPod {
  readonly processor: Processor;
  readonly #world: World;
  readonly #redis: SimRedis;
  readonly #postgres: SimPostgres;
  readonly #clock: Clock;
  #stream = 0;
  #journal: Journal | undefined;
  #lost = false;
  #dead = false;
  #pausedUntil = 0;
  readonly #taking = new Set<number>();

  constructor(world: World, redis: SimRedis, postgres: SimPostgres) {
    this.#world = world;
    this.#redis = redis;
    this.#postgres = postgres;
    this.#clock = { now: () => world.clock.now(), after: (ms, act) => this.#after(ms, act) };
    const journalBreaker = new SimBreaker(this.#clock);
    const settleBreaker = new SimBreaker(this.#clock);
    const ledger = postgres.ledger(() => this.#stream);
    const journalAway = () => journalBreaker.open || this.#lost || this.#journal === undefined;
    this.processor = new Processor(
      {
        journal: () => (this.#lost ? undefined : this.#journal),
        ledger: this.#alive(ledger),
        journaling: (work) => journalBreaker.run(work),
        settling: (work) => settleBreaker.run(work),
        get journalAway() {
          return journalAway();
        },
        get settleAway() {
          return settleBreaker.open;
        },
        journalShare: undefined,
        mayRunAgain,
        fenced: () => {
          this.#lost = true;
        },
      },
      {
        answered: () => {},
        settled: () => {},
        quarantined: () => {},
        delayed: () => {},
        swept: () => {},
        unreadable: () => {},
      },
      this.#clock,
    );
  }

  get dead(): boolean {
    return this.#dead;
  }

  get idle(): boolean {
    return this.processor.backlog === 0 && this.#taking.size === 0;
  }

  start(): void {
    void this.#every(RENEW_EVERY_MS, () => this.#look());
    void this.#every(SWEEP_MS, () => this.processor.sweep());
  }

  /** Longest that it took to answer while it was not paused, ms. */
  longest = 0;

  submit(entry: Entry): Promise<Answer> {
    const asked = this.#clock.now();
    const answering = this.processor.submit(entry).then((answer) => {
      if (this.#pausedUntil <= asked) this.longest = Math.max(this.longest, this.#clock.now() - asked);
      return answer;
    });
    return this.#held(answering);
  }

  kill(): void {
    this.#dead = true;
  }

  pause(ms: number): void {
    this.#pausedUntil = this.#world.clock.now() + ms;
  }

  async #look(): Promise<void> {
    if (this.#lost) {
      await this.#held(this.#postgres.closeStream(this.#stream));
      this.#journal = undefined;
      this.#stream = 0;
      this.#lost = false;
    }
    if (this.#stream === 0) this.#stream = await this.#held(this.#postgres.openStream());
    if (!this.#journal) {
      await this.#held(this.#redis.open(this.#stream, LEASE_MS));
      this.#journal = this.#alive(this.#redis.journal(this.#stream));
    }
    for (const orphan of await this.#held(this.#redis.renew(this.#stream, LEASE_MS))) {
      if (orphan !== this.#stream && !this.#taking.has(orphan)) void this.#take(orphan);
    }
  }

  async #take(orphan: number): Promise<void> {
    this.#taking.add(orphan);
    const parts = this.#alive({
      claim: (stream: number) => this.#redis.claim(stream, this.#stream, CLAIM_MS),
      unclaim: (stream: number) => this.#redis.unclaim(stream),
      close: (stream: number) => this.#postgres.closeStream(stream),
      bury: (stream: number) => this.#redis.bury(stream),
    });
    const journal = (stream: number) => this.#alive(this.#redis.journal(stream));
    const settle = (entry: Entry) => this.#held(this.processor.settleForeign(entry));
    await takeOver({ ...parts, journal, settle }, orphan).catch(() => {});
    this.#taking.delete(orphan);
  }

  async #every(ms: number, work: () => Promise<void>): Promise<void> {
    while (!this.#dead) {
      await work().catch((error: unknown) => {
        if (!isStoreAway(error) && !hasCode(error, "FENCED")) throw error;
      });
      await new Promise<void>((resolve) => this.#clock.after(ms, resolve));
    }
  }

  /** The pod's own timers: never once it is dead, late while it is paused. */
  #after(ms: number, act: () => void): () => void {
    let off = false;
    const fire = () => {
      if (off || this.#dead) return;
      const left = this.#pausedUntil - this.#world.clock.now();
      if (left > 0) this.#world.clock.after(left, fire);
      else act();
    };
    this.#world.clock.after(ms, fire);
    return () => {
      off = true;
    };
  }

  /** An answer reaches the pod only when it lives, and not while it is paused. */
  #held<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.#after(0, () => resolve(value)),
        (error: unknown) => this.#after(0, () => reject(error)),
      );
    });
  }

  #alive<T extends Ledger | Journal | Record<string, (stream: number) => Promise<unknown>>>(port: T): T {
    const entries = Object.entries(port) as [string, (...args: never[]) => Promise<unknown>][];
    return Object.fromEntries(
      entries.map(([name, call]) => [name, (...args: never[]) => this.#held(call(...args))]),
    ) as unknown as T;
  }
}
