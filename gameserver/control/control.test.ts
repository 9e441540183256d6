import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { fail } from "../../platform/errors.ts";
import { cpuMeter, memoryMeter } from "./cgroup.ts";
import { Phase } from "./phase.ts";
import { refusalCode } from "./refusal.ts";
import { StoreHealth } from "./stores.ts";
import { planZones } from "./zone-plan.ts";

describe("the zone plan", () => {
  const held = fc.record({
    id: fc.constantFrom("a", "b", "c", "d"),
    epoch: fc.integer({ min: 1, max: 3 }),
    capacity: fc.integer({ min: 1, max: 2 }),
  });
  const served = fc.record({
    id: fc.constantFrom("a", "b", "c", "d"),
    epoch: fc.integer({ min: 1, max: 3 }),
    capacity: fc.integer({ min: 1, max: 2 }),
    sessions: fc.integer({ min: 0, max: 1 }),
  });
  const byId = { selector: (zone: { id: string }) => zone.id };

  it("leaves open exactly what is held, at the epoch held", () => {
    fc.assert(
      fc.property(fc.uniqueArray(served, byId), fc.uniqueArray(held, byId), (now, wanted) => {
        const kind = "fixed" as const;
        const zones = wanted.map((zone) => ({ ...zone, kind }));
        const plan = planZones(
          now.map((zone) => ({ ...zone, kind })),
          zones,
        );
        const after = [...now.filter((zone) => !plan.close.includes(zone.id)), ...plan.open];
        const name = ({ id, epoch }: { id: string; epoch: number }) => `${id}@${epoch}`;
        expect(after.map(name).sort()).toEqual(wanted.map(name).sort());
        // Nobody is thrown out for a new capacity.
        const kept = now.filter((zone) => zone.sessions > 0 && wanted.some((w) => name(w) === name(zone)));
        expect(kept.filter((zone) => plan.close.includes(zone.id))).toEqual([]);
      }),
    );
  });
});

describe("the memory meter", () => {
  let root = "";
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const files = (content: Record<string, string>) => {
    root = mkdtempSync(join(tmpdir(), "cgroup-"));
    mkdirSync(join(root, "memory"));
    for (const [name, text] of Object.entries(content)) writeFileSync(join(root, name), text);
  };
  const stat = "anon 1\ninactive_file 250\ntotal_inactive_file 250\n";
  it.each([
    ["v2", { "memory.max": "1000\n", "memory.current": "750\n", "memory.stat": stat }],
    [
      "v1",
      {
        "memory/memory.limit_in_bytes": "1000\n",
        "memory/memory.usage_in_bytes": "750\n",
        "memory/memory.stat": stat,
      },
    ],
  ])("counts the working set against the limit of cgroup %s", (_version, content) => {
    files(content);
    const meter = memoryMeter(0, root);
    expect([meter.limit, meter.used(), meter.share()]).toEqual([1_000, 500, 0.5]);
  });

  it("has a limit of its own before the container's, and none where there is none", () => {
    files({ "memory.max": "max\n", "memory/memory.limit_in_bytes": "9223372036854771712\n" });
    expect([memoryMeter(0, root).limit, memoryMeter(0, root).share()]).toEqual([0, 0]);
    expect(memoryMeter(0, root).used()).toBeGreaterThan(1e6);
    files({ "memory.max": "5\n" });
    expect(memoryMeter(2 ** 40, root).limit).toBe(2 ** 40);
    // The limit is told, the usage is hidden: the process's own counts.
    expect(memoryMeter(0, root).used()).toBeGreaterThan(1e6);
  });
});

describe("the CPU meter", () => {
  let root = "";
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const files = (content: Record<string, string>) => {
    root = mkdtempSync(join(tmpdir(), "cgroup-"));
    for (const [name, text] of Object.entries(content)) {
      mkdirSync(join(root, name, ".."), { recursive: true });
      writeFileSync(join(root, name), text);
    }
  };
  it.each([
    [
      "v2",
      { "cpu.max": "150000 100000\n", "cpu.stat": "usage_usec 0\nuser_usec 0\n" },
      ["cpu.stat", "usage_usec 750000\n"],
    ],
    [
      "v1",
      {
        "cpu/cpu.cfs_quota_us": "150000\n",
        "cpu/cpu.cfs_period_us": "100000\n",
        "cpuacct/cpuacct.usage": "0\n",
      },
      ["cpuacct/cpuacct.usage", "750000000\n"],
    ],
  ] as const)("reads cgroup %s", (_version, content, [file, later]) => {
    files(content);
    let now = 0;
    const meter = cpuMeter({ root, nowMs: () => now });
    expect(meter.cores).toBe(1.5);
    now = 1_000;
    writeFileSync(join(root, file), later);
    expect(meter.percent()).toBeCloseTo(50);
    expect(meter.percent()).toBe(0);
  });

  it("falls back to the machine without a quota", () => {
    files({ "cpu.max": "max 100000\n" });
    expect(cpuMeter({ root }).cores).toBeGreaterThanOrEqual(1);
  });
});

describe("the phase", () => {
  const good = { settled: true, fenced: false, away: [], sinceTickMs: 10 };

  it("is ready, drains and comes back, and stops for good", () => {
    const phase = new Phase();
    expect([phase.notReady(good), phase.closedTo, phase.state(good)]).toEqual([
      undefined,
      undefined,
      "Ready",
    ]);
    phase.draining = true;
    expect([phase.notReady(good), phase.closedTo, phase.state(good)]).toEqual([
      "draining",
      "SERVER_DRAINING",
      "Draining",
    ]);
    phase.draining = false;
    phase.stopping = true;
    expect([phase.notReady(good), phase.closedTo, phase.state(good)]).toEqual([
      "stopping",
      "SERVER_DRAINING",
      "Draining",
    ]);
  });

  it("is not ready for reasons outside, and unhealthy only for what a restart mends", () => {
    const phase = new Phase();
    for (const bad of [{ settled: false }, { away: ["redis"] }]) {
      expect(phase.notReady({ ...good, ...bad })).toBeDefined();
      expect(phase.unhealthy({ ...good, ...bad })).toBeUndefined();
    }
    for (const bad of [{ fenced: true }, { sinceTickMs: 10_000 }])
      expect(phase.unhealthy({ ...good, ...bad })).toBeDefined();
    phase.silent = true;
    expect([phase.closedTo, phase.unhealthy(good)]).toEqual(["STORE_UNAVAILABLE", undefined]);
  });
});

it("only both stores away for longer than a lease means cut off", () => {
  let now = 0;
  const health = new StoreHealth(() => now);
  expect(health.away()).toEqual(["redis", "postgres"]);
  health.note("redis", true);
  health.note("postgres", true);
  now = 5_000;
  health.note("redis", true);
  health.note("postgres", false);
  now = 10_900;
  expect([health.away(), health.cutOff]).toEqual([["postgres"], false]);
  health.note("redis", false);
  now = 11_100;
  expect([health.away(), health.cutOff]).toEqual([["redis", "postgres"], true]);
});

it("a refusal tells the stable code, and a bug nothing", () => {
  expect(refusalCode(fail("ZONE_FULL", "zone x holds 3 of 3"))).toEqual({ code: 4007, reason: "ZONE_FULL" });
  expect(refusalCode(new TypeError("secret"))).toEqual({ code: 4014, reason: "INTERNAL" });
});
