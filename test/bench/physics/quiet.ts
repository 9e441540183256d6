/** How much of the machine others used while something ran: what a comparison of one core with two cannot bear. */
import { cpus } from "node:os";
import { busySeconds, stolenSeconds } from "../harness.ts";

/** Share of all cores, 0 … 1, that went to other processes. */
export interface Watch {
  stop(): number;
}

export function watchOthers(): Watch {
  const started = performance.now();
  const machine = usedSeconds();
  const own = process.cpuUsage();
  return {
    stop() {
      const seconds = (performance.now() - started) / 1_000;
      const mine = process.cpuUsage(own);
      const others = usedSeconds() - machine - (mine.user + mine.system) / 1e6;
      return Math.max(0, others) / (seconds * cpus().length);
    },
  };
}

/** What the host took for others is not there for us either. */
const usedSeconds = (): number => busySeconds() + stolenSeconds();
