/**
 * One side of the bench: a server in a process of its own, and its crowd in this one. Between its turns a side is
 * stopped (SIGSTOP), so that sides can be measured in turn without joining anew.
 */
import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { Herd, type HerdPlayer, monotonicMs } from "../../bots/lean/herd.ts";
import type { LeanShared } from "../../bots/lean/player.ts";
import { busySeconds, cpuSecondsOf } from "../harness.ts";
import type { FromServer, ToServer } from "./messages.ts";

/**
 * Times a second that those read who are no probes (all have by the time a side has settled), and ms between two looks
 * at the truth. Both as rare as will do: the generator shares the server's cores, and its probes wait for what it does
 * in one go.
 */
const LAZY_HZ = 1.25;
const LOOK_MS = 1_000;

export interface SideOptions<P extends HerdPlayer> {
  readonly name: string;
  /** Module of the server, beside this file. */
  readonly server: string;
  readonly env: Readonly<Record<string, string>>;
  readonly sessions: number;
  readonly inputHz: number;
  readonly joinsPerSecond: number;
  /** The server gives paths to connect to (Colyseus). */
  readonly reserve?: boolean;
  readonly make: (index: number, shared: LeanShared, paths: readonly string[]) => P;
  /** Once all play. */
  readonly start?: (herd: Herd<P>) => void;
}

export interface Round {
  /** Seconds of CPU and of time. */
  readonly cpu: number;
  readonly seconds: number;
  readonly updates: number;
  readonly inputs: number;
  readonly bytes: number;
  readonly playing: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly inputToSeenP99Ms: number;
  /** Metres between what probes show within a third of the radius and what is so. */
  readonly errors: readonly number[];
  readonly staleness: readonly number[];
  readonly inView: number;
  readonly generatorCores: number;
  /** Cores that neither the server nor this process used, while others ran. */
  readonly foreignCores: number;
  /** Longest pause of a garbage collection, ms; NaN where it is not watched. */
  readonly gcMaxMs: number;
  readonly lost: number;
  readonly faults: number;
}

/** Compares what a probe shows with the truth: metres, and ms since the value shown was so, by ring. */
export type Compare<P> = (players: readonly P[], truth: Extract<FromServer, { type: "truth" }>) => void;

export class Side<P extends HerdPlayer> {
  readonly name: string;
  readonly herd: Herd<P>;
  readonly #child: ChildProcess;
  readonly #options: SideOptions<P>;
  #gcMax = 0;
  compare: Compare<P> | undefined;

  static async start<P extends HerdPlayer>(options: SideOptions<P>): Promise<Side<P>> {
    const child = fork(new URL(options.server, import.meta.url), {
      env: { ...process.env, ...options.env, GAMEFLEET_BENCH_PLAYERS: String(options.sessions) },
      execArgv: ["--trace-gc", "--max-old-space-size=512"],
      serialization: "advanced",
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    // A stopped child would outlive this process.
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    child.once("exit", () => process.off("exit", kill));
    const port = (await told(child, "listening")).port;
    let paths: readonly string[] = [];
    if (options.reserve) {
      child.send({ type: "reserve", count: options.sessions } satisfies ToServer);
      paths = (await told(child, "paths")).paths;
    }
    return new Side(child, port, paths, options);
  }

  private constructor(child: ChildProcess, port: number, paths: readonly string[], options: SideOptions<P>) {
    this.name = options.name;
    this.#child = child;
    this.#options = options;
    this.herd = new Herd<P>({ port, inputHz: options.inputHz, lazyHz: LAZY_HZ }, (index, shared) =>
      options.make(index, shared, paths),
    );
    child.stdout?.on("data", (chunk: Buffer) => this.#gc(chunk.toString()));
    child.on("message", (message: FromServer) => {
      if (message.type === "ticks") {
        for (let i = 0; i < message.ticks.length; i += 2) {
          this.herd.ticks.add(message.ticks[i] as number, message.ticks[i + 1] as number);
        }
        this.herd.settle();
      } else if (message.type === "truth") this.compare?.(this.herd.players, message);
    });
  }

  /** Lets everyone join; throws when they do not within `withinMs`. */
  async join(withinMs: number): Promise<void> {
    const { sessions, joinsPerSecond, start } = this.#options;
    const { herd } = this;
    herd.grow(sessions, joinsPerSecond);
    const end = monotonicMs() + withinMs;
    while (herd.playing < sessions) {
      await sleep(50);
      if (monotonicMs() < end) continue;
      const why = [...herd.tally.reasons].map(([reason, count]) => `${count} x ${reason}`).join(", ");
      throw new Error(`${this.name}: ${herd.playing} of ${sessions} play after ${withinMs} ms; ${why}`);
    }
    start?.(herd);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resident memory, MB. */
  get rssMB(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
  }

  pause(): void {
    this.herd.paused = true;
    process.kill(this.pid, "SIGSTOP");
  }

  resume(): void {
    process.kill(this.pid, "SIGCONT");
    this.herd.paused = false;
  }

  async measure(settleMs: number, windowMs: number): Promise<Round> {
    await sleep(settleMs);
    const { herd } = this;
    herd.reset();
    this.#gcMax = 0;
    const cpu = cpuSecondsOf(this.pid);
    const machine = busySeconds();
    const own = process.cpuUsage();
    const from = monotonicMs();
    while (monotonicMs() - from < windowMs) {
      await sleep(LOOK_MS);
      if (this.compare) this.#child.send({ type: "truth" } satisfies ToServer);
    }
    const seconds = (monotonicMs() - from) / 1_000;
    const used = cpuSecondsOf(this.pid) - cpu;
    const { user, system } = process.cpuUsage(own);
    const generator = (user + system) / 1e6;
    const foreign = busySeconds() - machine - used - generator;
    const { tally } = herd;
    return {
      cpu: used,
      seconds,
      updates: tally.updates,
      inputs: tally.inputs,
      bytes: herd.takeBytes(),
      playing: herd.playing,
      p50Ms: tally.tickToClient.quantile(0.5),
      p99Ms: tally.tickToClient.quantile(0.99),
      p999Ms: tally.tickToClient.quantile(0.999),
      inputToSeenP99Ms: tally.inputToSeen.quantile(0.99),
      errors: tally.error.map((ring) => ring.mean()),
      staleness: tally.staleness.map((ring) => ring.mean()),
      inView: tally.inView.mean(),
      generatorCores: generator / seconds,
      foreignCores: Math.max(0, foreign / seconds),
      gcMaxMs: this.#gcMax,
      lost: tally.lost,
      faults: tally.faults + tally.wrongAcks,
    };
  }

  stop(): void {
    this.herd.close();
    this.#child.kill("SIGKILL");
  }

  /** Lines of --trace-gc: `…: Scavenge 12.3 (20.1) -> 9.8 (20.1) MB, …, 1.20 / 0.00 ms …`. */
  #gc(text: string): void {
    for (const [, ms] of text.matchAll(/ MB,[^\n]*? (\d+\.\d+) \/ \d+\.\d+ ms/g)) {
      this.#gcMax = Math.max(this.#gcMax, Number(ms));
    }
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function told<T extends FromServer["type"]>(
  child: ChildProcess,
  type: T,
): Promise<Extract<FromServer, { type: T }>> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: FromServer) => {
      if (message.type !== type) return;
      child.off("message", onMessage);
      resolve(message as Extract<FromServer, { type: T }>);
    };
    child.on("message", onMessage);
    child.once("exit", (code) => reject(new Error(`the server ended with code ${code}`)));
  });
}
