/**
 * What every benchmark shares: medians, a watch over the machine, and the shape of a result.
 *
 * Rule: both sides of a ratio run in this one process of measurement, interleaved, at least three rounds, and the
 * median counts. A run that other work on the machine disturbed says so instead of giving a pretty number.
 */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { messageOf } from "../../platform/errors.ts";

export interface BenchResult {
  readonly bench: string;
  readonly ratios: Readonly<Record<string, number>>;
  readonly figures: Readonly<Record<string, number | string | boolean>>;
  readonly valid: boolean;
  /** Why it is not valid; empty when it is. */
  readonly why: string;
}

export interface Findings {
  readonly ratios?: Readonly<Record<string, number>>;
  readonly figures: Readonly<Record<string, number | string | boolean>>;
  /** What makes the run void, if anything. */
  readonly why?: string;
}

export interface BenchContext {
  readonly quick: boolean;
  /** Says how far it is, on stderr. */
  readonly say: (text: string) => void;
}

export type Bench = (context: BenchContext) => Promise<Findings>;

export async function runBench(name: string, bench: Bench, quick: boolean): Promise<BenchResult> {
  const say = (text: string) => console.error(`${new Date().toISOString().slice(11, 19)}  ${text}`);
  const before = machine();
  try {
    const { ratios = {}, figures, why } = await bench({ quick, say });
    const steal = stolenPercent(before, machine());
    const reason = why ?? (steal > 6 ? `the host took ${steal.toFixed(1)} % of the time for others` : "");
    return { bench: name, ratios: rounded(ratios), figures, valid: reason === "", why: reason };
  } catch (error) {
    console.error(error);
    return { bench: name, ratios: {}, figures: {}, valid: false, why: messageOf(error) };
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** The value below which `share` (0 to 1) of the sorted values lie. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/**
 * Open loop: calls `send` with a number and the moment it was due, `rate` a second, whether or not anything comes back.
 * Resolves when `total` were sent. Late timers are made up for at once: latency counts from `dueAt`.
 */
export async function paced(
  rate: number,
  total: number,
  send: (index: number, dueAt: number) => void,
): Promise<void> {
  const started = performance.now();
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - started) / 1_000) * rate));
    for (; sent < due; sent++) send(sent, started + (sent / rate) * 1_000);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const rounded = (ratios: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(ratios).map(([key, value]) => [key, Number(value.toPrecision(3))]));

/** CPU seconds that all work on this machine has taken so far; 0 where there is no /proc. */
export function busySeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, soft = 0] = cpuTicks();
  return (user + nice + system + irq + soft) / 100;
}

/** CPU seconds that the host gave to others while this machine wanted them. */
export const stolenSeconds = (): number => (cpuTicks()[7] ?? 0) / 100;

interface MachineTimes {
  readonly steal: number;
  readonly total: number;
}

function machine(): MachineTimes {
  const ticks = cpuTicks();
  return { steal: ticks[7] ?? 0, total: ticks.slice(0, 8).reduce((sum, tick) => sum + tick, 0) };
}

/** All cores together, from /proc/stat, in ticks of 10 ms: user, nice, system, idle …; empty where there is no such file. */
function cpuTicks(): number[] {
  try {
    const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
    return line.trim().split(/\s+/).slice(1).map(Number);
  } catch {
    return [];
  }
}

function stolenPercent(from: MachineTimes, to: MachineTimes): number {
  const total = to.total - from.total;
  return total <= 0 ? 0 : ((to.steal - from.steal) / total) * 100;
}

/** CPU seconds that a process has used so far, from /proc. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export function hardware(): string {
  const [cpu] = cpus();
  return `${cpus().length} x ${cpu?.model.trim() ?? "unknown"}, Node ${process.versions.node}`;
}
