/** Pods and callers as child processes. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CrashPoint } from "../../../gameserver/transactions/crash-points.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
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
  /** Has it stand still when it next comes to `point`. */
  haltAt(point: CrashPoint): void;
  /** Resolves when it stands still there. Rejects when it does not come to it. */
  halted(point: CrashPoint): Promise<void>;
  goOn(): void;
  /** In an orderly way. */
  stop(): Promise<void>;
}

export interface PodStores {
  readonly redisUrl: string;
  readonly databaseUrl: string;
  /** For files that say where pods stand still. */
  readonly folder: string;
}

export async function makePod(name: string, stores: PodStores): Promise<Pod> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  let lives = 0;
  const haltFile = join(stores.folder, `${name}.halt`);
  const goOn = () => rmSync(haltFile, { force: true });
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
        POD_HALT: haltFile,
      };
      goOn();
      child = fork(POD, { env, execArgv: [] });
      await heard(child, (message) => message === "ready");
    },
    async kill() {
      if (child) await ended(child, () => child?.kill("SIGKILL"));
    },
    signal: (signal) => void child?.kill(signal),
    haltAt: (point) => void child?.send({ halt: point }),
    halted: (point) => eventually(() => read(haltFile) === point, `${name} at "${point}"`),
    goOn,
    async stop() {
      if (child) await ended(child, () => child?.send("stop"));
    },
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

export interface Caller {
  /** False once its process has ended, whatever ended it. */
  readonly alive: boolean;
  /** As `finish`, of all until now; and goes on when told to. */
  rest(): Promise<CallerSummary>;
  goOn(): void;
  /** No new requests; resolves when all are answered, or given up. */
  finish(): Promise<CallerSummary>;
  kill(): void;
}

export async function startCaller(options: CallerOptions): Promise<Caller> {
  const child = fork(CALLER, [JSON.stringify(options)], { execArgv: [] });
  await heard(child, (message) => message === "ready");
  const summaryAfter = (message: "rest" | "finish") => {
    const summary = heard(child, (answer): answer is CallerSummary => typeof answer === "object");
    child.send(message);
    return summary;
  };
  return {
    get alive() {
      return child.connected;
    },
    rest: () => summaryAfter("rest"),
    goOn: () => void child.send("go on"),
    finish: () => summaryAfter("finish"),
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
    const onMessage = (message: unknown) => {
      if (!wanted(message)) return;
      child.off("exit", onExit);
      child.off("message", onMessage);
      resolve(message as T);
    };
    child.once("exit", onExit);
    child.on("message", onMessage);
  });
}

async function ended(child: ChildProcess, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  end();
  await exit;
}
