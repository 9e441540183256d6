/** The pod under overload: a process held to one core, so that twice its load is more than it has. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { FromServer } from "../realtime/messages.ts";

const POD = fileURLToPath(new URL("../realtime/pod.ts", import.meta.url));

export interface PodProcess {
  readonly child: ChildProcess;
  readonly port: number;
  /** Highest step of the ladder so far, and where it stands. */
  readonly ladder: { highest: number; step: number; timeScale: number };
  stop(): Promise<void>;
}

/** Holds all threads of a process to one core. */
export function pin(pid: number, core: number): void {
  execFileSync("taskset", ["-acp", String(core), String(pid)], { stdio: "ignore" });
}

export async function startPodProcess(
  env: Readonly<Record<string, string>>,
  onTicks: (ticks: readonly number[]) => void,
): Promise<PodProcess> {
  const child = spawn("taskset", ["-c", "0", process.execPath, "--max-old-space-size=512", POD], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    serialization: "advanced",
  });
  const ladder = { highest: 0, step: 0, timeScale: 1 };
  const lines = createInterface({ input: child.stdout as NonNullable<ChildProcess["stdout"]> });
  lines.on("line", (line) => {
    if (!line.includes('"ladder"')) return;
    const { step = 0, timeScale = 1 } = JSON.parse(line) as { step?: number; timeScale?: number };
    ladder.step = step;
    ladder.timeScale = timeScale;
    ladder.highest = Math.max(ladder.highest, step);
  });
  child.on("message", (message: FromServer) => {
    if (message.type === "ticks") onTicks(message.ticks);
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.on("message", (message: FromServer) => {
      if (message.type === "listening") resolve(message.port);
    });
    child.once("exit", (code) => reject(new Error(`the pod ended with code ${code}`)));
  });
  return {
    child,
    port,
    ladder,
    async stop() {
      if (child.exitCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
