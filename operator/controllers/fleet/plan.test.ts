import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fleet, gameServer } from "../testing.ts";
import { desiredReplicas, resolve, rolloutOf } from "./bounds.ts";
import type { FleetPlan, Member, ObservedFleet } from "./observed.ts";
import { planFleet } from "./plan.ts";

let serial = 0;
const member = (over: Partial<Member> = {}): Member => ({
  server: gameServer({ name: `s-${++serial}` }),
  revision: "new",
  ready: true,
  finished: false,
  sessions: 0,
  ...over,
});
const observe = (spec: Record<string, unknown>, members: readonly Member[]): ObservedFleet => ({
  fleet: fleet(spec),
  members,
  leaving: [],
  updateRevision: "new",
});

/** One step of a world in which every server made becomes ready at the next look. */
function step(members: readonly Member[], plan: FleetPlan, ready: boolean): Member[] {
  const gone = new Set(plan.remove.map((entry) => entry.member));
  const left = members
    .filter((entry) => !gone.has(entry))
    .map((entry) => ({ ...entry, ready: ready || entry.ready }));
  return [...left, ...Array.from({ length: plan.create }, () => member({ ready: false }))];
}

const anyMember = fc
  .record({
    revision: fc.constantFrom("new", "old", "older"),
    ready: fc.boolean(),
    finished: fc.boolean(),
    sessions: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined }),
  })
  .map((over) => member({ ...over, ready: over.ready && !over.finished }));
const anyStrategy = fc
  .record({
    maxSurge: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom("25%", "100%")),
    maxUnavailable: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom("25%", "50%")),
    partition: fc.integer({ min: 0, max: 6 }),
  })
  .filter(({ maxSurge, maxUnavailable }) => maxSurge !== 0 || maxUnavailable !== 0);

describe("from any state", () => {
  it("keeps its limits at every step and ends with what is wanted", () => {
    fc.assert(
      fc.property(
        fc.array(anyMember, { maxLength: 12 }),
        fc.integer({ min: 0, max: 10 }),
        anyStrategy,
        (start, replicas, strategy) => {
          let members: Member[] = start;
          const spec = { replicas, strategy };
          const rollout = rolloutOf(fleet(spec), replicas);
          const minReady = Math.max(0, replicas - rollout.maxUnavailable);
          for (let round = 0; round < 60; round++) {
            const plan = planFleet(observe(spec, members));
            const readyBefore = members.filter((entry) => entry.ready).length;
            const next = step(members, plan, true);
            const kept = next.filter((entry) => members.some((old) => old.server === entry.server));
            const readyKept = members.filter(
              (old) => old.ready && kept.some((k) => k.server === old.server),
            ).length;
            expect(readyKept).toBeGreaterThanOrEqual(Math.min(minReady, readyBefore, replicas));
            if (plan.create > 0) expect(next.length).toBeLessThanOrEqual(replicas + rollout.maxSurge);
            members = next;
          }
          const final = planFleet(observe(spec, members));
          expect(final.create + final.remove.length).toBe(0);
          expect(members).toHaveLength(replicas);
          const old = members.filter((entry) => entry.revision !== "new").length;
          expect(old).toBeLessThanOrEqual(Math.min(strategy.partition, replicas));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("scale-down", () => {
  it("takes given-up, empty and emptiest servers first, and unknown ones last", () => {
    const [full, few, none, unknown] = [40, 3, 0, undefined].map((sessions) => member({ sessions }));
    const sick = member({ finished: true, ready: false });
    const members = [full, few, none, unknown, sick] as Member[];
    const plan = planFleet(observe({ replicas: 2 }, members));
    expect(plan.remove.map((entry) => entry.member)).toEqual([sick, none, few]);
  });
});

describe("a roll-out", () => {
  const old = () => member({ revision: "old", sessions: 5 });

  it("surges first and lets an old one go only when the new one is ready", () => {
    const members = [old(), old()];
    const first = planFleet(observe({ replicas: 2 }, members));
    expect(first).toMatchObject({ create: 1, remove: [], rolling: true });
    const unready = step(members, first, false);
    expect(planFleet(observe({ replicas: 2 }, unready))).toMatchObject({ create: 0, remove: [] });
    const ready = step(members, first, true).map((entry) => ({ ...entry, ready: true }));
    expect(planFleet(observe({ replicas: 2 }, ready)).remove).toHaveLength(1);
  });

  it("stops while paused, but repairs", () => {
    const plan = planFleet(observe({ replicas: 3, paused: true }, [old(), old()]));
    expect(plan).toMatchObject({ create: 1, remove: [], rolling: false });
  });

  it("leaves OnDelete to the user", () => {
    const plan = planFleet(observe({ replicas: 2, strategy: { type: "OnDelete" } }, [old(), old()]));
    expect(plan).toMatchObject({ create: 0, remove: [] });
  });
});

describe("numbers", () => {
  it("resolves percentages as Deployments do, and keeps replicas within bounds", () => {
    expect(resolve("25%", 10, "up")).toBe(3);
    expect(resolve("25%", 10, "down")).toBe(2);
    expect(desiredReplicas(fleet({ replicas: 9, autoscaling: { minReplicas: 2, maxReplicas: 5 } }))).toBe(5);
    expect(desiredReplicas(fleet({ replicas: 1, autoscaling: { minReplicas: 2, maxReplicas: 5 } }))).toBe(2);
  });
});
