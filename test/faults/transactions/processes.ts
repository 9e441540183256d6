/** Pods and callers as child processes. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { freePort } from "../../stores/stores.ts";
import type { CallerOptions, CallerSummary } from "./caller.ts";

const POD = fileURLToPath(new URL("pod.ts", import.meta.url));
const CALLER = fileURLToPath(new URL("caller.ts", import.meta.url));

export interface Pod {
  readonly port: number;
  /** Names the life that runs now: its journals are found in the books by it. */
  readonly life: string;
  start(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
  /** In an orderly way. */
  stop(): Promise<void>;
}

export interface PodStores {
  readonly redisUrl: string;
  readonly databaseUrl: string;
}

export async function makePod(name: string, stores: PodStores): Promise<Pod> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  let lives = 0;
  const life = () => `${name}-${lives}`;
  return {
    port,
    get life() {
      return life();
    },
    async start() {
      lives += 1;
      const env = {
        ...process.env,
        POD_REDIS: stores.redisUrl,
        POD_DATABASE: stores.databaseUrl,
        POD_SERVER: `default/${name}`,
        POD_LIFE: life(),
        POD_PORT: String(port),
      };
      child = fork(POD, { env, execArgv: [] });
      await heard(child, (message) => message === "ready");
    },
    async kill() {
      if (child) await ended(child, () => child?.kill("SIGKILL"));
    },
    signal: (signal) => void child?.kill(signal),
    async stop() {
      if (child) await ended(child, () => child?.send("stop"));
    },
  };
}

export interface Caller {
  /** No new requests; resolves when all are answered, or given up. */
  finish(): Promise<CallerSummary>;
  kill(): void;
}

export async function startCaller(options: CallerOptions): Promise<Caller> {
  const child = fork(CALLER, [JSON.stringify(options)], { execArgv: [] });
  await heard(child, (message) => message === "ready");
  return {
    async finish() {
      const summary = heard(child, (message): message is CallerSummary => typeof message === "object");
      child.send("finish");
      return summary;
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

function heard<T = unknown>(
  child: ChildProcess,
  wanted: ((message: unknown) => message is T) | ((message: unknown) => boolean),
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null, signal: string | null) =>
      reject(new Error(`the process ended early: ${code ?? signal}`));
    child.once("exit", onExit);
    child.on("message", (message) => {
      if (!wanted(message)) return;
      child.off("exit", onExit);
      resolve(message as T);
    });
  });
}

async function ended(child: ChildProcess, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  end();
  await exit;
}
