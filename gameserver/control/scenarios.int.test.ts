/** Critical scenarios on a real pod with real sockets: what must hold, whatever happens. */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../../platform/testing/eventually.ts";
import { Herd, inputMaker, localPlayers } from "../../test/bots/lean/herd.ts";
import type { LeanPlayer } from "../../test/bots/lean/player.ts";
import { startPodProcess } from "../testing/pod-process.ts";

const HELD = 120;

let child: ChildProcess | undefined;
let herd: Herd | undefined;
afterEach(() => {
  herd?.close();
  child?.kill("SIGKILL");
});

/** A pod in a process of its own, and a herd that is not in it yet. */
async function pod(env: Readonly<Record<string, string>>) {
  const started = await startPodProcess("arena-game.ts", env, (process) => {
    child = process;
  });
  const players = localPlayers({ zone: "sol", seed: 3, probeEvery: 1 });
  const all = new Herd({ port: started.port, inputHz: 6, comeAgain: false }, players);
  herd = all;
  const admin = `http://127.0.0.1:${started.adminPort}`;
  const metrics = async () => (await fetch(`${admin}/metrics`)).text();
  const ready = async () => (await fetch(`${admin}/readyz`)).text();
  const { events, child: own } = started;
  return { herd: all, events, metrics, ready, pid: own.pid ?? 0, exit: () => own.exitCode };
}

/** All walk about from now on. */
function walk(all: Herd): void {
  const make = inputMaker(all.players[0] as LeanPlayer);
  const ways = [make("walk", { dx: 1, dy: 0 }), make("walk", { dx: -1, dy: 0.5 })];
  all.deed = (player) => ways[Math.floor(player.random() * ways.length)];
}

/** Of those who play, all inputs sent by now are acknowledged in the end. */
async function allAcknowledged(players: readonly LeanPlayer[]): Promise<void> {
  const sent = players.map((player) => player.inputSeq);
  await eventually(() => {
    for (const [index, player] of players.entries())
      expect(player.ack).toBeGreaterThanOrEqual(sent[index] ?? 0);
  });
}

describe("promotional spike", () => {
  it("three times the joins at once: whoever plays plays on, who has no place is told at once to ask again", async () => {
    const { herd: all, metrics } = await pod({
      GAMEFLEET_CAPACITY_SESSIONS: String(HELD),
      GAMEFLEET_LOCAL_ZONES: `sol:${HELD}`,
    });
    all.grow(HELD / 2, 1_000);
    await eventually(() => expect(all.playing).toBe(HELD / 2));
    walk(all);
    const before = [...all.players];
    all.grow((HELD / 2) * 4, 10_000);
    await eventually(() => {
      expect(all.playing).toBe(HELD);
      expect(all.tally.refused).toBe((HELD / 2) * 4 - HELD);
    });
    expect([...all.tally.reasons.keys()].every((why) => why.startsWith("serverFull"))).toBe(true);
    await allAcknowledged(before);
    expect([all.tally.lost, all.tally.faults, all.tally.wrongAcks]).toEqual([0, 0, 0]);
    expect(await metrics()).toMatch(/gamefleet_joins_total\{result="SERVER_FULL"[^}]*\} 120/);
  });

  it("on an overloaded pod: step by step it gives way, newcomers are told to ask elsewhere, whoever plays plays on", async () => {
    const { herd: all, events } = await pod({
      GAMEFLEET_CAPACITY_SESSIONS: "400",
      GAMEFLEET_LOCAL_ZONES: "sol:400",
      // A cap that a pod with players is above on any machine.
      GAMEFLEET_CPU_CAP_PERCENT: "1",
    });
    all.grow(50, 1_000);
    await eventually(() => expect(all.playing).toBeGreaterThan(20));
    walk(all);
    await eventually(() => expect(events.some((event) => event["name"] === "joins-shed")).toBe(true));
    const before = all.players.filter((player) => player.playing);
    all.grow(200, 10_000);
    await eventually(() =>
      expect([...all.tally.reasons.keys()].some((why) => why.includes("SERVER_OVERLOADED"))).toBe(true),
    );
    await allAcknowledged(before);
    expect([all.tally.lost, all.tally.faults, all.tally.wrongAcks]).toEqual([0, 0, 0]);
    const steps = events.filter((event) => event["msg"] === "ladder").map((event) => event["step"] as number);
    for (const [index, step] of steps.entries())
      expect(Math.abs(step - (steps[index - 1] ?? 0))).toBeLessThanOrEqual(1);
  });
});

describe("memory exhaustion", () => {
  it("near its limit the pod lets nobody in, gives caches back, keeps who plays, and is not killed", async () => {
    // What a pod of this game needs when it is idle, measured first: then a limit just above it.
    const idle = await pod({ GAMEFLEET_LOCAL_ZONES: "sol:2000", GAMEFLEET_CAPACITY_SESSIONS: "2000" });
    idle.herd.grow(40, 1_000);
    await eventually(() => expect(idle.herd.playing).toBe(40));
    const needs = residentBytes(idle.pid);
    idle.herd.close();
    child?.kill("SIGKILL");
    const {
      herd: all,
      events,
      pid,
      exit,
      ready,
    } = await pod({
      GAMEFLEET_LOCAL_ZONES: "sol:2000",
      GAMEFLEET_CAPACITY_SESSIONS: "2000",
      GAMEFLEET_MEMORY_LIMIT_BYTES: String(Math.round(needs / 0.8)),
    });
    all.grow(2_000, 150);
    await eventually(() =>
      expect([...all.tally.reasons.keys()].some((why) => why.includes("MEMORY_LOW"))).toBe(true),
    );
    const players = all.players.filter((player) => player.playing);
    expect(players.length).toBeGreaterThan(0);
    walk(all);
    await allAcknowledged(players);
    expect(all.tally.lost).toBe(0);
    expect(exit()).toBeNull();
    expect(residentBytes(pid)).toBeLessThan(needs / 0.8);
    expect(events.some((event) => event["msg"] === "memory level")).toBe(true);
    expect(await ready()).toBe("ok");
  });
});

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1_024;
}
