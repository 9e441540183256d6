/**
 * What the allocator knows of a fleet: rosters and load samples, read from Redis a few times a second and kept in
 * memory, so that an allocation itself reads nothing but the seats it takes.
 */
import { sleep } from "../../platform/background.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import type { Redis } from "../../platform/redis.ts";
import { type FleetKey, FleetRecord, keys, LoadSample, RosterEntry } from "../../protocol/directory.ts";

/** Time between two readings of a fleet that is asked for. */
const REFRESH_MS = 250;
/** A fleet nobody asked for in this time is forgotten. */
const IDLE_MS = 60_000;
/** A reading older than this is not trusted any more. */
const STALE_MS = 5_000;
/** Keys in one MGET. */
const CHUNK = 500;
/** How long a seat given here counts on top of what the pod reports: by then its player has come. */
const PENDING_MS = 2_000;

export interface ViewZone {
  readonly id: string;
  readonly kind: "fixed" | "on-demand";
  readonly capacity: number;
  readonly open: boolean;
  /** Sessions that play, by the pod's last sample, and those given a place since. */
  readonly taken: number;
}

export interface ViewServer {
  readonly name: string;
  readonly life: string;
  readonly address: string;
  readonly port: number;
  /** True when it may be given players: Ready by the operator and by itself. */
  readonly usable: boolean;
  readonly state: string;
  readonly capacity: number;
  readonly cpuPercent: number;
  readonly taken: number;
  readonly zones: readonly ViewZone[];
}

interface Pending {
  readonly at: number;
  readonly count: number;
}

/** One fleet as it was at the last reading, with what this process has given away since. */
export class FleetView {
  readonly key: FleetKey;
  readonly record: FleetRecord;
  readonly servers: readonly ViewServer[];
  readonly byName: ReadonlyMap<string, ViewServer>;
  /** Server by the zone it serves. */
  readonly byZone: ReadonlyMap<string, ViewServer>;

  constructor(key: FleetKey, record: FleetRecord, servers: readonly ViewServer[]) {
    this.key = key;
    this.record = record;
    this.servers = servers;
    this.byName = new Map(servers.map((server) => [server.name, server]));
    this.byZone = new Map(
      servers.flatMap((server) => server.zones.map((zone) => [zone.id, server] as const)),
    );
  }
}

interface Entry {
  view: FleetView | undefined;
  readAt: number;
  askedAt: number;
  reading: Promise<void> | undefined;
  readonly pending: Map<string, Pending[]>;
}

export class Views {
  readonly #redis: Redis;
  readonly #log: Log;
  readonly #entries = new Map<FleetKey, Entry>();

  constructor(redis: Redis, log: Log) {
    this.#redis = redis;
    this.#log = log;
  }

  /** Keeps the fleets that are asked for fresh. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(REFRESH_MS, signal);
      const now = performance.now();
      for (const [key, entry] of this.#entries) {
        if (now - entry.askedAt > IDLE_MS) this.#entries.delete(key);
        else await this.#read(key, entry).catch((error: unknown) => this.#warn(error));
      }
    }
  }

  /** The fleet, read anew when the last reading is too old; undefined when there is no such fleet. */
  async get(key: FleetKey): Promise<FleetView | undefined> {
    const now = performance.now();
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = {
        view: undefined,
        readAt: Number.NEGATIVE_INFINITY,
        askedAt: now,
        reading: undefined,
        pending: new Map(),
      };
      this.#entries.set(key, entry);
    }
    entry.askedAt = now;
    if (now - entry.readAt > STALE_MS) await this.#read(key, entry);
    return entry.view;
  }

  /** Reads now: after a zone was made, or when the view was found to be behind. */
  async refresh(key: FleetKey): Promise<FleetView | undefined> {
    const entry = this.#entries.get(key);
    if (entry) await this.#read(key, entry);
    return entry?.view;
  }

  /** Notes seats given away in a zone, until the pod's samples show them. */
  took(key: FleetKey, zone: string, count: number): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    const list = entry.pending.get(zone) ?? [];
    list.push({ at: performance.now(), count });
    entry.pending.set(zone, list);
  }

  /** Seats given away in a zone that the pod may not have reported yet. */
  pendingIn(key: FleetKey, zone: string): number {
    const entry = this.#entries.get(key);
    const list = entry?.pending.get(zone);
    if (!entry || !list) return 0;
    const from = performance.now() - PENDING_MS;
    let total = 0;
    let old = 0;
    for (const { at, count } of list) {
      if (at < from) old += 1;
      else total += count;
    }
    if (old === list.length) entry.pending.delete(zone);
    else if (old > 0) list.splice(0, old);
    return total;
  }

  #read(key: FleetKey, entry: Entry): Promise<void> {
    entry.reading ??= this.#readNow(key, entry).finally(() => {
      entry.reading = undefined;
    });
    return entry.reading;
  }

  async #readNow(key: FleetKey, entry: Entry): Promise<void> {
    const [recordText, rosterTexts] = await Promise.all([
      this.#redis.get(keys.fleet(key)),
      this.#redis.hgetall(keys.roster(key)),
    ]);
    entry.readAt = performance.now();
    if (recordText === null) {
      entry.view = undefined;
      return;
    }
    const record = FleetRecord.parse(JSON.parse(recordText));
    const roster = Object.entries(rosterTexts).map(
      ([name, text]) => [name, RosterEntry.parse(JSON.parse(text))] as const,
    );
    const samples = await this.#samples(roster.map(([name]) => `${record.namespace}/${name}`));
    entry.view = new FleetView(
      key,
      record,
      roster.map(([name, said], index) => viewOf(name, said, samples[index], record)),
    );
  }

  async #samples(servers: readonly string[]): Promise<(LoadSample | undefined)[]> {
    const out: (LoadSample | undefined)[] = [];
    for (let from = 0; from < servers.length; from += CHUNK) {
      const texts = await this.#redis.mget(servers.slice(from, from + CHUNK).map(keys.load));
      for (const text of texts) {
        const parsed = text === null ? undefined : LoadSample.safeParse(JSON.parse(text));
        out.push(parsed?.success ? parsed.data : undefined);
      }
    }
    return out;
  }

  #warn(error: unknown): void {
    this.#log.warn({ err: { message: messageOf(error) } }, "fleet view not read");
  }
}

function viewOf(
  name: string,
  said: RosterEntry,
  sample: LoadSample | undefined,
  record: FleetRecord,
): ViewServer {
  const own = sample?.life === said.life ? sample : undefined;
  return {
    name,
    life: said.life,
    address: said.address,
    port: said.port,
    usable: said.state === "Ready" && own?.state === "Ready",
    state: own?.state === "Draining" ? "Draining" : said.state,
    capacity: Math.min(own?.capacity ?? record.capacity, record.capacity),
    cpuPercent: own?.cpuPercent ?? 100,
    taken: own?.sessions ?? 0,
    zones: (own?.zones ?? []).map(({ id, kind, capacity, open, sessions }) => ({
      id,
      kind,
      capacity,
      open,
      taken: sessions,
    })),
  };
}
