/**
 * Redis as far as the journal uses it, with its faults: slow, deaf (the answer is lost, the write is not), away, killed
 * (what was answered is there again: appendfsync always), and duplicating.
 */
import { fail } from "../../../platform/errors.ts";
import { decodeEntry, type Entry, encodeEntry } from "../entry.ts";
import type { Journal, Journaled, Ref } from "../journal/journal.ts";
import type { World } from "./world.ts";

interface Stream {
  readonly entries: Map<Ref, string>;
}

export class SimRedis {
  readonly #world: World;
  readonly #streams = new Map<number, Stream>();
  readonly #leases = new Map<number, number>();
  /** Holder and end of each claim, by the claimed stream. */
  readonly #claims = new Map<number, { readonly holder: number; readonly until: number }>();
  #serial = 0;
  away = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** Entries that stand in any journal. */
  get size(): number {
    let size = 0;
    for (const { entries } of this.#streams.values()) size += entries.size;
    return size;
  }

  /** Journals there are, with an owner or without. */
  get journals(): number {
    return this.#streams.size;
  }

  /** Makes a journal and its lease. */
  open(stream: number, leaseMs: number): Promise<void> {
    return this.#command(() => {
      this.#leases.set(stream, this.#world.clock.now() + leaseMs);
      if (!this.#streams.has(stream)) this.#streams.set(stream, { entries: new Map() });
    });
  }

  /** Renews a lease and answers the streams without an owner. */
  renew(stream: number, leaseMs: number): Promise<number[]> {
    return this.#command(() => {
      const now = this.#world.clock.now();
      this.#leases.set(stream, now + leaseMs);
      return [...this.#leases].filter(([, until]) => until < now).map(([id]) => id);
    });
  }

  /** A claim counts as long as its holder's stream has its lease. */
  claim(stream: number, mine: number, ms: number): Promise<boolean> {
    return this.#command(() => {
      const now = this.#world.clock.now();
      const claim = this.#claims.get(stream);
      if (claim && claim.until > now && (this.#leases.get(claim.holder) ?? 0) >= now) return false;
      this.#claims.set(stream, { holder: mine, until: now + ms });
      return true;
    });
  }

  unclaim(stream: number): Promise<void> {
    return this.#command(() => void this.#claims.delete(stream));
  }

  bury(stream: number): Promise<boolean> {
    return this.#command(() => {
      if ((this.#leases.get(stream) ?? 0) >= this.#world.clock.now()) return false;
      if ((this.#streams.get(stream)?.entries.size ?? 0) > 0) return false;
      this.#streams.delete(stream);
      this.#leases.delete(stream);
      return true;
    });
  }

  journal(stream: number): Journal {
    return {
      append: (entries: readonly Entry[]) =>
        this.#command(() => {
          const found = this.#streams.get(stream);
          if (!found) throw fail("FENCED", `journal ${stream} is gone`);
          const write = () =>
            entries.map((entry) => {
              const ref = this.#ref();
              found.entries.set(ref, encodeEntry(entry));
              return ref;
            });
          const refs = write();
          // A client library that sends again after a reconnect.
          if (this.#world.chance("duplicate")) write();
          return refs;
        }),
      remove: (refs: readonly Ref[]) =>
        this.#command(() => {
          for (const ref of refs) this.#streams.get(stream)?.entries.delete(ref);
        }),
      read: (after: Ref | undefined, count: number) =>
        this.#command((): Journaled[] => {
          const all = [...(this.#streams.get(stream)?.entries ?? [])];
          const from = after === undefined ? 0 : all.findIndex(([ref]) => later(ref, after));
          if (from < 0) return [];
          return all
            .slice(from, from + count)
            .map(([ref, text]) => ({ ref, text, entry: decodeEntry(text) }));
        }),
    };
  }

  #ref(): Ref {
    return `${Math.floor(this.#world.clock.now())}-${this.#serial++}`;
  }

  /** One command: takes a while, and may fail before or after it had its effect. */
  async #command<T>(act: () => T): Promise<T> {
    const { world } = this;
    await world.clock.sleep(world.latency("redis"));
    if (this.away || world.chance("redisRefuses")) throw storeError("Connection is closed.");
    const result = act();
    await world.clock.sleep(world.latency("redis"));
    if (this.away || world.chance("redisDeaf")) throw storeError("Command timed out");
    return result;
  }

  get world(): World {
    return this.#world;
  }
}

/** As ioredis and pg say it when a store is away. */
export const storeError = (message: string): Error => new Error(message);

const later = (a: Ref, b: Ref): boolean => {
  const [at = 0, an = 0] = a.split("-").map(Number);
  const [bt = 0, bn = 0] = b.split("-").map(Number);
  return at > bt || (at === bt && an > bn);
};
