import { expect, it } from "vitest";
import type { LoadSample } from "../../../protocol/directory.ts";
import type { GameServerStatus } from "../../api/gameserver.ts";
import { at, gameServer, NOW, pod } from "../testing.ts";
import type { Observed, Plan } from "./observed.ts";
import { decideStatus, LOAD_EVERY_MS, statusOf } from "./status.ts";

const load = (over: Partial<LoadSample> = {}): LoadSample => ({
  v: 1,
  server: "starlanes-x7k2",
  fleet: "starlanes",
  life: "pod-1",
  state: "Ready",
  cpuPercent: 40,
  memoryBytes: 1,
  sessions: 10,
  capacity: 500,
  tickLatenessMs: 0,
  loopDelayMs: 0,
  zones: [],
  ...over,
});
const planned = (state: Plan["verdict"]["state"] = "Ready", over: Partial<Plan["verdict"]> = {}): Plan => ({
  verdict: { state, reason: "Because", message: "so it is", notable: false, ...over },
  crashes: [],
  drainBy: 0,
});
const see = (over: Partial<Observed> = {}): Observed => ({
  server: gameServer(),
  pod: pod(),
  nowMs: NOW,
  ...over,
});
/** The status as it was written, and the decision on what is seen next. */
function after(
  status: GameServerStatus,
  next: Partial<Observed>,
  plan = planned(),
  lastWriteMs = NOW - 60_000,
) {
  const observed = see({ server: gameServer({ status }), ...next });
  return decideStatus(observed, plan, statusOf(observed, plan), lastWriteMs);
}
const written = statusOf(see({ load: load() }), planned());

it("is left alone while nothing changes", () => {
  expect(after(written, { load: load() })).toBe("keep");
});

it("is not written before a server is ready, unless there is something to say", () => {
  const quiet = planned("Starting");
  const telling = planned("Starting", { notable: true });
  expect(after({}, {}, quiet)).toBe("keep");
  expect(after({}, {}, telling)).toBe("write");
  expect(after(statusOf(see(), telling), {}, telling)).toBe("keep");
  expect(after({}, {}, planned("Ready", { notable: true }))).toBe("write");
});

it("takes a load that moved, but not sooner than every 5 s, and not for a trifle of CPU", () => {
  expect(after(written, { load: load({ sessions: 11 }) })).toBe("write");
  expect(after(written, { load: load({ sessions: 11 }) }, planned(), NOW - LOAD_EVERY_MS + 1)).toBe("later");
  expect(after(written, { load: load({ cpuPercent: 44 }) })).toBe("keep");
  expect(after(written, { load: load({ cpuPercent: 45 }) })).toBe("write");
});

it("is written at once when the state or its reason changes, not for another message", () => {
  expect(after(written, { load: load() }, planned("NotReady"), NOW)).toBe("write");
  expect(after(written, { load: load() }, planned("Ready", { reason: "Other" }), NOW)).toBe("write");
  expect(after(written, { load: load() }, planned("Ready", { message: "3 players left" }), NOW)).toBe("keep");
});

it("keeps the last load while no sample is fresh, and none of a server that does not serve", () => {
  const observed = see({ server: gameServer({ status: written }) });
  expect(statusOf(observed, planned("NotReady"))).toMatchObject({ sessions: 10, cpuPercent: 40 });
  const stopped = statusOf(observed, planned("Unhealthy"));
  expect(stopped).not.toHaveProperty("sessions");
  expect(stopped).not.toHaveProperty("address");
});

it("keeps the life's uid when the pod is gone: its lease must be known to have ended", () => {
  const observed = see({ server: gameServer({ status: written }), pod: undefined });
  expect(statusOf(observed, planned("Starting")).podUID).toBe("pod-1");
});

it("moves the time of the condition only with its status", () => {
  const old = { ...written, conditions: [{ ...written.conditions?.[0], lastTransitionTime: at(-9_000) }] };
  const observed = see({ server: gameServer({ status: old as GameServerStatus }) });
  expect(statusOf(observed, planned()).conditions?.[0]?.lastTransitionTime).toBe(at(-9_000));
  const changed = statusOf(observed, planned("NotReady")).conditions?.[0];
  expect(changed).toMatchObject({ status: "False", lastTransitionTime: "2026-01-02T03:04:05Z" });
});

it("says until when a draining server waits", () => {
  const plan = { ...planned("Draining"), drainBy: NOW + 60_000 };
  expect(statusOf(see(), plan).drainDeadline).toBe("2026-01-02T03:05:05Z");
});

it("names container ports where the node has none", () => {
  const ports = [
    { name: "players", containerPort: 7000 },
    { name: "inner", containerPort: 7009, policy: "None" },
  ];
  const observed = see({ server: gameServer({ spec: { ports } }) });
  expect(statusOf(observed, planned()).ports).toEqual([
    { name: "players", port: 7001 },
    { name: "inner", port: 7009 },
  ]);
});
