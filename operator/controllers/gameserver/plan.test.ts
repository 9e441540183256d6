import { describe, expect, it } from "vitest";
import type { LoadSample } from "../../../protocol/directory.ts";
import { at, gameServer, NOW, pod } from "../testing.ts";
import type { Observed } from "./observed.ts";
import { plan } from "./plan.ts";
import { decideStatus, statusOf } from "./status.ts";

const see = (observed: Partial<Observed>): Observed => ({ server: gameServer(), nowMs: NOW, ...observed });
const load = (sessions: number, state: LoadSample["state"] = "Ready"): LoadSample => ({
  v: 1,
  server: "starlanes-x7k2",
  fleet: "starlanes",
  life: "pod-1",
  state,
  cpuPercent: 40,
  memoryBytes: 1,
  sessions,
  capacity: 500,
  tickLatenessMs: 0,
  loopDelayMs: 0,
  zones: [],
});
const wasReady = { observedGeneration: 1, state: "Ready", podUID: "pod-1" } as const;
const crash = (msAgo: number, podUID = `pod-${msAgo}`) => ({ podUID, time: at(-msAgo), reason: "exit 1" });

describe("a new server", () => {
  it("gets a pod, and no status write before it is ready", () => {
    const observed = see({});
    const first = plan(observed);
    expect(first.createPod).toBe(true);
    expect(decideStatus(observed, first, statusOf(observed, first), 0)).toBe("keep");
    const starting = see({ pod: pod({ ready: false, ageMs: 2_000 }) });
    const second = plan(starting);
    expect(second.verdict.state).toBe("Starting");
    expect(decideStatus(starting, second, statusOf(starting, second), 0)).toBe("keep");
  });

  it("is Ready with address, port and life in one write once the pod is ready", () => {
    const observed = see({ pod: pod() });
    const ready = plan(observed);
    const status = statusOf(observed, ready);
    expect(status).toMatchObject({
      state: "Ready",
      address: "10.0.0.1",
      ports: [{ name: "players", port: 7001 }],
      podUID: "pod-1",
      nodeName: "node-1",
      conditions: [{ type: "Ready", status: "True" }],
    });
    expect(decideStatus(observed, ready, status, 0)).toBe("write");
    const again = see({ pod: pod(), server: gameServer({ status }) });
    expect(decideStatus(again, plan(again), statusOf(again, plan(again)), 0)).toBe("keep");
  });

  it("says why when its start is stuck", () => {
    const waiting = { reason: "ImagePullBackOff", message: "no such image" };
    const status = { conditions: [], containerStatuses: [{ name: "game", state: { waiting } }] };
    const stuck = plan(see({ pod: pod({ ready: false, ageMs: 1_000, phase: "Pending", status }) }));
    expect(stuck.verdict).toMatchObject({ state: "Pending", reason: "ImagePullBackOff", notable: true });
    const unscheduled = {
      conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/1" }],
    } as const;
    const nowhere = plan(
      see({ pod: pod({ node: null, ageMs: 999_000, ready: false, status: unscheduled }) }),
    );
    expect(nowhere.verdict).toMatchObject({ state: "Pending", reason: "Unschedulable" });
    expect(nowhere.deletePod).toBeUndefined();
  });

  it("counts as crashed when it is not ready by the start deadline, however often that is seen", () => {
    const late = see({ pod: pod({ ready: false, ageMs: 121_000 }) });
    expect(plan(late)).toMatchObject({ deletePod: { uid: "pod-1" }, releaseLife: "pod-1" });
    const server = gameServer({ status: { crashes: [...plan(late).crashes] } });
    expect(plan({ ...late, server }).crashes).toHaveLength(1);
  });
});

