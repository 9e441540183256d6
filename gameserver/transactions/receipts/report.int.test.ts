import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { query } from "../../../platform/postgres.ts";
import { type Books, openBooks } from "../testing/books.ts";
import { readReport } from "./report.ts";
import type { ReportPage } from "./steam.ts";

const HOUR_MS = 3_600_000;
const signal = new AbortController().signal;
const now = Date.now();
let books: Books;
/** Where each question began. */
const asked: number[] = [];
let pages: (sinceMs: number) => ReportPage;

beforeAll(async () => {
  books = await openBooks();
});
afterAll(() => books.close());
beforeEach(async () => {
  asked.length = 0;
  await query(books.pool, "UPDATE ledger.store_report SET due_at = now()");
});
const steam = {
  store: "steam" as const,
  report: async (sinceMs: number) => {
    asked.push(sinceMs);
    return pages(sinceMs);
  },
};
const read = () => readReport(books.pool, steam, signal);
const event = (id: string) => ({ store: "steam", event: id, kind: "Refunded", body: "{}" });

it("the report is read from where it was read to, by one of the pods, when it is due", async () => {
  pages = () => ({ events: [event("a")], readTo: now, more: false });
  await Promise.all([read(), read()]);
  expect(asked).toHaveLength(1);
  expect(asked[0]).toBeLessThan(now - 13 * 24 * HOUR_MS);
  await read();
  expect(asked).toHaveLength(1);
  await query(books.pool, "UPDATE ledger.store_report SET due_at = now()");
  pages = () => ({ events: [], readTo: undefined, more: false });
  await read();
  expect(asked[1]).toBe(now);
});

it("all pages are read, and events that come twice are kept once", async () => {
  pages = (since) => {
    const n = asked.length;
    return { events: [event(`p${n}`), event("twice")], readTo: since + HOUR_MS, more: n < 3 };
  };
  await read();
  expect(asked).toEqual([now, now + HOUR_MS, now + 2 * HOUR_MS]);
  const rows = await query<{ event: string }>(
    books.pool,
    'SELECT event FROM ledger.store_event ORDER BY event COLLATE "C"',
  );
  expect(rows.map((row) => row.event)).toEqual(["a", "p1", "p2", "p3", "twice"]);
});

it("a page that leads nowhere is not read for ever", async () => {
  pages = (since) => ({ events: [], readTo: since, more: true });
  await read();
  expect(asked).toHaveLength(20);
  expect(new Set(asked).size).toBe(20);
});
