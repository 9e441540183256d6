import { beforeEach, describe, expect, it } from "vitest";
import type { Journaled } from "../journal/journal.ts";
import { grant } from "../testing/entries.ts";
import { JournalWatch } from "./journal-watch.ts";

/** Two journals and the books, in memory. */
const journals = new Map<number, Journaled[]>();
const books = new Set<string>();
let now = 0;
let booksAway = false;
let watch: JournalWatch;
beforeEach(() => {
  journals.clear();
  books.clear();
  now = 1_000;
  const clock = { now: () => now, after: () => () => {} };
  watch = new JournalWatch(
    {
      list: async () => [...journals.keys()],
      oldest: async (stream, count) => (journals.get(stream) ?? []).slice(0, count),
      decided: async (ids) => {
        if (booksAway) throw new Error("away");
        return new Set(ids.filter((id) => books.has(id)));
      },
    },
    clock,
  );
});

function append(stream: number, ref: string): string {
  const entry = grant(1);
  journals.set(stream, [...(journals.get(stream) ?? []), { ref, entry, text: "" }]);
  return entry.id;
}

it("watches a bounded number of entries, whatever stands in the journals", async () => {
  const garbage = Array.from({ length: 600 }, (_, n) => ({ ref: `${n}-0`, entry: undefined, text: "" }));
  for (let stream = 1; stream <= 20; stream++) journals.set(stream, garbage);
  const seen = (await watch.look()).map(({ subject }) => Number(subject.split("/")[0]));
  // 512 of a journal, 8,192 of all.
  expect(seen).toHaveLength(8_192);
  expect(Math.max(...seen)).toBe(16);
});

describe("an entry that was removed", () => {
  it("and stands in the books is in order", async () => {
    const id = append(1, "5-0");
    expect(await watch.look()).toEqual([]);
    books.add(id);
    journals.set(1, []);
    expect(await watch.look()).toEqual([]);
  });

  it("and does not stand in the books is lost, until it does", async () => {
    const id = append(1, "5-0");
    append(2, "5-0");
    await watch.look();
    journals.set(1, []);
    const lost = [
      { kind: "journal-entry-lost", subject: "1/5-0", detail: expect.stringContaining(id) as string },
    ];
    expect(await watch.look()).toEqual(lost);
    expect(await watch.look()).toEqual(lost);
    books.add(id);
    expect(await watch.look()).toEqual([]);
  });

  it("with its whole journal is lost too", async () => {
    append(1, "5-0");
    await watch.look();
    journals.delete(1);
    expect(await watch.look()).toMatchObject([{ kind: "journal-entry-lost", subject: "1/5-0" }]);
  });

  it("is not missed because others came after it, however many", async () => {
    for (let n = 0; n < 2_000; n++) append(1, `5-${n}`);
    await watch.look();
    journals.set(1, (journals.get(1) ?? []).slice(100));
    expect(await watch.look()).toHaveLength(100);
  });
});

describe("an entry that stays", () => {
  it("is stuck half a minute after it was first seen, if it was not decided", async () => {
    const decided = append(1, "5-0");
    append(1, "6-0");
    expect(await watch.look()).toEqual([]);
    books.add(decided);
    now += 30_000;
    expect(await watch.look()).toEqual([]);
    now += 1;
    expect(await watch.look()).toMatchObject([{ kind: "journal-entry-stuck", subject: "1/6-0" }]);
  });

  it("is told at once when nobody can read it", async () => {
    journals.set(3, [{ ref: "9-0", entry: undefined, text: "garbage" }]);
    expect(await watch.look()).toMatchObject([{ kind: "journal-entry-unreadable", subject: "3/9-0" }]);
    journals.set(3, []);
    expect(await watch.look()).toEqual([]);
  });
});

it("forgets nothing of a look that failed", async () => {
  append(1, "5-0");
  await watch.look();
  journals.set(1, []);
  booksAway = true;
  await expect(watch.look()).rejects.toThrow("away");
  booksAway = false;
  expect(await watch.look()).toMatchObject([{ kind: "journal-entry-lost" }]);
});