describe("a crash", () => {
  it("is recorded and followed by a new pod at once, then with back-off, then given up", () => {
    const terminated = { exitCode: 1 };
    const failed = { phase: "Failed", containerStatuses: [{ name: "game", state: { terminated } }] } as const;
    const first = plan(see({ pod: pod({ status: failed }) }));
    expect(first).toMatchObject({ deletePod: { force: true }, crashes: [{ podUID: "pod-1" }] });
    expect(first.verdict.message).toBe("container game ended with code 1");
    const server = (crashes: ReturnType<typeof crash>[]) => gameServer({ status: { crashes } });
    expect(plan(see({ server: server([crash(0)]) })).createPod).toBe(true);
    const three = plan(see({ server: server([crash(30_000), crash(20_000), crash(500)]) }));
    expect(three).toMatchObject({ verdict: { reason: "CrashBackOff" }, requeueAfterMs: 1_500 });
    const six = [60_000, 50_000, 40_000, 30_000, 20_000, 10_000].map((ms) => crash(ms));
    expect(plan(see({ server: server(six) })).verdict).toMatchObject({
      state: "Unhealthy",
      reason: "TooManyCrashes",
    });
  });

  it("is forgotten after the window", () => {
    const old = [1, 2, 3, 4, 5, 6].map((n) => crash(600_000 + n));
    const next = plan(see({ server: gameServer({ status: { crashes: old } }) }));
    expect(next.createPod).toBe(true);
    expect(next.crashes).toEqual([]);
  });
});

describe("a ready server", () => {
  it("that turns unready keeps its players and its pod", () => {
    const server = gameServer({ status: wasReady });
    const next = plan(see({ server, pod: pod({ ready: false, ageMs: 999_000 }) }));
    expect(next.verdict).toMatchObject({ state: "NotReady", reason: "ProbeFailed" });
    expect(next.deletePod).toBeUndefined();
  });

  it("on a node that does not answer takes nobody, and is not killed for it", () => {
    const node = {
      metadata: { name: "node-1" },
      status: { conditions: [{ type: "Ready", status: "Unknown" }] },
    } as const;
    const next = plan(see({ server: gameServer({ status: wasReady }), pod: pod(), node }));
    expect(next.verdict).toMatchObject({ state: "NotReady", reason: "NodeUnreachable" });
  });

  it("whose pod was evicted drains and is followed by another pod", () => {
    const server = gameServer({ status: wasReady });
    const going = plan(see({ server, pod: pod({ deletedMs: 10_000 }) }));
    expect(going.verdict).toMatchObject({ state: "Draining", reason: "PodDeleted" });
    expect(going.deletePod).toBeUndefined();
    const gone = plan(see({ server }));
    expect(gone).toMatchObject({ createPod: true, releaseLife: "pod-1" });
  });

  it("writes its load at most every five seconds, and only when it changed", () => {
    const observed = see({ pod: pod(), load: load(10) });
    const status = statusOf(observed, plan(observed));
    const decide = (sessions: number, lastWriteMs: number) => {
      const next = see({ pod: pod(), load: load(sessions), server: gameServer({ status }) });
      return decideStatus(next, plan(next), statusOf(next, plan(next)), lastWriteMs);
    };
    expect(decide(10, 0)).toBe("keep");
    expect(decide(11, NOW - 1_000)).toBe("later");
    expect(decide(11, NOW - 5_000)).toBe("write");
  });
});

describe("a server that must go", () => {
  const leaving = (sinceMs: number) => gameServer({ status: wasReady, deletedMs: -sinceMs });

  it("with players waits for them, until the deadline", () => {
    const waiting = plan(see({ server: leaving(10_000), pod: pod(), load: load(3, "Draining") }));
    expect(waiting.verdict).toMatchObject({ state: "Draining", reason: "PlayersLeaving" });
    expect(waiting.deletePod).toBeUndefined();
    const late = plan(see({ server: leaving(60_000), pod: pod(), load: load(3, "Draining") }));
    expect(late.deletePod).toMatchObject({ uid: "pod-1", force: false });
  });

  it("is not ended as empty before it confirms that it lets nobody in", () => {
    expect(plan(see({ server: leaving(1_000), pod: pod(), load: load(0) })).deletePod).toBeUndefined();
    expect(
      plan(see({ server: leaving(1_000), pod: pod(), load: load(0, "Draining") })).deletePod,
    ).toBeDefined();
    expect(plan(see({ server: leaving(3_000), pod: pod(), load: load(0) })).deletePod).toBeDefined();
  });

  it("frees its zones and goes once the pod is gone", () => {
    expect(plan(see({ server: leaving(1_000) }))).toMatchObject({
      removeFinalizer: true,
      releaseLife: "pod-1",
    });
  });

  it("never waits for ever for a pod that does not end", () => {
    const ending = plan(see({ server: leaving(70_000), pod: pod({ deletedMs: -1_000 }) }));
    expect(ending.requeueAfterMs).toBe(29_000);
    const overdue = plan(see({ server: leaving(70_000), pod: pod({ deletedMs: -31_000 }) }));
    expect(overdue.deletePod).toMatchObject({ force: true });
  });
});
