/** An I/O thread: listens on the player port, wakes with each simulation tick. Wiring only; see io-thread.ts. */
import { createServer } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parentPort, workerData } from "node:worker_threads";
import { Stance } from "../scheduler/effects.ts";
import { counters, Samples } from "../shared-stats.ts";
import { Connection } from "./connection.ts";
import { IoThread } from "./io-thread.ts";
import {
  type FromTransport,
  type ToTransport,
  TRANSPORT_COUNTERS,
  type TransportCounter,
  type TransportData,
} from "./messages.ts";
import { readingIntoOneBuffer } from "./one-buffer.ts";
import { WsConnection, wsServer } from "./ws-connection.ts";

if (!parentPort) throw new Error("transport/worker.ts runs as a worker thread only");
const port = parentPort;
const data = workerData as TransportData;
const stats = counters<TransportCounter>(TRANSPORT_COUNTERS, data.counters);
const tell = (message: FromTransport) => port.postMessage(message);
const thread = new IoThread(data.schema, stats, new Samples(data.seenSamples), tell, {
  stance: new Stance(data.stance),
  rings: data.rings,
  capacity: data.maxConnections,
  bytesPerSecond: data.bytesPerSecond,
  sessionBytesPerSecond: data.sessionBytesPerSecond,
});
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();

let connections = 0;
const server =
  data.transport === "ws"
    ? wsServer((socket) => thread.add(new WsConnection(++connections, socket, thread, performance.now())))
    : createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
        // Counted here: those that are handed on are no connections of the server any more.
        if (thread.connections >= data.maxConnections) socket.destroy();
        else
          thread.add(new Connection(++connections, readingIntoOneBuffer(socket), thread, performance.now()));
      });
server.maxConnections = data.maxConnections;
server.listen({ host: data.host, port: data.port, backlog: 4_096, reusePort: data.shared }, () => {
  const address = server.address();
  tell({ type: "listening", port: typeof address === "object" && address ? address.port : data.port });
});

// Ticks that came while the thread was busy are one: every session is looked at once anyway.
let woken = false;
let latest = 0;
data.tickPort.on("message", (tick: number) => {
  latest = tick;
  if (woken) return;
  woken = true;
  setImmediate(() => {
    woken = false;
    if (thread.tick(latest)) goOn();
  });
});

/** Updates that did not fit into a slice, after sockets have been read; a new tick takes over what is left. */
function goOn(): void {
  setImmediate(() => {
    if (!woken && thread.serve()) goOn();
  });
}

const sweeping = setInterval(() => {
  thread.sweep();
  stats.set("loopDelayP99Ms", Math.max(0, delay.percentile(99) / 1e6 - 10));
  delay.reset();
}, 1_000);

port.on("message", (order: ToTransport) => {
  if (order.type !== "stop") {
    thread.obey(order);
    return;
  }
  clearInterval(sweeping);
  server.close();
  data.tickPort.close();
  port.close();
});
