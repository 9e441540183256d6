import { expect, it } from "vitest";
import { at, fleet, gameServer, NOW } from "../testing.ts";
import type { FleetPlan, Member, ObservedFleet } from "./observed.ts";
import { fleetStatus } from "./status.ts";

let serial = 0;
const member = (over: Partial<Member> = {}, cpuPercent = 0): Member => ({
  server: gameServer({ name: `s-${++serial}`, status: { cpuPercent, zones: 2 } }),
  revision: "new",
  ready: true,
  finished: false,
  sessions: 10,
  ...over,
});
const observe = (
  members: readonly Member[],
  spec: Record<string, unknown> = { replicas: members.length },
  leaving: readonly Member[] = [],
): ObservedFleet => ({ fleet: fleet(spec), members, leaving, updateRevision: "new" });
const planned = (desired: number, over: Partial<FleetPlan> = {}): FleetPlan => ({
  create: 0,
  remove: [],
  desired,
  rolling: false,
  ...over,
});
const conditionOf = (status: ReturnType<typeof fleetStatus>, type: string) =>
  status.conditions?.find((condition) => condition.type === type);

it("counts: members in every count, those leaving only as load", () => {
  const members = [member({}, 60), member({}, 80), member({ ready: false, revision: "old" }, 999)];
  const status = fleetStatus(observe(members, { replicas: 3 }, [member()]), planned(3), undefined, NOW);
  expect(status).toMatchObject({
    replicas: 3,
    readyReplicas: 2,
    updatedReplicas: 2,
    drainingReplicas: 1,
    sessions: 40,
    zones: 8,
    sessionCapacity: 1_000,
    cpuPercent: 70,
    selector: "gamefleet.dev/fleet=starlanes",
  });
});

it("is complete only when all wanted servers are there, updated and ready", () => {
  const done = fleetStatus(observe([member(), member()]), planned(2), undefined, NOW);
  expect(conditionOf(done, "Progressing")).toMatchObject({ status: "False", reason: "Complete" });
  expect(done.currentRevision).toBe("new");
  const starting = fleetStatus(observe([member(), member({ ready: false })]), planned(2), undefined, NOW);
  expect(conditionOf(starting, "Progressing")).toMatchObject({ status: "True", reason: "Scaling" });
  const rolling = fleetStatus(
    observe([member(), member({ revision: "old" })]),
    planned(2, { rolling: true }),
    undefined,
    NOW,
  );
  expect(conditionOf(rolling, "Progressing")).toMatchObject({ status: "True", reason: "RollingOut" });
  const paused = { replicas: 2, paused: true };
  const halted = fleetStatus(
    observe([member(), member({ revision: "old" })], paused),
    planned(2),
    undefined,
    NOW,
  );
  expect(conditionOf(halted, "Progressing")).toMatchObject({ status: "Unknown", reason: "Paused" });
});

it("keeps the current revision until the roll-out is complete", () => {
  const observed = observe([member(), member({ revision: "old" })]);
  const before = { ...observed.fleet, status: { currentRevision: "old" } };
  const status = fleetStatus({ ...observed, fleet: before }, planned(2, { rolling: true }), undefined, NOW);
  expect(status).toMatchObject({ currentRevision: "old", updateRevision: "new" });
});

it("is available while no more than maxUnavailable are missing", () => {
  const spec = { replicas: 3, strategy: { type: "RollingUpdate", maxSurge: 0, maxUnavailable: 1 } };
  const missing = (count: number) =>
    fleetStatus(
      observe(
        Array.from({ length: 3 }, (_, n) => member({ ready: n >= count })),
        spec,
      ),
      planned(3),
      undefined,
      NOW,
    );
  expect(conditionOf(missing(1), "Available")?.status).toBe("True");
  expect(conditionOf(missing(2), "Available")).toMatchObject({
    status: "False",
    message: "1 of 3 servers are ready, 2 are needed",
  });
});

it("says what is wrong, an error of the API server before servers given up", () => {
  const sick = observe([member(), member({ finished: true, ready: false })]);
  const name = sick.members[1]?.server.metadata.name ?? "";
  expect(conditionOf(fleetStatus(sick, planned(2), undefined, NOW), "Degraded")).toMatchObject({
    status: "True",
    reason: "ServersGivenUp",
    message: expect.stringContaining(name),
  });
  const trouble = { reason: "Forbidden", message: "quota" };
  expect(conditionOf(fleetStatus(sick, planned(2), trouble, NOW), "Degraded")).toMatchObject(trouble);
});

it("says when replicas are kept within bounds, and by which", () => {
  const spec = { replicas: 9, autoscaling: { minReplicas: 1, maxReplicas: 4 } };
  const limited = conditionOf(fleetStatus(observe([], spec), planned(4), undefined, NOW), "ScalingLimited");
  expect(limited).toMatchObject({ status: "True", reason: "AtMaximum" });
  expect(limited?.message).toContain("9");
  expect(limited?.message).toContain("1 to 4");
});

it("moves a condition's time only with its status", () => {
  const observed = observe([member()]);
  const first = fleetStatus(observed, planned(1), undefined, NOW - 60_000);
  const again = { ...observed, fleet: { ...observed.fleet, status: first } };
  const later = fleetStatus(again, planned(1), { reason: "Forbidden", message: "quota" }, NOW);
  const wall = (ms: number) => `${at(ms).slice(0, 19)}Z`;
  expect(conditionOf(later, "Available")?.lastTransitionTime).toBe(wall(-60_000));
  expect(conditionOf(later, "Degraded")?.lastTransitionTime).toBe(wall(0));
});
