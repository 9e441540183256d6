/**
 * The simulation thread: steps all zones at 60 Hz and tells the I/O threads when a tick is there to be read.
 *
 * It never returns to its event loop while it runs: messages from the control thread are taken between ticks, so
 * that they take effect at a tick boundary.
 */
import { availableParallelism } from "node:os";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { messageOf } from "../../platform/errors.ts";
import { loadGame } from "../load-game.ts";
import { Crew } from "../physics/crew.ts";
import { loadRapier } from "../physics/rapier.ts";
import { Stance } from "../scheduler/effects.ts";
import { counters, Samples } from "../shared-stats.ts";
import { aiStats } from "./ai-stats.ts";
import {
  type FromSimulation,
  SIMULATION_COUNTERS,
  type SimulationCounter,
  type SimulationData,
  type ToSimulation,
} from "./messages.ts";
import { Pacer, threadClock } from "./pacer.ts";
import { compileGame, TICK_HZ } from "./schema.ts";
import { type Watch, WatchedZone } from "./worker-zone.ts";
import { SimulatedZone } from "./zone.ts";

/** How a fault that physics found names itself. */
const ANOMALY = "physics ";
/** Faults told one by one each second; the counter has them all. */
const FAULTS_TOLD = 5;

if (!parentPort) throw new Error("simulation/worker.ts runs as a worker thread only");
const port = parentPort;
const data = workerData as SimulationData;
const game = await loadGame(data.game);
const schema = compileGame(game.declaration);
const hasRigid = schema.kinds.some((kind) => kind.rigid);
if (hasRigid) await loadRapier();
// Circles alone do not gain by a second worker: see docs/tick.md.
const workers = data.physicsWorkers || (hasRigid && availableParallelism() >= 4 ? 2 : 1);
const crew = workers > 1 ? await Crew.start(hasRigid) : undefined;
const stance = new Stance(data.stance);
const stats = counters<SimulationCounter>(SIMULATION_COUNTERS, data.counters);
const stepSamples = new Samples(data.stepSamples);
const latenessSamples = new Samples(data.latenessSamples);
const zones = new Map<number, WatchedZone>();
/** Zones whose end was told. */
const over = new Set<number>();
let faultsTold = 0;

const tell = (message: FromSimulation) => port.postMessage(message);
const unixNow = () => performance.timeOrigin + performance.now();

const onFault = (zone: string, where: string, error: unknown): void => {
  if (where.startsWith(ANOMALY)) {
    stats.add("anomalies");
    for (const watched of zones.values()) {
      if (watched.zone.id === zone) watched.anomaly(where.slice(ANOMALY.length));
    }
  } else stats.add("faults");
  if (faultsTold++ < FAULTS_TOLD) tell({ type: "fault", zone, where, message: messageOf(error) });
};

const watch: Watch = { game: data.game, record: data.record, dumps: data.dumps, fault: onFault };

/** False when it is time to stop. */
function obey(message: ToSimulation): boolean {
  switch (message.type) {
    case "open": {
      const { id, slots, buffer } = message;
      const zone = new SimulatedZone(game, schema, id, slots, buffer, onFault, crew);
      zone.open(unixNow());
      zones.set(message.index, new WatchedZone(zone, watch, unixNow()));
      tell({ type: "opened", index: message.index });
      return true;
    }
    case "close":
      zones.get(message.index)?.zone.close();
      zones.delete(message.index);
      over.delete(message.index);
      tell({ type: "closed", index: message.index });
      return true;
    case "join": {
      const entity = zones.get(message.index)?.zone.join(message.slot, message.seed);
      tell({ type: "joined", request: message.request, entity });
      return true;
    }
    case "leave":
      zones.get(message.index)?.zone.leave(message.slot);
      return true;
    case "purchased":
      zones.get(message.index)?.zone.purchased(message.slot, message.offer, message.quantity);
      return true;
    case "stop":
      return false;
  }
}

function obeyAll(): boolean {
  for (;;) {
    const received = receiveMessageOnPort(port) as { message: ToSimulation } | undefined;
    if (!received) return true;
    if (!obey(received.message)) return false;
  }
}

/** NPCs and requests that wait are as of now; the rest grows. */
const tellAi = aiStats(stats);

function run(): void {
  const pacer = new Pacer(TICK_HZ, threadClock());
  for (let tick = 1; obeyAll(); tick++) {
    const beat = pacer.await(stance.timeScale);
    const started = performance.now();
    const unixMs = unixNow();
    for (const [index, watched] of zones) {
      const { zone } = watched;
      watched.step(unixMs, stance.step, stance.duty);
      for (const { slot, reward } of zone.takeRewards()) tell({ type: "reward", index, slot, reward });
      if (zone.over && !over.has(index)) {
        over.add(index);
        tell({ type: "over", index });
      }
    }
    for (const tickPort of data.tickPorts) tickPort.postMessage(tick);
    const busy = performance.now() - started;
    stats.add("ticks");
    stats.add("dilatedTicks", beat.skipped);
    stats.add("busyMs", busy);
    stats.set("beatAt", unixMs);
    stepSamples.record(busy / 1_000);
    latenessSamples.record(beat.lateMs / 1_000);
    if (tick % TICK_HZ !== 0) continue;
    faultsTold = 0;
    tellAi([...zones.values()].map(({ zone }) => zone.ai));
  }
}

tell({ type: "ready" });
run();
for (const { zone } of zones.values()) zone.close();
await crew?.close();
