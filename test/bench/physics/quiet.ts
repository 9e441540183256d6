/** How much of the machine others used while something ran: what a comparison of one core with two cannot bear. */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/** Share of all cores, 0 … 1, that went to other processes. */
export interface Watch {
  stop(): number;
}

export function watchOthers(): Watch {
  const started = performance.now();
  const machine = busySeconds();
  const own = process.cpuUsage();
  return {
    stop() {
      const seconds = (performance.now() - started) / 1_000;
      const mine = process.cpuUsage(own);
      const others = busySeconds() - machine - (mine.user + mine.system) / 1e6;
      return Math.max(0, others) / (seconds * cpus().length);
    },
  };
}

/** CPU seconds that all processes have used, from /proc/stat (ticks of 10 ms); 0 where there is none. */
function busySeconds(): number {
  try {
    const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
      .trim()
      .split(/\s+/)
      .slice(1)
      .map(Number);
    return (user + nice + system + irq + softirq + steal) / 100;
  } catch {
    return 0;
  }
}
