/**
 * Four times a second: how strained the pod is, and what is done about it. The CPU governor's duty, the memory level
 * and the step of the ladder are planned by `scheduler/` (pure) and put into effect here: in the stance that all
 * threads read (I/O threads tell players of dilated time), in the phase (newcomers), by events and metrics.
 */
import type { Log } from "../../platform/log.ts";
import { type Effects, LADDER, type Stance } from "../scheduler/effects.ts";
import { planDuty, smooth } from "../scheduler/governor.ts";
import { GROUND, type LadderState, planLadder, type Strain } from "../scheduler/ladder.ts";
import { MEMORY_LEVELS, type MemoryLevel, planMemory } from "../scheduler/memory.ts";
import type { CpuMeter, MemoryMeter } from "./cgroup.ts";
import type { Phase } from "./phase.ts";

export const LOOK_MS = 250;
/** CPU counts as a mean over about this long; a thread's busy share over less, it is felt at once. */
const CPU_WINDOW_MS = 1_000;
const BUSY_WINDOW_MS = 400;
/** Caches are shed again after so long while the level stays. */
const SHED_AGAIN_MS = 10_000;

export interface PressureParts {
  /** A meter of its own: it counts from one look to the next. */
  readonly cpu: CpuMeter;
  readonly memory: MemoryMeter;
  readonly busy: () => ReadonlyMap<string, number>;
  readonly stance: Stance;
  readonly phase: Pick<Phase, "shedding">;
  /** Share of the CPU quota that the pod stays below, 0 … 1. */
  readonly cpuCap: number;
  /** Gives memory back that is only kept for convenience. */
  readonly shedCaches: () => void;
  readonly log: Pick<Log, "info" | "warn">;
}

export class Pressure {
  readonly #parts: PressureParts;
  readonly #busy = new Map<string, number>();
  #ladder: LadderState = GROUND;
  #level: MemoryLevel = 0;
  #duty = 1;
  #cpu = 0;
  #memory = 0;
  #lookedAt: number;
  #shedAt = Number.NEGATIVE_INFINITY;
  /** Moves of the ladder so far. */
  moves = { down: 0, up: 0 };

  constructor(parts: PressureParts, nowMs: number) {
    this.#parts = parts;
    this.#lookedAt = nowMs;
    parts.cpu.percent();
    parts.busy();
  }

  get effects(): Effects {
    return LADDER[this.#ladder.step] as Effects;
  }

  get step(): number {
    return this.#ladder.step;
  }

  get timeScale(): number {
    return this.#ladder.timeScale;
  }

  get duty(): number {
    return this.#duty;
  }

  get memoryLevel(): MemoryLevel {
    return this.#level;
  }

  /** As of the last look. */
  get strain(): Strain & { readonly threads: ReadonlyMap<string, number> } {
    return {
      tick: Math.max(0, ...this.#busy.values()),
      cpu: this.#cpu / this.#parts.cpuCap,
      memory: this.#memory,
      threads: this.#busy,
    };
  }

  look(nowMs: number): void {
    const passed = nowMs - this.#lookedAt;
    this.#lookedAt = nowMs;
    this.#measure(passed);
    this.#govern();
    this.#remember(nowMs);
    this.#climb(nowMs);
    const { phase } = this.#parts;
    if (this.#level >= 1) phase.shedding = "MEMORY_LOW";
    else phase.shedding = this.effects.joinsShed ? "SERVER_OVERLOADED" : undefined;
  }

  #measure(passed: number): void {
    const { cpu, memory, busy } = this.#parts;
    this.#cpu = smooth(this.#cpu, cpu.percent() / 100, passed, CPU_WINDOW_MS);
    this.#memory = memory.share();
    for (const [thread, share] of busy())
      this.#busy.set(thread, smooth(this.#busy.get(thread) ?? 0, share, passed, BUSY_WINDOW_MS));
  }

  /** The governor's limit lies as far below the cap as it does below 80 %. */
  #govern(): void {
    this.#duty = planDuty(this.#duty, (this.#cpu * 0.8) / this.#parts.cpuCap);
    this.#parts.stance.duty = this.#duty;
  }

  #remember(nowMs: number): void {
    const before = this.#level;
    const { log, memory, shedCaches } = this.#parts;
    this.#level = planMemory(before, this.#memory);
    if (this.#level !== before) {
      const fields = {
        level: MEMORY_LEVELS[this.#level],
        before: MEMORY_LEVELS[before],
        usedPercent: Math.round(this.#memory * 100),
        limitBytes: memory.limit,
      };
      log[this.#level > before ? "warn" : "info"](fields, "memory level");
    }
    if (this.#level < 2 || nowMs - this.#shedAt < SHED_AGAIN_MS) return;
    this.#shedAt = nowMs;
    shedCaches();
  }

  #climb(nowMs: number): void {
    const before = this.#ladder;
    const { strain } = this;
    this.#ladder = planLadder(before, strain, nowMs);
    const { step, timeScale } = this.#ladder;
    if (this.#ladder === before) return;
    this.#parts.stance.set(step, timeScale);
    if (step !== before.step) this.moves[step > before.step ? "down" : "up"]++;
    const fields = {
      step,
      name: this.effects.name,
      before: LADDER[before.step]?.name,
      timeScale,
      busyPercent: Math.round(strain.tick * 100),
      cpuOfCapPercent: Math.round(strain.cpu * 100),
      memoryPercent: Math.round(strain.memory * 100),
    };
    this.#parts.log[step > before.step ? "warn" : "info"](fields, "ladder");
  }
}
