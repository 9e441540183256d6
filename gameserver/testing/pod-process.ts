/** A whole pod in a process of its own, as Kubernetes starts one, without its stores. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface PodProcess {
  readonly child: ChildProcess;
  /** Lines of its log so far, and those to come. */
  readonly events: readonly Record<string, unknown>[];
  readonly port: number;
  readonly adminPort: number;
}

/**
 * Resolves once it serves, rejects when it ends before. `game` is a file of this folder; `onStart` is told of the process
 * at once, so that whoever tidies up knows it even when it never serves.
 */
export async function startPodProcess(
  game: string,
  env: Readonly<Record<string, string>>,
  onStart: (child: ChildProcess) => void,
): Promise<PodProcess> {
  const child = spawn(process.execPath, ["gameserver/main.ts"], {
    cwd: ROOT,
    env: {
      ...process.env,
      GAMEFLEET_LOCAL: "true",
      GAMEFLEET_GAME: fileURLToPath(new URL(game, import.meta.url)),
      GAMEFLEET_HOST: "127.0.0.1",
      GAMEFLEET_PORT: "0",
      GAMEFLEET_ADMIN_PORT: "0",
      GAMEFLEET_IO_THREADS: "1",
      ...env,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onStart(child);
  const events: Record<string, unknown>[] = [];
  const serving = await new Promise<Record<string, unknown>>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the pod ended with code ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const event = JSON.parse(line) as Record<string, unknown>;
      events.push(event);
      if (event["msg"] === "serving") resolve(event);
    });
  });
  return { child, events, port: Number(serving["port"]), adminPort: Number(serving["adminPort"]) };
}
