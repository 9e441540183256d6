/**
 * Watches the journals beside the books: whatever was seen standing in a journal must be decided or set aside by the
 * time it is not there any more, and must not stand there for long.
 *
 * Most entries are removed some milliseconds after they came and are never seen; what gathers while PostgreSQL is slow
 * or away, when there is most to lose, is. Time is counted from the first sight of an entry, so that no clock of
 * another matters and a backlog that drains is not called stuck.
 */
import type { Clock } from "../clock.ts";
import type { Journaled } from "../journal/journal.ts";
import type { Finding } from "./finding.ts";

export interface Journals {
  /** Those that have an owner or wait for one. */
  list(): Promise<number[]>;
  /** The oldest `count` entries. */
  oldest(stream: number, count: number): Promise<Journaled[]>;
  /** Which of the ids stand in the books, or are set aside. Asked after the journals were read. */
  decided(ids: readonly string[]): Promise<ReadonlySet<string>>;
}

/** An entry of a journal that is in order is settled in milliseconds, after an outage in seconds. */
const STUCK_MS = 30_000;
/** Watched of one journal, and of all. */
const PER_JOURNAL = 512;
const MOST_WATCHED = 8_192;

interface Watched {
  readonly id: string | undefined;
  readonly stream: number;
  readonly ref: string;
  readonly since: number;
}

export class JournalWatch {
  readonly #journals: Journals;
  readonly #clock: Clock;
  /** By `<stream>/<ref>`. */
  #watched = new Map<string, Watched>();
  /** Gone and not decided: looked for again, their owner may send them once more. */
  #lost = new Map<string, Watched>();

  constructor(journals: Journals, clock: Clock) {
    this.#journals = journals;
    this.#clock = clock;
  }

  /** Rejects when Redis or PostgreSQL is away: then nothing is known and nothing is forgotten. */
  async look(): Promise<Finding[]> {
    const now = this.#clock.now();
    const standing = await this.#read(now);
    const gone = [...this.#lost.values(), ...missing(this.#watched, standing)];
    const old = [...standing.values()].filter(({ since }) => now - since > STUCK_MS);
    const ids = [...new Set([...gone, ...old].flatMap(({ id }) => id ?? []))];
    const decided: ReadonlySet<string> = ids.length === 0 ? new Set() : await this.#journals.decided(ids);
    const undecided = (one: Watched) => one.id !== undefined && !decided.has(one.id);
    this.#watched = standing;
    this.#lost = new Map(
      gone
        .filter(undecided)
        .slice(-MOST_WATCHED)
        .map((one) => [subjectOf(one), one]),
    );
    return [
      ...[...this.#lost.values()].map((one) =>
        finding("journal-entry-lost", one, "removed, and not decided"),
      ),
      ...old
        .filter(undecided)
        .map((one) => finding("journal-entry-stuck", one, `there for ${now - one.since} ms`)),
      ...[...standing.values()]
        .filter(({ id }) => id === undefined)
        .map((one) => finding("journal-entry-unreadable", one, "kept for a version that can read it")),
    ];
  }

  async #read(now: number): Promise<Map<string, Watched>> {
    const standing = new Map<string, Watched>();
    for (const stream of await this.#journals.list()) {
      if (standing.size >= MOST_WATCHED) break;
      for (const { ref, entry } of await this.#journals.oldest(stream, PER_JOURNAL)) {
        const one = { id: entry?.id, stream, ref, since: now };
        standing.set(subjectOf(one), this.#watched.get(subjectOf(one)) ?? one);
      }
    }
    return standing;
  }
}

/** Entries come in at the end only: one that was among the oldest stays among them until it is removed. */
const missing = (before: ReadonlyMap<string, Watched>, standing: ReadonlyMap<string, Watched>): Watched[] =>
  [...before].filter(([subject]) => !standing.has(subject)).map(([, one]) => one);

const subjectOf = ({ stream, ref }: Pick<Watched, "stream" | "ref">) => `${stream}/${ref}`;

const finding = (kind: Finding["kind"], one: Watched, what: string): Finding => ({
  kind,
  subject: subjectOf(one),
  detail: one.id === undefined ? what : `transaction ${one.id}: ${what}`,
});
