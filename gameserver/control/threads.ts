/**
 * Starts and stops the pod's worker threads: one simulation, one or more I/O threads on one port.
 *
 * A worker that ends by itself is fatal (`onDeath`): its state is gone, and a restart of the pod is the honest way
 * back.
 */
import { MessageChannel, Worker } from "node:worker_threads";
import { fail } from "../../platform/errors.ts";
import { collectAlone } from "../collect-garbage.ts";
import type { Config } from "../config.ts";
import { Stance } from "../scheduler/effects.ts";
import { type Counters, counters, Samples } from "../shared-stats.ts";
import { SIMULATION_COUNTERS, type SimulationCounter, type SimulationData } from "../simulation/messages.ts";
import type { Schema } from "../simulation/schema.ts";
import { TRANSPORT_COUNTERS, type TransportCounter, type TransportData } from "../transport/messages.ts";
import { SimulationLink, type SimulationListener } from "./simulation-link.ts";
import { TransportLink, type TransportListener } from "./transport-link.ts";

export interface Threads {
  readonly simulation: SimulationLink;
  readonly transports: readonly TransportLink[];
  /** Where players connect. */
  readonly port: number;
  readonly stats: ThreadStats;
  /** Where the pod stands on the ladder: written by the control thread, read by all. */
  readonly stance: Stance;
  /** How strained each thread was since the last call, by its name: busy share or lateness, 1 is all. */
  busy(): ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

export interface ThreadStats {
  readonly simulation: Counters<SimulationCounter>;
  readonly transports: readonly Counters<TransportCounter>[];
  /** Seconds. */
  readonly steps: Samples;
  readonly lateness: Samples;
  readonly seen: readonly Samples[];
}

export interface ThreadListener extends TransportListener, SimulationListener {
  onDeath(thread: string, error: unknown): void;
}

/** A connection beyond the sessions a pod holds: joins on their way, old sockets being replaced. */
const SPARE_CONNECTIONS = 256;

export async function startThreads(
  config: Config,
  schema: Schema,
  ioThreads: number,
  listener: ThreadListener,
): Promise<Threads> {
  collectAlone();
  const channels = Array.from({ length: ioThreads }, () => new MessageChannel());
  const stats: ThreadStats = {
    simulation: counters<SimulationCounter>(SIMULATION_COUNTERS),
    transports: channels.map(() => counters<TransportCounter>(TRANSPORT_COUNTERS)),
    steps: new Samples(),
    lateness: new Samples(),
    seen: channels.map(() => new Samples()),
  };
  const stance = new Stance();
  const workers: Worker[] = [];
  let stopping = false;
  const start = (name: string, file: string, data: object, ports: MessageChannel["port1"][]): Worker => {
    const worker = new Worker(new URL(file, import.meta.url), {
      name,
      workerData: data,
      transferList: ports,
    });
    worker.on("error", (error) => listener.onDeath(name, error));
    worker.on("exit", (code) => {
      if (!stopping) listener.onDeath(name, fail("INTERNAL", `thread ended with code ${code}`));
    });
    workers.push(worker);
    return worker;
  };

  const tickPorts = channels.map((channel) => channel.port1);
  const simulationData: SimulationData = {
    game: config.GAMEFLEET_GAME,
    tickPorts,
    counters: stats.simulation.buffer,
    stepSamples: stats.steps.buffer,
    latenessSamples: stats.lateness.buffer,
    stance: stance.buffer,
    physicsWorkers: config.GAMEFLEET_PHYSICS_WORKERS,
    record: config.GAMEFLEET_RECORD,
    dumps: config.GAMEFLEET_DUMPS,
  };
  const simulationWorker = start("simulation", "../simulation/worker.ts", simulationData, tickPorts);
  const simulation = new SimulationLink(simulationWorker, listener);
  await simulation.ready();

  const transports: TransportLink[] = [];
  let port = config.GAMEFLEET_PORT;
  for (const [index, channel] of channels.entries()) {
    const data: TransportData = {
      schema,
      host: config.GAMEFLEET_HOST,
      port,
      shared: ioThreads > 1,
      tickPort: channel.port2,
      counters: (stats.transports[index] as Counters<TransportCounter>).buffer,
      seenSamples: (stats.seen[index] as Samples).buffer,
      stance: stance.buffer,
      transport: config.GAMEFLEET_TRANSPORT,
      rings: config.GAMEFLEET_DETAIL_RINGS,
      bytesPerSecond: config.GAMEFLEET_SEND_BYTES_PER_SECOND / ioThreads,
      sessionBytesPerSecond: config.GAMEFLEET_SESSION_BYTES_PER_SECOND,
      // The kernel spreads connections unevenly: each thread may hold them all.
      maxConnections: config.GAMEFLEET_CAPACITY_SESSIONS + SPARE_CONNECTIONS,
    };
    const worker = start(`io-${index}`, "../transport/worker.ts", data, [channel.port2]);
    const link = new TransportLink(index, worker, listener);
    // One after the other: the first may have been given any free port, which the others share.
    port = await link.listening();
    transports.push(link);
  }

  const busy = busyMeter(stats, workers.slice(1));
  const stop = async (): Promise<void> => {
    stopping = true;
    simulation.stop();
    for (const link of transports) link.stop();
    await Promise.all(workers.map((worker) => worker.terminate()));
  };
  return { simulation, transports, port, stats, stance, busy, stop };
}

/**
 * CPU time, not event-loop utilisation: a loop that always finds one more input to read looks fully busy long before it
 * is, since it takes more at a time the more there is (measured: 5,000 sessions read 99 % at 0.5 of a core). The
 * simulation reports its own time: it never returns to an event loop.
 *
 * A thread that neighbours keep from running uses little and is late all the same, so lateness counts like being busy:
 * ticks given up, or the share of updates taken after their deadline.
 */
function busyMeter(stats: ThreadStats, io: readonly Worker[]): Threads["busy"] {
  const { simulation, transports } = stats;
  const grown = growth();
  const meters = io.map(cpuMeterOf);
  let at = performance.now();
  return () => {
    const now = performance.now();
    const stepping = grown("step", simulation.get("busyMs")) / Math.max(1, now - at);
    const givenUp = grown("given up", simulation.get("dilatedTicks"));
    at = now;
    const shares = new Map([["simulation", givenUp > 0 ? 1 : Math.min(1, stepping)]]);
    for (const [index, share] of meters.entries()) {
      const get = (name: TransportCounter) => transports[index]?.get(name) ?? 0;
      const late = get("missedEngaged") + get("missedActive") + get("missedCalm");
      const missed = grown(`missed ${index}`, late);
      const taken = grown(`taken ${index}`, get("scheduled"));
      shares.set(`io-${index}`, Math.max(share(), taken > 0 ? missed / taken : 0));
    }
    return shares;
  };
}

/** By name: what a total has grown by since the last call. */
function growth(): (name: string, total: number) => number {
  const before = new Map<string, number>();
  return (name, total) => {
    const grown = total - (before.get(name) ?? 0);
    before.set(name, total);
    return grown;
  };
}

/** CPU time of a thread as a share of one core, as of the last answer: asking takes a moment. */
function cpuMeterOf(worker: Worker): () => number {
  let last: { readonly cpuMs: number; readonly at: number } | undefined;
  let share = 0;
  let asking = false;
  return () => {
    if (asking) return share;
    asking = true;
    void worker.cpuUsage().then(
      ({ user, system }) => {
        const now = { cpuMs: (user + system) / 1_000, at: performance.now() };
        if (last && now.at > last.at) share = Math.min(1, (now.cpuMs - last.cpuMs) / (now.at - last.at));
        last = now;
        asking = false;
      },
      // The thread has ended: whoever watches it knows.
      () => {},
    );
    return share;
  };
}
