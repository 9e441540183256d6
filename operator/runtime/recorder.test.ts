import { afterEach, beforeEach, expect, test } from "vitest";
import { ApiError } from "../kube/errors.ts";
import { type EventFacts, EventRecorder, type KubeEvent } from "./recorder.ts";
import { createKit, type Kit, pod } from "./testing/kit.ts";
import { VirtualTime } from "./testing/virtual-time.ts";

let kit: Kit;
let time: VirtualTime;
let recorder: EventRecorder;
let life: AbortController;
let running: Promise<void>;
let created: KubeEvent[];
let patched: { name: string; patch: object }[];
let failWith: (() => Error) | undefined;

beforeEach(() => {
  kit = createKit();
  time = new VirtualTime();
  life = new AbortController();
  created = [];
  patched = [];
  failWith = undefined;
  const events = {
    create: async (event: KubeEvent) => {
      if (failWith) throw failWith();
      created.push(event);
      return event;
    },
    mergePatch: async (ref: { name: string }, patch: object) => {
      if (failWith) throw failWith();
      patched.push({ name: ref.name, patch });
      return created[0] as KubeEvent;
    },
  };
  recorder = new EventRecorder({
    events,
    controller: "gamefleet.dev/operator",
    instance: "operator-0",
    log: kit.log,
    metrics: kit.metrics,
    clock: time.clock(),
  });
  running = recorder.run({ stop: life.signal, kill: life.signal });
});

afterEach(async () => {
  life.abort();
  await time.advance(10_000);
  await running;
});

const object = pod("a", { uid: "u" });
const facts: EventFacts = {
  type: "Normal",
  reason: "PodCreated",
  action: "CreatePod",
  note: "pod a-1 created",
};
const dropped = (reason: string) => kit.metric("gamefleet_events_dropped_total", { reason });

test("writes what the API server wants to see", async () => {
  recorder.record(object, { ...facts, related: pod("a-1", { uid: "v" }) });
  await time.advance(1);
  expect(created).toHaveLength(1);
  expect(created[0]).toMatchObject({
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { namespace: "ns", name: expect.stringMatching(/^a\.[a-z0-9]+$/) },
    eventTime: expect.stringMatching(/\.\d{6}Z$/),
    type: "Normal",
    reason: "PodCreated",
    action: "CreatePod",
    note: "pod a-1 created",
    regarding: { apiVersion: "v1", kind: "Pod", namespace: "ns", name: "a", uid: "u" },
    related: { name: "a-1" },
    reportingController: "gamefleet.dev/operator",
    reportingInstance: "operator-0",
  });
  expect(created[0]).not.toHaveProperty("series");
});

test("the same again becomes one series, written now and then", async () => {
  recorder.record(object, facts);
  await time.advance(1);
  for (let i = 0; i < 100; i += 1) {
    recorder.record(object, facts);
    await time.advance(1_000);
  }
  await time.advance(60_000);
  expect(created).toHaveLength(1);
  expect(patched.length).toBeGreaterThanOrEqual(3);
  expect(patched.length).toBeLessThanOrEqual(5);
  expect(patched.at(-1)).toMatchObject({
    name: created[0]?.metadata.name,
    patch: { series: { count: 101 } },
  });
});

test("after six quiet minutes the same is news again", async () => {
  recorder.record(object, facts);
  await time.advance(6 * 60_000 + 2_000);
  recorder.record(object, facts);
  await time.advance(2_000);
  expect(created).toHaveLength(2);
});

test("an object that flaps is held to 25 series, then one in five minutes; others are not affected", async () => {
  for (let i = 0; i < 40; i += 1) recorder.record(object, { ...facts, note: `flap ${i}` });
  recorder.record(pod("b", { uid: "w" }), facts);
  await time.advance(1);
  expect(created).toHaveLength(26);
  expect(await dropped("rate")).toBe(15);
  await time.advance(5 * 60_000);
  recorder.record(object, { ...facts, note: "later" });
  await time.advance(2_000);
  expect(created).toHaveLength(27);
});

test("memory is bounded: beyond two thousand series new ones are dropped", async () => {
  failWith = () => new ApiError(500, "X", "x");
  for (let i = 0; i < 2_100; i += 1) recorder.record(pod(`p${i}`, { uid: `u${i}` }), facts);
  expect(await dropped("full")).toBe(100);
});

test("an API server that refuses costs the event, nothing else", async () => {
  failWith = () => new ApiError(403, "Forbidden", "namespace is terminating");
  recorder.record(object, facts);
  await time.advance(2_000);
  expect(await dropped("error")).toBe(1);
  failWith = undefined;
  recorder.record(object, facts);
  await time.advance(2_000);
  expect(created).toHaveLength(1);
});

test("a series whose event has expired starts anew", async () => {
  recorder.record(object, facts);
  await time.advance(40_000);
  failWith = () => new ApiError(404, "NotFound", "expired");
  recorder.record(object, facts);
  await time.advance(2_000);
  failWith = undefined;
  recorder.record(object, facts);
  await time.advance(2_000);
  expect(created).toHaveLength(2);
  expect(await dropped("error")).toBe(0);
});

test("notes are cut to 1,024 bytes without tearing a character", async () => {
  recorder.record(object, { ...facts, note: "ü".repeat(2_000) });
  await time.advance(1);
  const note = created[0]?.note ?? "";
  expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_024);
  expect(note).toMatch(/^ü+…$/);
});

test("events of cluster-scoped objects go to the default namespace", async () => {
  recorder.record({ apiVersion: "v1", kind: "Node", metadata: { name: "n", uid: "x" } }, facts);
  await time.advance(1);
  expect(created[0]?.metadata.namespace).toBe("default");
});
