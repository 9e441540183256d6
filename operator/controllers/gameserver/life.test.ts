import { describe, expect, it } from "vitest";
import type { LoadSample } from "../../../protocol/directory.ts";
import { gameServer, NOW, pod } from "../testing.ts";
import { plan } from "./plan.ts";

const sample = (state: LoadSample["state"]): LoadSample => ({
  v: 1,
  server: "starlanes-x7k2",
  fleet: "starlanes",
  life: "pod-1",
  state,
  cpuPercent: 40,
  memoryBytes: 1,
  sessions: 3,
  capacity: 500,
  tickLatenessMs: 0,
  loopDelayMs: 0,
  zones: [],
});
const server = gameServer({ status: { observedGeneration: 1, state: "Ready", podUID: "pod-1" } });
/** What the roster tells the pod, given what the pod's sample says. */
const told = (says: LoadSample["state"]) =>
  plan({ server, pod: pod(), load: sample(says), nowMs: NOW }).verdict;

describe("a drain that is taken back", () => {
  it("ends: the pod's echo of Draining is not answered with Draining", () => {
    // A pod whose /readyz stays good, so that only the roster and the sample speak to each other.
    let says: LoadSample["state"] = "Draining";
    const heard: string[] = [];
    for (let second = 0; second < 3; second++) {
      const word: string = told(says).state;
      heard.push(word);
      says = word === "Draining" ? "Draining" : "Ready";
    }
    expect(heard).toEqual(["NotReady", "Ready", "Ready"]);
  });

  it("leaves a game that drains by its own will without new players, and with its pod", () => {
    expect(told("Draining")).toMatchObject({ state: "NotReady", reason: "GameDrains", notable: true });
    const decided = plan({ server, pod: pod(), load: sample("Draining"), nowMs: NOW });
    expect(decided.deletePod).toBeUndefined();
    expect(decided.drainBy).toBe(0);
  });
});
