/**
 * What a pod's recorder writes, the `replay` command runs again: a pod of its own with real sockets, its files, and
 * the command in a process of its own.
 */
import { type ChildProcess, execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../../platform/testing/eventually.ts";
import { encodeLeave } from "../../protocol/frames.ts";
import { TestClient } from "../testing/client.ts";
import { ROOT, startPodProcess } from "../testing/pod-process.ts";

const WALK = { kind: "push", fields: { dx: 1, dy: 0.5 } };

let directory: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "recordings-"));
});
afterEach(() => {
  child?.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

/** A pod in a process of its own; answers its player port. */
async function pod(env: Readonly<Record<string, string>>): Promise<number> {
  const own = { GAMEFLEET_LOCAL_ZONES: "yard:4", ...env };
  const { port } = await startPodProcess("crates-game.ts", own, (process) => {
    child = process;
  });
  return port;
}

async function stop(): Promise<void> {
  const ended = once(child as ChildProcess, "exit");
  child?.kill("SIGTERM");
  await ended;
}

const enter = (port: number, player: string) =>
  TestClient.join(port, JSON.stringify({ player, zone: "yard" }));

interface Said {
  readonly code: number;
  readonly result: {
    readonly ticks: number;
    readonly difference?: { readonly tick: number; readonly parts: readonly string[] };
    readonly faults: readonly string[];
  };
}

function replay(path: string): Promise<Said> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ["gameserver/replay.ts", path],
      { cwd: ROOT, maxBuffer: 2 ** 24 },
      (error, stdout) => {
        resolve({ code: error ? Number(error.code) : 0, result: JSON.parse(stdout || "{}") });
      },
    );
  });
}

const files = (ending: string) => readdirSync(directory).filter((file) => file.endsWith(ending));

describe("a recording", () => {
  it("of a pod that was played on has the same digests again, tick by tick, and names what was tampered with", async () => {
    const port = await pod({ GAMEFLEET_RECORD: directory });
    const players = await Promise.all(["ada", "bob"].map((name) => enter(port, name)));
    for (const player of players) player.send(WALK, { kind: "shoot", fields: {} });
    for (const player of players) await player.until(() => player.view?.ackInput === 2);
    const [ada, bob] = players;
    ada?.socket.send(encodeLeave());
    await ada?.closed();
    bob?.send({ kind: "push", fields: { dx: -1, dy: 0 } }, { kind: "spoil", fields: { what: 3 } });
    await bob?.until(() => bob.view?.ackInput === 4);
    const { tick: then = 0 } = bob?.view ?? {};
    await bob?.until(() => (bob.view?.tick ?? 0) > then + 60);
    await stop();
    const [file = "", ...others] = files(".jsonl");
    expect(others).toEqual([]);
    const path = join(directory, file);
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    const played = lines.filter((line) => line.includes('"inputs"')).length;
    expect(played).toBeGreaterThan(0);
    for (const what of ["join", "leave"])
      expect(lines.filter((line) => line.includes(`"${what}"`)).length).toBeGreaterThan(0);
    expect(await replay(path)).toEqual({
      code: 0,
      result: { zone: "yard", ticks: lines.length - 1, faults: [] },
    });
    // An input that never was: the first tick that shows it is found.
    const at = lines.findIndex((line) => line.includes('"inputs":[['));
    const { tick } = JSON.parse(lines[at] ?? "{}") as { tick: number };
    const other = lines.map((line, index) => (index === at ? line.replace(/"c8/g, '"0a') : line));
    expect(other[at]).not.toBe(lines[at]);
    writeFileSync(path, other.join("\n"));
    const tampered = await replay(path);
    expect(tampered.code).toBe(1);
    expect(tampered.result.difference?.tick).toBe(tick);
    expect(tampered.result.difference?.parts).toContain("columns.vx");
  });
});

describe("the dump of an anomaly", () => {
  it("is written when physics finds one, and reproduces it", async () => {
    const port = await pod({ GAMEFLEET_DUMPS: directory });
    const player = await enter(port, "ada");
    await player.until(() => (player.view?.tick ?? 0) > 60);
    // Breaks the nearest crate: its place is not a number any more.
    player.send({ kind: "spoil", fields: { what: 0 } });
    await eventually(() => expect(files(".dump.jsonl").length).toBe(1));
    await stop();
    const [file = ""] = files(".dump.jsonl");
    expect(file).toContain("not-a-number");
    const { code, result } = await replay(join(directory, file));
    expect([code, result.difference]).toEqual([0, undefined]);
    expect(result.ticks).toBeGreaterThan(10);
    expect(result.faults.some((fault) => fault.startsWith("physics not-a-number: 1 near"))).toBe(true);
  });
});
