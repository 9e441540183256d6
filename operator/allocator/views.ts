/**
 * Keeps a view of each fleet that is asked for fresh: read from Redis a few times a second and kept in memory, so
 * that an allocation itself reads nothing but the seats it takes.
 */
import { sleep } from "../../platform/background.ts";
import type { Log } from "../../platform/log.ts";
import type { Redis } from "../../platform/redis.ts";
import { warnAgain } from "../../platform/warn-again.ts";
import { type FleetKey, FleetRecord, keys, LoadSample, RosterEntry } from "../../protocol/directory.ts";
import { FleetView, type MadeZone, type Seat, type ViewServer, viewServer } from "./view.ts";

/** Time between two readings of a fleet that is asked for. */
const REFRESH_MS = 250;
/** A fleet nobody asked for in this time is forgotten. */
const IDLE_MS = 60_000;
/** A reading older than this is not trusted any more. */
const STALE_MS = 5_000;
/** Servers read at a time: who asks for a place meanwhile must not wait for all of them to be parsed. */
const CHUNK = 16;
/** How long a seat given here counts on top of what the pod reports: by then its player has come. */
const PENDING_MS = 2_000;
/** How long a zone made here is shown from here: by then the pod's samples show it to everybody. */
const MADE_MS = 3_000;

interface Given extends Seat {
  readonly at: number;
}

interface Made extends MadeZone {
  readonly until: number;
}

interface Entry {
  view: FleetView | undefined;
  readAt: number;
  askedAt: number;
  reading: Promise<void> | undefined;
  /** Seats given away here of late, oldest first. */
  given: Given[];
  /** Zones made here of late. Their counts of taken seats live on from view to view: no sample speaks of them. */
  made: Made[];
  /** Samples as last parsed: most readings bring the same text again. */
  readonly parsed: Map<string, { readonly text: string; readonly sample: LoadSample | undefined }>;
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
      const never = Number.NEGATIVE_INFINITY;
      entry = {
        view: undefined,
        readAt: never,
        askedAt: now,
        reading: undefined,
        given: [],
        made: [],
        parsed: new Map(),
      };
      this.#entries.set(key, entry);
    }
    entry.askedAt = now;
    if (now - entry.readAt > STALE_MS) await this.#read(key, entry);
    return entry.view;
  }

  /**
   * Counts seats as taken until the pod's samples show them, from the moment they are asked for: who asks next must
   * not choose what is about to be gone. Returns how to free them again.
   */
  hold(key: FleetKey, seat: Seat): () => void {
    const entry = this.#entries.get(key);
    const given = { ...seat, at: performance.now() };
    entry?.given.push(given);
    entry?.view?.take(seat);
    return () => {
      const index = entry?.given.lastIndexOf(given) ?? -1;
      if (index < 0) return;
      entry?.given.splice(index, 1);
      entry?.view?.take({ ...seat, count: -seat.count });
    };
  }

  /** Shows a zone that was just made, until the pod's samples do. */
  made(key: FleetKey, made: MadeZone): void {
    const entry = this.#entries.get(key);
    entry?.made.push({ ...made, until: performance.now() + MADE_MS });
    entry?.view?.addMade(made);
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
    const readAt = performance.now();
    if (recordText === null) {
      entry.readAt = readAt;
      entry.view = undefined;
      return;
    }
    const record = FleetRecord.parse(JSON.parse(recordText));
    const names = Object.keys(rosterTexts);
    const servers: ViewServer[] = [];
    for (let from = 0; from < names.length; from += CHUNK) {
      const some = names.slice(from, from + CHUNK);
      const texts = await this.#redis.mget(some.map((name) => keys.load(`${record.namespace}/${name}`)));
      for (const [index, name] of some.entries()) {
        const said = RosterEntry.parse(JSON.parse(rosterTexts[name] ?? ""));
        servers.push(viewServer(name, said, parseSample(entry, name, texts[index] ?? null), record));
      }
    }
    for (const name of entry.parsed.keys()) if (!(name in rosterTexts)) entry.parsed.delete(name);
    const view = new FleetView(key, record, servers);
    const now = performance.now();
    entry.given = entry.given.filter((seat) => seat.at >= now - PENDING_MS);
    for (const seat of entry.given) view.take(seat);
    // After the seats: those of these zones are in their own counts.
    entry.made = entry.made.filter(({ until }) => until > now);
    for (const zone of entry.made) view.addMade(zone);
    // Both at once: who asks while the first reading is going on waits for it, instead of being told "no such fleet".
    entry.readAt = readAt;
    entry.view = view;
  }

  #warn(error: unknown): void {
    warnAgain(this.#log, "fleet view not read", error);
  }
}

function parseSample({ parsed }: Entry, name: string, text: string | null): LoadSample | undefined {
  if (text === null) return undefined;
  const before = parsed.get(name);
  if (before?.text === text) return before.sample;
  const result = LoadSample.safeParse(JSON.parse(text));
  const sample = result.success ? result.data : undefined;
  parsed.set(name, { text, sample });
  return sample;
}
