import { beforeEach, expect, test } from "vitest";
import { Expectations } from "./expectations.ts";
import { Store } from "./store.ts";
import { pod, type TestPod } from "./testing/kit.ts";
import { VirtualTime } from "./testing/virtual-time.ts";

let time: VirtualTime;
let expectations: Expectations;
let store: Store<TestPod>;

beforeEach(() => {
  time = new VirtualTime();
  expectations = new Expectations(time.clock());
  store = new Store<TestPod>({
    onHandlerError: (error) => {
      throw error;
    },
  });
  expectations.follow(store);
});

let version = 0;
const at = (name: string, more: object = {}): TestPod =>
  pod(name, { uid: name, resourceVersion: String((version += 1)), ...more });

test("a parent waits until the cache shows its creations", () => {
  expect(expectations.satisfied("ns/f")).toBe(true);
  expectations.expectCreation("ns/f", "ns/a");
  expectations.expectCreation("ns/f", "ns/b");
  store.put(at("a"));
  expect(expectations.satisfied("ns/f")).toBe(false);
  expect(expectations.satisfied("ns/other")).toBe(true);
  store.put(at("b"));
  expect(expectations.satisfied("ns/f")).toBe(true);
});

test("created and gone again before anyone looked counts as seen", () => {
  expectations.expectCreation("ns/f", "ns/a");
  store.put(at("a"));
  const held = store.get("ns/a");
  if (held !== undefined) store.remove(held);
  expect(expectations.satisfied("ns/f")).toBe(true);
});

test("a deletion is seen when the object is marked, or gone", () => {
  store.put(at("a"));
  store.put(at("b"));
  expectations.expectDeletion("ns/f", "ns/a");
  expectations.expectDeletion("ns/f", "ns/b");
  store.put(at("a", { labels: { x: "y" } }));
  expect(expectations.satisfied("ns/f")).toBe(false);
  store.put(at("a", { deletionTimestamp: "t" }));
  expect(expectations.satisfied("ns/f")).toBe(false);
  const b = store.get("ns/b");
  if (b !== undefined) store.remove(b);
  expect(expectations.satisfied("ns/f")).toBe(true);
});

test("a call that failed leaves nothing to wait for", () => {
  expectations.expectCreation("ns/f", "ns/a");
  expectations.cancel("ns/a");
  expect(expectations.satisfied("ns/f")).toBe(true);
});

test("a note that nothing answers ends after five minutes", async () => {
  expectations.expectCreation("ns/f", "ns/a");
  await time.advance(299_000);
  expect(expectations.satisfied("ns/f")).toBe(false);
  await time.advance(2_000);
  expect(expectations.satisfied("ns/f")).toBe(true);
});

test("a forgotten parent expects nothing, and its children's names are free again", () => {
  expectations.expectCreation("ns/f", "ns/a");
  expectations.forget("ns/f");
  expect(expectations.satisfied("ns/f")).toBe(true);
  expectations.expectCreation("ns/g", "ns/a");
  store.put(at("a"));
  expect(expectations.satisfied("ns/g")).toBe(true);
});
