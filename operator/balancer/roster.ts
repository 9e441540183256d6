/**
 * The roster: what the leading operator tells allocators and pods about fleets and servers, through Redis.
 *
 * Written on change and, all of it, every `REPUBLISH_MS`, since Redis may have lost it. What could not be written is
 * tried again with the next round; nobody waits for it.
 */
import { loop } from "../../platform/background.ts";
import { sameJson } from "../../platform/json.ts";
import type { Log } from "../../platform/log.ts";
import type { Redis } from "../../platform/redis.ts";
import { warnAgain } from "../../platform/warn-again.ts";
import { type FleetKey, type FleetRecord, keys, type RosterEntry } from "../../protocol/directory.ts";

export const REPUBLISH_MS = 10_000;

interface FleetPage {
  record: FleetRecord | undefined;
  readonly servers: Map<string, RosterEntry>;
}

export class Roster {
  readonly #redis: Redis;
  readonly #log: Log;
  readonly #check: () => void;
  readonly #fleets = new Map<FleetKey, FleetPage>();

  /** `check` throws when this process does not lead: a paused leader that wakes must not tell what it last knew. */
  constructor(redis: Redis, log: Log, check: () => void) {
    this.#redis = redis;
    this.#log = log;
    this.#check = check;
  }

  run(signal: AbortSignal): Promise<void> {
    const onError = (error: unknown) => this.#warn(error);
    return loop(() => this.republish(), { everyMs: REPUBLISH_MS, signal, onError });
  }

  setFleet(fleet: FleetKey, record: FleetRecord): void {
    const page = this.#page(fleet);
    if (sameJson(page.record, record)) return;
    page.record = record;
    this.#send(() =>
      this.#redis.multi().sadd(keys.fleets(), fleet).set(keys.fleet(fleet), JSON.stringify(record)).exec(),
    );
  }

  removeFleet(fleet: FleetKey): void {
    this.#fleets.delete(fleet);
    this.#send(() =>
      this.#redis.multi().srem(keys.fleets(), fleet).del(keys.fleet(fleet), keys.roster(fleet)).exec(),
    );
  }

  setServer(fleet: FleetKey, name: string, entry: RosterEntry): void {
    const { servers } = this.#page(fleet);
    if (sameJson(servers.get(name), entry)) return;
    servers.set(name, entry);
    this.#send(() => this.#redis.hset(keys.roster(fleet), name, JSON.stringify(entry)));
  }

  removeServer(fleet: FleetKey, name: string): void {
    if (!this.#page(fleet).servers.delete(name)) return;
    this.#send(() => this.#redis.hdel(keys.roster(fleet), name));
  }

  /** Entry of one server as it was last told. */
  server(fleet: FleetKey, name: string): RosterEntry | undefined {
    return this.#fleets.get(fleet)?.servers.get(name);
  }

  /** Writes everything, and takes out what Redis has and we do not. */
  async republish(): Promise<void> {
    this.#check();
    const known = await this.#redis.smembers(keys.fleets());
    for (const fleet of known) if (!this.#fleets.has(fleet)) this.removeFleet(fleet);
    for (const [fleet, page] of this.#fleets) {
      const batch = this.#redis.multi().sadd(keys.fleets(), fleet).del(keys.roster(fleet));
      if (page.record) batch.set(keys.fleet(fleet), JSON.stringify(page.record));
      const entries = [...page.servers].flatMap(([name, entry]) => [name, JSON.stringify(entry)]);
      if (entries.length > 0) batch.hset(keys.roster(fleet), ...entries);
      await batch.exec();
    }
  }

  #page(fleet: FleetKey): FleetPage {
    let page = this.#fleets.get(fleet);
    if (!page) {
      page = { record: undefined, servers: new Map() };
      this.#fleets.set(fleet, page);
    }
    return page;
  }

  #send(write: () => Promise<unknown>): void {
    const guarded = async () => {
      this.#check();
      await write();
    };
    guarded().catch((error: unknown) => this.#warn(error));
  }

  #warn(error: unknown): void {
    warnAgain(this.#log, "roster not written", error);
  }
}
