/**
 * What the control thread and the simulation thread say to each other. Rare messages only: world state and inputs
 * go through shared memory.
 */
import type { MessagePort } from "node:worker_threads";

export interface SimulationData {
  /** Path of the game module. */
  readonly game: string;
  /** One port per I/O thread: it is told each tick that was published. */
  readonly tickPorts: readonly MessagePort[];
  readonly counters: SharedArrayBuffer;
  readonly stepSamples: SharedArrayBuffer;
  readonly latenessSamples: SharedArrayBuffer;
  /** Of `Stance`: where the pod stands on the ladder. */
  readonly stance: SharedArrayBuffer;
  /** 1, 2, or 0 for 2 where the game has rigid kinds and there are four cores or more. */
  readonly physicsWorkers: number;
  /** Directories for recordings and for dumps of anomalies; undefined for none. */
  readonly record: string | undefined;
  readonly dumps: string | undefined;
}

/** A reward as a rule gives it: once per player and name, or per player, name and key within this life of the zone. */
export interface GivenReward {
  readonly name: string;
  readonly key: string | undefined;
  readonly goods: Readonly<Record<string, number>>;
}

export const SIMULATION_COUNTERS = [
  "ticks",
  "dilatedTicks",
  "faults",
  "anomalies",
  "busyMs",
  "entities",
  "beatAt",
  "npcsEngaged",
  "npcsNear",
  "npcsMid",
  "npcsFar",
  "npcsUnthrottled",
  "thoughtsEngaged",
  "thoughtsNear",
  "thoughtsMid",
  "thoughtsFar",
  "thoughtsUnthrottled",
  "aiWantedUnits",
  "aiSpentUnits",
  "pathsFound",
  "pathsNone",
  "pathsWaiting",
  "pathSlicesSpent",
] as const;
export type SimulationCounter = (typeof SIMULATION_COUNTERS)[number];

/** Counters of AI, in the order of `TALLY_BANDS`. */
export const AI_COUNTERS = [
  { npcs: "npcsEngaged", thoughts: "thoughtsEngaged" },
  { npcs: "npcsNear", thoughts: "thoughtsNear" },
  { npcs: "npcsMid", thoughts: "thoughtsMid" },
  { npcs: "npcsFar", thoughts: "thoughtsFar" },
  { npcs: "npcsUnthrottled", thoughts: "thoughtsUnthrottled" },
] as const satisfies readonly { readonly npcs: SimulationCounter; readonly thoughts: SimulationCounter }[];

/** Control → simulation. `index` names an open zone for as long as it is open. */
export type ToSimulation =
  | {
      readonly type: "open";
      readonly index: number;
      readonly id: string;
      readonly slots: number;
      readonly buffer: SharedArrayBuffer;
    }
  | { readonly type: "close"; readonly index: number }
  | {
      readonly type: "join";
      readonly index: number;
      readonly slot: number;
      readonly seed: number;
      readonly request: number;
    }
  | { readonly type: "leave"; readonly index: number; readonly slot: number }
  /** A purchase of the player in `slot` stands in the books. `offer` is its number in the declaration. */
  | {
      readonly type: "purchased";
      readonly index: number;
      readonly slot: number;
      readonly offer: number;
      readonly quantity: number;
    }
  | { readonly type: "stop" };

/** Simulation → control. */
export type FromSimulation =
  | { readonly type: "ready" }
  | { readonly type: "opened"; readonly index: number }
  | { readonly type: "closed"; readonly index: number }
  /** The game says that the zone is over. Told once. */
  | { readonly type: "over"; readonly index: number }
  /** A rule gives the player in `slot` a reward. */
  | { readonly type: "reward"; readonly index: number; readonly slot: number; readonly reward: GivenReward }
  | { readonly type: "joined"; readonly request: number; readonly entity: number | undefined }
  | { readonly type: "fault"; readonly zone: string; readonly where: string; readonly message: string };
