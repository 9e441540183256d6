/**
 * The pod of the bench, as a process of its own: a whole pod without stores, and a watcher that tells the bench when
 * each tick began and, now and then, where everyone is (the truth that probes are held against).
 */

import { readGameserverConfig } from "../../../gameserver/config.ts";
import { startPod } from "../../../gameserver/control/pod.ts";
import { front } from "../../../gameserver/simulation/memory.ts";
import { createLog } from "../../../platform/log.ts";
import type { FromServer, ToServer } from "./messages.ts";

const WATCH_MS = 7;
const tell = (message: FromServer) => process.send?.(message);
const monotonicMs = () => Number(process.hrtime.bigint()) / 1e6;

const log = createLog({ name: "pod", level: "warn" });
const pod = await startPod(readGameserverConfig(process.env), log, (error) => {
  console.error(error);
  process.exit(1);
});
tell({ type: "listening", port: pod.playerPort });

let last = -1;
let ticks: number[] = [];
const watch = () => {
  const [zone] = pod.zones.list();
  if (!zone) return;
  const published = front(zone.memory);
  const [tick = 0] = published.info;
  if (tick === last) return;
  // The simulation stamps with Unix ms; both clocks are read here to go from one to the other.
  const toMonotonic = monotonicMs() - (performance.timeOrigin + performance.now());
  last = tick;
  ticks.push(tick, (published.time[0] as number) + toMonotonic);
  if (ticks.length >= 60) {
    tell({ type: "ticks", ticks });
    ticks = [];
  }
};
setInterval(watch, WATCH_MS);

process.on("message", (message: ToServer) => {
  if (message.type === "truth") {
    const [zone] = pod.zones.list();
    if (!zone) return;
    const { codes, stride, info, identity } = front(zone.memory);
    const rows = info[1] as number;
    // Typed: lists of thousands of numbers would be the control thread's garbage, and count as the pod's.
    const axis = (place: 0 | 1) =>
      Uint32Array.from({ length: rows }, (_, row) => codes[row * stride + place] ?? 0);
    tell({
      type: "truth",
      tick: info[0] as number,
      xs: axis(0),
      ys: axis(1),
      ids: new Uint32Array(identity.subarray(0, rows)),
    });
  }
});
process.on("disconnect", () => process.exit(0));
