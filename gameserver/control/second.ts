/**
 * What the control thread does each second: figures from the threads, the load sample, the operator's word, and
 * whether the pod must fall silent.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import { CLOSE } from "../../protocol/close.ts";
import type { LoadSample, RosterEntry } from "../../protocol/directory.ts";
import { NOTICE } from "../../protocol/frames.ts";
import type { Config } from "../config.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { PodStatus } from "./admin.ts";
import type { Backing } from "./backing.ts";
import type { CpuMeter } from "./cgroup.ts";
import { zoneLoads } from "./load.ts";
import type { PodMetrics } from "./metrics.ts";
import type { Phase, PhaseInputs } from "./phase.ts";
import type { Threads } from "./threads.ts";
import type { Zones } from "./zones.ts";

/** The event-loop monitor's own period, which its values include, ms. */
const MONITOR_MS = 10;

export interface SecondParts {
  readonly config: Config;
  readonly phase: Phase;
  readonly backing: Backing;
  readonly threads: Threads;
  readonly zones: Zones;
  readonly sessions: Sessions;
  readonly cpu: CpuMeter;
  readonly metrics: PodMetrics;
  readonly log: Log;
}

export class Second {
  readonly #parts: SecondParts;
  readonly #delay = monitorEventLoopDelay({ resolution: MONITOR_MS });
  readonly #startedAt = performance.now();
  #figures = { cpuPercent: 0, tickLatenessMs: 0, loopDelayMs: 0 };
  #told = false;

  constructor(parts: SecondParts) {
    this.#parts = parts;
    this.#delay.enable();
  }

  async pass(): Promise<void> {
    this.#measure();
    const { backing, phase } = this.#parts;
    this.#fallSilent();
    const word = await backing.publish(this.sample());
    // Stopping is final: the operator's word comes too late.
    if (!phase.stopping) this.#hear(word);
    this.#told = false;
  }

  /** Writes the sample between two passes; who waits for the next one has lost nothing when that fails. */
  tell(): void {
    this.#parts.backing.publish(this.sample()).catch(() => {});
  }

  /** A pass failed: Redis is away. Told once, not each second. */
  failed(error: unknown): void {
    this.#fallSilent();
    if (!this.#told) this.#parts.log.warn({ err: { message: messageOf(error) } }, "load sample not written");
    this.#told = true;
  }

  phaseInputs(): PhaseInputs {
    const { backing, threads } = this.#parts;
    const unixMs = performance.timeOrigin + performance.now();
    return {
      settled: backing.settled,
      fenced: backing.fenced,
      away: backing.away(),
      sinceTickMs: unixMs - threads.stats.simulation.get("beatAt"),
    };
  }

  get connections(): number {
    return this.#parts.threads.stats.transports.reduce((sum, io) => sum + io.get("connections"), 0);
  }

  sample(): LoadSample {
    const { config, phase, zones, sessions } = this.#parts;
    return {
      v: 1,
      server: config.GAMEFLEET_SERVER,
      fleet: config.GAMEFLEET_FLEET,
      life: config.GAMEFLEET_LIFE,
      state: phase.state(this.phaseInputs()),
      ...this.#figures,
      memoryBytes: process.memoryUsage.rss(),
      sessions: sessions.size,
      capacity: config.GAMEFLEET_CAPACITY_SESSIONS,
      zones: zoneLoads(zones.list()),
    };
  }

  status(playerPort: number, game: { readonly name: string; readonly version: number }): PodStatus {
    const { config, phase } = this.#parts;
    return {
      server: config.serverKey,
      fleet: config.fleetKey,
      life: config.GAMEFLEET_LIFE,
      game: { name: game.name, version: game.version },
      playerPort,
      notReady: phase.notReady(this.phaseInputs()) ?? null,
      uptimeSeconds: (performance.now() - this.#startedAt) / 1_000,
      connections: this.connections,
      load: this.sample(),
    };
  }

  #measure(): void {
    const { cpu, metrics, sessions, zones } = this.#parts;
    const cpuPercent = cpu.percent();
    const { tickLatenessMs } = metrics.collect({
      sessions: sessions.size,
      zones: zones.list().length,
      cpuPercent,
    });
    const loopDelayMs = Math.max(0, this.#delay.percentile(99) / 1e6 - MONITOR_MS);
    this.#delay.reset();
    this.#figures = { cpuPercent, tickLatenessMs, loopDelayMs };
  }

  /** Draining is the operator's to start and to take back. */
  #hear(word: RosterEntry | undefined): void {
    const { phase, log } = this.#parts;
    const draining = word?.state === "Draining";
    // No word (a new Redis, a leader that has not written yet) changes nothing.
    if (!word || draining === phase.draining) return;
    phase.draining = draining;
    log.info({ draining, drainBy: word.drainBy }, "operator's word");
    if (!draining) return;
    const withinMs = Math.max(0, word.drainBy - Date.now());
    this.#everyTransport((transport) =>
      transport.notice({ kind: NOTICE.draining, withinMs, detail: undefined }),
    );
  }

  #fallSilent(): void {
    const { backing, phase, log } = this.#parts;
    if (!phase.silent && backing.cutOff) {
      phase.silent = true;
      log.error("cut off from all stores for longer than a lease: silent");
      this.#everyTransport((transport) => transport.disconnect(CLOSE.zoneMoved));
    } else if (phase.silent && !backing.away().includes("postgres")) {
      // PostgreSQL has said which zones are still ours; those that are not were closed before this.
      phase.silent = false;
      log.info("stores are back: serving again");
    }
  }

  #everyTransport(act: (transport: Threads["transports"][number]) => void): void {
    for (const transport of this.#parts.threads.transports) act(transport);
  }
}
