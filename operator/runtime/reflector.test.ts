import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PODS } from "../kube/definition.ts";
import { resourceFor } from "../kube/resource.ts";
import { createTransport, type Transport } from "../kube/transport.ts";
import { Reflector } from "./reflector.ts";
import { FakeApi } from "./testing/fake-api.ts";
import { noFaults, type StreamFault } from "./testing/faults.ts";
import { createKit, fastClock, type Kit, pod, type TestPod } from "./testing/kit.ts";

let api: FakeApi;
let kit: Kit;
let transport: Transport;
let life: AbortController;
let running: Promise<void>;
let reflector: Reflector<TestPod>;
let changes: string[];

beforeEach(async () => {
  api = await FakeApi.start();
  kit = createKit();
  transport = createTransport({ credentials: api.credentials, registry: kit.registry });
  life = new AbortController();
  running = Promise.resolve();
  changes = [];
  reflector = new Reflector<TestPod>({
    resource: resourceFor<TestPod>(transport, PODS, { retry: false }),
    log: kit.log,
    metrics: kit.metrics,
    // A minute passes in 60 ms: back-off and silence are real waits, but short ones.
    clock: fastClock(1_000),
  });
  reflector.store.subscribe(({ type, object }) => changes.push(`${type} ${object.metadata.name}`));
});

afterEach(async () => {
  life.abort();
  await running;
  await transport.close();
  await api.stop();
});

const start = async (): Promise<void> => {
  running = reflector.run({ stop: life.signal, kill: life.signal });
  await reflector.synced;
};
const names = (): string[] => reflector.store.list().map(({ metadata }) => metadata.name);
const until = (check: () => unknown): Promise<void> => expect.poll(check).toBeTruthy();
const lists = (): number => api.seen.filter(({ query }) => !query.has("watch")).length;
const watches = () => api.seen.filter(({ query }) => query.has("watch"));
/** The next event goes wrong; later ones do not. */
const nextEvent = (fault: StreamFault): void => {
  let first = true;
  const next = (): StreamFault => {
    if (!first) return "none";
    first = false;
    return fault;
  };
  api.faults = { ...noFaults, stream: () => ({ reorder: false, next }) };
};

test("lists, then follows additions, changes and deletions", async () => {
  api.cluster.put("pods", pod("a"));
  await start();
  api.cluster.put("pods", pod("b"));
  api.cluster.put("pods", pod("a", {}, { value: 2 }));
  api.cluster.remove("pods", "ns/b");
  await until(() => changes.length === 4);
  expect(changes).toEqual(["added a", "added b", "updated a", "deleted b"]);
  expect(reflector.store.get("ns/a")?.spec?.value).toBe(2);
  expect(lists()).toBe(1);
});

test("is not synced before a full list, however often that fails", async () => {
  let failures = 0;
  api.faults = { ...noFaults, onList: () => (failures++ < 5 ? { status: 500 } : undefined) };
  running = reflector.run({ stop: life.signal, kill: life.signal });
  expect(reflector.hasSynced).toBe(false);
  expect(() => reflector.check()).toThrow("not listed yet");
  await reflector.synced;
  expect(failures).toBe(6);
  reflector.check();
});

test("asks for bookmarks and resumes from the last one without a list", async () => {
  await start();
  nextEvent("bookmark");
  api.resetAll();
  await until(() => watches().length >= 2);
  api.cluster.put("pods", pod("a"));
  await until(() => changes.length === 1);
  const version = api.cluster.version;
  const before = watches().length;
  api.resetAll();
  await until(() => watches().length > before);
  expect(watches().at(-1)?.query.get("resourceVersion")).toBe(String(version));
  expect(watches().at(-1)?.query.get("allowWatchBookmarks")).toBe("true");
  expect(lists()).toBe(1);
});

describe("loses nothing when", () => {
  const cases: readonly StreamFault[] = [
    "close",
    "closeMidLine",
    "resetMidLine",
    "badJson",
    "unknownType",
    "error410",
    "error500",
    "silent",
    "duplicate",
    "bytewise",
  ];
  test.each(cases)("the event meets %s", async (fault) => {
    nextEvent(fault);
    await start();
    await until(() => watches().length === 1);
    api.cluster.put("pods", pod("a"));
    api.cluster.put("pods", pod("b"));
    await until(() => names().length === 2);
    expect(changes.toSorted()).toEqual(["added a", "added b"]);
  });

  test("history is compacted while it is away: vanished objects are deleted", async () => {
    api.cluster.put("pods", pod("old"));
    await start();
    api.faults = { ...noFaults, onWatch: () => ({ status: 503 }) };
    api.resetAll();
    api.cluster.remove("pods", "ns/old");
    api.cluster.put("pods", pod("new"));
    api.cluster.compact();
    api.faults = noFaults;
    await until(() => names().join() === "new");
    expect(changes).toEqual(["added old", "deleted old", "added new"]);
    expect(await kit.metric("gamefleet_reflector_relists_total", { kind: "Pod" })).toBe(2);
  });

  test("a name is deleted and created again while it is away", async () => {
    api.cluster.put("pods", pod("a"));
    await start();
    api.faults = { ...noFaults, onWatch: () => ({ status: 401 }) };
    api.resetAll();
    api.cluster.remove("pods", "ns/a");
    api.cluster.put("pods", pod("a"));
    api.cluster.compact();
    api.faults = noFaults;
    await until(() => changes.length === 3);
    expect(changes).toEqual(["added a", "deleted a", "added a"]);
  });
});

test.each<StreamFault>(["error410", "error500"])(
  "a stream that ends with %s is followed by a list",
  async (fault) => {
    nextEvent(fault);
    await start();
    await until(() => watches().length === 1);
    api.cluster.put("pods", pod("a"));
    await until(() => changes.length === 1);
    await until(() => watches().length === 2);
    expect(api.seen.map(({ query }) => (query.has("watch") ? "watch" : "list"))).toEqual([
      "list",
      "watch",
      "list",
      "watch",
    ]);
  },
);

test("silence costs a new watch, never a list", async () => {
  await start();
  // 90 s of silence are 90 ms here.
  await until(() => watches().length >= 6);
  expect(lists()).toBe(1);
});

test("a server that breaks each watch without an event is asked for a list again", async () => {
  await start();
  let breaks = 0;
  api.intercept = ({ query }, response) => {
    if (query.get("watch") !== "true" || breaks >= 4) return false;
    breaks += 1;
    response.writeHead(200).write("{nope}\n");
    return true;
  };
  api.resetAll();
  await expect.poll(lists).toBe(2);
  expect(breaks).toBeGreaterThanOrEqual(3);
});

test("a handler that throws does not end the watch", async () => {
  reflector.store.subscribe(() => {
    throw new TypeError("bad handler");
  });
  await start();
  api.cluster.put("pods", pod("a"));
  api.cluster.put("pods", pod("b"));
  await until(() => changes.length === 2);
  expect(await kit.metric("gamefleet_reflector_handler_errors_total", { kind: "Pod" })).toBe(2);
});

test("ends with its signal and leaves no connection open", async () => {
  await start();
  await until(() => watches().length === 1);
  life.abort();
  await running;
  await transport.close();
  await expect.poll(() => api.openSockets).toBe(0);
});

test("metrics show store size and silence", async () => {
  api.cluster.put("pods", pod("a"));
  await start();
  expect(await kit.metric("gamefleet_reflector_store_objects", { kind: "Pod" })).toBe(1);
  expect(await kit.metric("gamefleet_reflector_watch_age_seconds", { kind: "Pod" })).toBeGreaterThanOrEqual(
    0,
  );
});
