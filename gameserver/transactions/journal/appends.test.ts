import { expect, it } from "vitest";
import { fail } from "../../../platform/errors.ts";
import { type Clock, realClock } from "../clock.ts";
import type { Entry } from "../entry.ts";
import { grant } from "../testing/entries.ts";
import { Appends, MAX_TOGETHER } from "./appends.ts";
import type { Journal } from "./journal.ts";

/** A journal that remembers what it was given; `answers` says what becomes of each call, "written" when it runs out. */
function journalOf(answers: (Error | "never")[] = []) {
  const calls: (readonly Entry[])[] = [];
  const journal: Journal = {
    append: (entries) => {
      calls.push(entries);
      const answer = answers.shift();
      if (answer === "never") return new Promise(() => {});
      if (answer) return Promise.reject(answer);
      return Promise.resolve(entries.map((entry) => `${calls.length}-${entry.id}`));
    },
    remove: async () => {},
    read: async () => [],
  };
  return { journal, calls };
}

function open(clock: Clock = realClock) {
  const told: string[] = [];
  const appends = new Appends({
    clock,
    journaling: (work) => work(),
    delayed: (error) => told.push((error as Error).message),
    at: (point) => told.push(point),
  });
  return { appends, told };
}

it("brings what is asked for in one turn by one call, and tells each where it stands", async () => {
  const { journal, calls } = journalOf();
  const { appends, told } = open();
  const entries = Array.from({ length: 5 }, () => grant(1));
  const refs = await Promise.all(entries.map((entry) => appends.append(journal, entry)));
  expect(calls).toEqual([entries]);
  expect(refs).toEqual(entries.map(({ id }) => `1-${id}`));
  expect(told).toEqual(["appended"]);
  const later = grant(1);
  expect(await appends.append(journal, later)).toBe(`2-${later.id}`);
});

it("keeps Redis busy with so many at a time", async () => {
  const { journal, calls } = journalOf();
  const { appends } = open();
  const entries = Array.from({ length: MAX_TOGETHER * 2 + 1 }, () => grant(1));
  const refs = await Promise.all(entries.map((entry) => appends.append(journal, entry)));
  expect(calls.map(({ length }) => length)).toEqual([MAX_TOGETHER, MAX_TOGETHER, 1]);
  expect(refs.map((ref) => ref?.slice(2))).toEqual(entries.map(({ id }) => id));
});

it("brings each to the journal that it was meant for", async () => {
  const [one, other] = [journalOf(), journalOf()];
  const { appends } = open();
  const [first, second, third] = [grant(1), grant(2), grant(3)];
  await Promise.all([
    appends.append(one.journal, first),
    appends.append(other.journal, second),
    appends.append(one.journal, third),
  ]);
  expect([one.calls, other.calls]).toEqual([[[first], [third]], [[second]]]);
});

it("tries all of them again once, and says of none where it stands when that fails, too", async () => {
  const { journal, calls } = journalOf([new Error("away"), new Error("still away")]);
  const { appends, told } = open();
  const both = [grant(1), grant(2)].map((entry) => appends.append(journal, entry));
  expect(await Promise.all(both)).toEqual([undefined, undefined]);
  expect(calls.map(({ length }) => length)).toEqual([2, 2]);
  expect(told).toEqual(["away", "still away"]);
});

it("does not wait for an answer for ever", async () => {
  const { journal } = journalOf(["never"]);
  let timers = 0;
  const firstAtOnce: Clock = {
    now: () => 0,
    after: (_ms, act) => {
      if (timers++ === 0) queueMicrotask(act);
      return () => {};
    },
  };
  const { appends, told } = open(firstAtOnce);
  expect(await appends.append(journal, grant(1))).toMatch(/^2-/);
  expect(told).toEqual(["append timed out", "appended"]);
});

it.each(["FENCED", "CIRCUIT_OPEN"] as const)("does not try again after %s", async (code) => {
  const { journal, calls } = journalOf([fail(code, "gone")]);
  const { appends, told } = open();
  expect(await appends.append(journal, grant(1))).toBeUndefined();
  expect([calls.length, told]).toEqual([1, ["gone"]]);
});
