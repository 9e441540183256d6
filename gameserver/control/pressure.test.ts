import { describe, expect, it } from "vitest";
import { createRegistry } from "../../platform/metrics.ts";
import { LADDER, Stance } from "../scheduler/effects.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { counters } from "../shared-stats.ts";
import { SIMULATION_COUNTERS, type SimulationCounter } from "../simulation/messages.ts";
import { TRANSPORT_COUNTERS, type TransportCounter } from "../transport/messages.ts";
import { Phase } from "./phase.ts";
import { LOOK_MS, Pressure } from "./pressure.ts";
import { schedulerMetrics } from "./scheduler-metrics.ts";

/** A pod whose figures the test sets. CPU in per cent of the quota, memory and threads as shares. */
function pod(cpuCap = 0.8) {
  const now = { ms: 0, cpu: 30, memory: 0.4, simulation: 0.2, io: 0.3 };
  const stance = new Stance();
  const phase = new Phase();
  const events: unknown[] = [];
  let shed = 0;
  const log = (fields: unknown) => events.push(fields);
  const pressure = new Pressure(
    {
      cpu: { cores: 2, percent: () => now.cpu },
      memory: { limit: 1_000, used: () => now.memory * 1_000, share: () => now.memory },
      busy: () => new Map(Object.entries({ simulation: now.simulation, "io-0": now.io })),
      stance,
      phase,
      cpuCap,
      shedCaches: () => shed++,
      log: { info: log, warn: log } as never,
    },
    0,
  );
  const run = (ms: number) => {
    for (const end = now.ms + ms; now.ms < end; ) pressure.look((now.ms += LOOK_MS));
  };
  return { now, stance, phase, events, pressure, run, shed: () => shed };
}

describe("pressure", () => {
  it("a quiet pod stands on the ground, takes players and lets everything run", () => {
    const { run, stance, phase, pressure } = pod();
    run(10_000);
    expect([stance.step, stance.timeScale, stance.duty, pressure.memoryLevel]).toEqual([0, 1, 1, 0]);
    expect(phase.closedTo).toBeUndefined();
  });

  it.each(["simulation", "io"] as const)(
    "a %s thread without a moment left leads up the ladder, all the way",
    (thread) => {
      const { run, stance, phase, now, events, pressure } = pod();
      now[thread] = 1;
      run(1_500);
      expect(stance.effects.backgroundPaused).toBe(true);
      expect(phase.closedTo).toBeUndefined();
      run(2_000);
      expect(phase.closedTo).toBe("SERVER_OVERLOADED");
      run(10_000);
      expect(stance.effects.name).toBe("time-dilated");
      expect(stance.timeScale).toBeLessThan(1);
      // One event for each step, in order.
      const names = events.flatMap((event) => (event as { name?: string }).name ?? []);
      expect([...new Set(names)]).toEqual(LADDER.slice(1).map(({ name }) => name));
      expect(pressure.moves.down).toBe(LADDER.length - 1);
      now[thread] = 0.2;
      run(40_000);
      expect([stance.step, stance.timeScale]).toEqual([0, 1]);
      expect(phase.closedTo).toBeUndefined();
      expect(pressure.moves.up).toBe(LADDER.length - 1);
    },
  );

  it("CPU over the governor's limit costs AI and background their duty before anything else", () => {
    const { run, stance, now } = pod();
    now.cpu = 79;
    run(20_000);
    expect(stance.duty).toBeLessThan(0.5);
    expect(stance.step).toBe(0);
    now.cpu = 85;
    run(1_000);
    expect(stance.step).toBeGreaterThan(0);
    now.cpu = 40;
    run(30_000);
    expect([stance.duty, stance.step]).toEqual([1, 0]);
  });

  it("another cap moves both limits", () => {
    const { run, stance, now } = pod(0.5);
    now.cpu = 49;
    run(10_000);
    expect([stance.duty < 0.9, stance.step]).toEqual([true, 0]);
    now.cpu = 55;
    run(2_000);
    expect(stance.step).toBeGreaterThan(0);
  });

  it("memory: first nobody new, then caches, then the ladder as far as shedding joins", () => {
    const { run, stance, phase, now, shed } = pod();
    now.memory = 0.86;
    run(250);
    expect([phase.closedTo, shed(), stance.step]).toEqual(["MEMORY_LOW", 0, 0]);
    now.memory = 0.91;
    run(5_000);
    expect([shed(), stance.step]).toEqual([1, 0]);
    run(6_000);
    expect(shed()).toBe(2);
    now.memory = 0.97;
    run(20_000);
    expect(stance.effects.name).toBe("joins-shed");
    now.memory = 0.5;
    run(20_000);
    expect([phase.closedTo, stance.step]).toEqual([undefined, 0]);
  });

  it("is exported, with the tasks of the control thread", async () => {
    const { run, now, pressure } = pod();
    const registry = createRegistry();
    const chores = new Scheduler({
      capacity: 4,
      bandCapacity: 1,
      onError: () => {},
      kinds: [{ name: "sweep", class: "background", run: () => {} }],
    });
    const stats = {
      simulation: counters<SimulationCounter>(SIMULATION_COUNTERS),
      transports: [0, 1].map(() => counters<TransportCounter>(TRANSPORT_COUNTERS)),
    };
    const collect = schedulerMetrics(registry, { pressure, chores, stats });
    chores.submit(0, 0, 0, 0);
    chores.submit(0, 0, 0, 0);
    chores.run(1);
    chores.submit(0, 0, 0, 0);
    now.io = 1;
    run(1_500);
    collect();
    const text = await registry.metrics();
    expect(text).toMatch(/^gamefleet_ladder_step [1-9]/m);
    expect(text).toContain('gamefleet_scheduler_tasks_total{thread="control",band="background"} 1');
    expect(text).toContain('gamefleet_scheduler_refused_total{thread="control",band="background"} 1');
    expect(text).toContain('gamefleet_scheduler_depth{thread="control",band="background"} 1');
    expect(text).toMatch(/gamefleet_thread_busy\{thread="io-0"\} 0\.[89]/);
    expect(text).toMatch(/gamefleet_ladder_moves_total\{direction="down"\} [1-9]/);
    expect(text).toContain("gamefleet_governor_duty 1");
    expect(text).not.toContain("gamefleet_critical_path_seconds{");
    stats.simulation.add("ticks", 60);
    stats.simulation.add("busyMs", 120);
    for (const [index, io] of stats.transports.entries()) {
      io.add("pathCount", 10);
      io.add("pathRingMs", 80 + index * 10);
      io.add("pathTickMs", 30);
      io.add("pathQueueMs", index === 0 ? 20 : 400);
      io.add("pathUpdateMs", 1);
      io.add("missedActive", 3 + index);
      io.set("worstLateMs", 12);
    }
    collect();
    const later = await registry.metrics();
    // The slower thread decides.
    expect(stages(later)).toEqual({
      "ring io-1": 0.009,
      step: 0.002,
      "wake io-1": 0.001,
      "queue io-1": 0.04,
      "update io-1": 0.0001,
    });
    expect(later).toContain('gamefleet_scheduler_missed_deadlines_total{thread="io-1",band="active"} 4');
    expect(later).toContain('gamefleet_scheduler_worst_lateness_seconds{thread="io-0"} 0.012');
  });
});

function stages(text: string): Record<string, number> {
  const lines = text.matchAll(/^gamefleet_critical_path_seconds\{stage="([^"]+)"\} (\S+)$/gm);
  return Object.fromEntries(
    [...lines].map(([, name = "", value]) => [name, Number(Number(value).toFixed(6))]),
  );
}
