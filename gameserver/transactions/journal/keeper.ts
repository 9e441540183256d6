/**
 * Keeps this pod's journal open: opens it, renews its lease, opens another when it was taken over, and takes over
 * those of pods that are gone.
 */
import { messageOf } from "../../../platform/errors.ts";
import type { Log } from "../../../platform/log.ts";
import type { Pool } from "../../../platform/postgres.ts";
import type { Redis } from "../../../platform/redis.ts";
import { warnAgain } from "../../../platform/warn-again.ts";
import type { Answer } from "../answer.ts";
import { type Clock, pause } from "../clock.ts";
import type { At } from "../crash-points.ts";
import type { Entry } from "../entry.ts";
import { closeStream, openStream } from "../ledger/streams.ts";
import { Leases, RENEW_EVERY_MS } from "./leases.ts";
import { RedisJournal } from "./redis-journal.ts";
import { takeOver } from "./takeover.ts";

/** How soon to ask again a Redis that is away, and one whose settings are wrong, ms. */
const AWAY_RETRY_MS = 250;
const REFUSED_RETRY_MS = 10_000;

export interface KeeperOptions {
  readonly redis: Redis;
  readonly pool: Pool;
  readonly log: Log;
  readonly clock: Clock;
  /** `<namespace>/<name>` and life of this server. */
  readonly server: string;
  readonly life: string;
  /** What keeps Redis from being journaled to (startup.ts): asked whenever a journal is to be opened. */
  readonly problems: () => Promise<readonly string[]>;
  readonly settle: (entry: Entry) => Promise<Answer>;
  readonly onTakeover: (entries: number) => void;
  readonly at?: At | undefined;
}

export class JournalKeeper {
  readonly #options: KeeperOptions;
  readonly #leases: Leases;
  #stream = 0;
  #journal: RedisJournal | undefined;
  #lost = false;
  /** When to try again to open a journal. */
  #tryAt = 0;
  /** Journals waiting to be taken over, or being so. */
  readonly #orphans = new Set<number>();
  #taking: Promise<void> = Promise.resolve();

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#leases = new Leases(options.redis);
  }

  /** Row of `ledger.stream` under which this pod settles. 0 until the first one is open. */
  get stream(): number {
    return this.#stream;
  }

  /** Undefined while there is none that may be appended to. */
  get journal(): RedisJournal | undefined {
    return this.#lost ? undefined : this.#journal;
  }

  /** The journal was taken over, or Redis has lost it: another one is opened at the next look. */
  fenced(): void {
    this.#lost = true;
  }

  /** Opens the first journal. Rejects when PostgreSQL is away; without Redis the stream is opened for direct mode. */
  async open(): Promise<void> {
    const { pool, server, life } = this.#options;
    this.#stream = await openStream(pool, server, life);
    this.#journal = undefined;
    this.#lost = false;
    await this.#openJournal();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#options;
    let told = false;
    while (!signal.aborted) {
      try {
        await this.#look();
        told = false;
      } catch (error) {
        if (!told) log.warn({ err: { message: messageOf(error) } }, "journal not kept");
        told = true;
      }
      await pause(clock, RENEW_EVERY_MS, signal);
    }
    // A takeover under way is not waited for: it may wait for PostgreSQL. Its claim runs out, and another begins again.
  }

  /** Gives the journal up in an orderly way. What still stands in it is for a successor, at once. */
  async close(): Promise<void> {
    if (!this.#journal) return;
    await this.#leases.end(this.#stream);
    await this.#leases.bury(this.#stream);
    await closeStream(this.#options.pool, this.#stream, "its owner");
  }

  async #look(): Promise<void> {
    if (this.#lost) {
      // Either somebody closed it, or we do: nothing more is settled under it.
      await closeStream(this.#options.pool, this.#stream, "its owner");
      await this.open();
    }
    if (!this.#journal && this.#options.clock.now() >= this.#tryAt) await this.#openJournal();
    if (!this.#journal) return;
    const orphans = await this.#leases.renew(this.#stream);
    for (const orphan of orphans) {
      if (this.#orphans.has(orphan)) continue;
      this.#orphans.add(orphan);
      this.#taking = this.#taking.then(() => this.#take(orphan)).finally(() => this.#orphans.delete(orphan));
    }
  }

  async #openJournal(): Promise<void> {
    const { redis, log, clock } = this.#options;
    try {
      const problems = await this.#options.problems();
      if (problems.length > 0) {
        this.#tryAt = clock.now() + REFUSED_RETRY_MS;
        log.error({ problems }, "no journal: Redis would not keep what it accepts; settling directly");
        return;
      }
      await this.#leases.open(this.#stream);
    } catch (error) {
      this.#tryAt = clock.now() + AWAY_RETRY_MS;
      warnAgain(log, "no journal: settling directly", error);
      return;
    }
    this.#journal = new RedisJournal(redis, this.#stream, this.#options.at);
    log.info({ stream: this.#stream }, "journal open");
  }

  async #take(orphan: number): Promise<void> {
    const { redis, pool, server, settle, log, onTakeover, at } = this.#options;
    const leases = this.#leases;
    const parts = {
      claim: (stream: number) => leases.claim(stream, this.#stream),
      unclaim: (stream: number) => leases.unclaim(stream),
      close: (stream: number) => closeStream(pool, stream, server),
      journal: (stream: number) => new RedisJournal(redis, stream),
      settle,
      bury: (stream: number) => leases.bury(stream),
      at,
    };
    try {
      const entries = await takeOver(parts, orphan);
      if (entries > 0) log.info({ stream: orphan, entries }, "journal taken over");
      onTakeover(entries);
    } catch (error) {
      log.warn({ stream: orphan, err: { message: messageOf(error) } }, "journal not taken over; tried again");
    }
  }
}
