/**
 * What the kernel lets this container use, and what it has used: cgroup v2 (`cpu.max`, `cpu.stat`, `memory.max`) or v1
 * (`cpu.cfs_quota_us`, `cpuacct.usage`, `memory.limit_in_bytes`). Without a CPU quota the machine's cores are the
 * limit and the process's own times the usage; without a memory limit there is none.
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

export interface CpuMeter {
  /** Cores this container may use. */
  readonly cores: number;
  /** Per cent of `cores` used since the last call. */
  percent(): number;
}

export interface MeterOptions {
  /** Where cgroup files lie. */
  readonly root?: string;
  readonly nowMs?: () => number;
}

interface Source {
  readonly cores: number;
  /** CPU time used so far, ms. */
  readonly usedMs: () => number;
}

export function cpuMeter(options: MeterOptions = {}): CpuMeter {
  const root = options.root ?? "/sys/fs/cgroup";
  const now = options.nowMs ?? (() => performance.now());
  const { cores, usedMs } = version2(root) ?? version1(root) ?? whole();
  let lastAt = now();
  let lastUsed = usedMs();
  return {
    cores,
    percent() {
      const at = now();
      const used = usedMs();
      const passed = at - lastAt;
      const percent = passed > 0 ? ((used - lastUsed) / (passed * cores)) * 100 : 0;
      lastAt = at;
      lastUsed = used;
      return Math.max(0, percent);
    },
  };
}

export interface MemoryMeter {
  /** Bytes; 0 when there is no limit. */
  readonly limit: number;
  /** Bytes that count against the limit and that the kernel cannot take back by itself. */
  used(): number;
  /** Share of the limit used, 0 without one. */
  share(): number;
}

/** `limit`: bytes, instead of the container's; 0 takes the container's. */
export function memoryMeter(limit: number, root = "/sys/fs/cgroup"): MemoryMeter {
  const files = memoryFiles(root);
  const own = limit > 0 || !files;
  const most = own ? limit : files.limit;
  // A limit of our own is about this process; the container's counts whatever runs in it.
  const used = () => (own ? process.memoryUsage.rss() : (files.used() ?? process.memoryUsage.rss()));
  return { limit: most, used, share: () => (most > 0 ? used() / most : 0) };
}

/** The kernel's word for "no limit" in v1 is a number of this size, in v2 "max". */
const NO_LIMIT = 2 ** 60;

function memoryFiles(root: string) {
  const v2 = Number(read(root, "memory.max"));
  if (v2 > 0)
    return { limit: v2, used: () => working(root, "memory.current", "memory.stat", /^inactive_file (\d+)/m) };
  const v1 = Number(read(root, "memory/memory.limit_in_bytes"));
  if (!(v1 > 0 && v1 < NO_LIMIT)) return undefined;
  const stat = /^total_inactive_file (\d+)/m;
  return { limit: v1, used: () => working(root, "memory/memory.usage_in_bytes", "memory/memory.stat", stat) };
}

/** The kubelet's "working set": usage less file pages that nobody has touched lately. */
function working(root: string, usage: string, stat: string, inactive: RegExp): number | undefined {
  const used = Number(read(root, usage) ?? Number.NaN);
  const idle = Number(inactive.exec(read(root, stat) ?? "")?.[1] ?? 0);
  return Number.isNaN(used) ? undefined : Math.max(0, used - idle);
}

function version2(root: string): Source | undefined {
  const [quota = "max", period = ""] = (read(root, "cpu.max") ?? "max").trim().split(" ");
  const usage = () =>
    Number(/^usage_usec (\d+)/m.exec(read(root, "cpu.stat") ?? "")?.[1] ?? Number.NaN) / 1_000;
  return source(Number(quota), Number(period), usage);
}

function version1(root: string): Source | undefined {
  const quota = Number(read(root, "cpu/cpu.cfs_quota_us") ?? "-1");
  const period = Number(read(root, "cpu/cpu.cfs_period_us") ?? "0");
  return source(quota, period, () => Number(read(root, "cpuacct/cpuacct.usage") ?? Number.NaN) / 1e6);
}

function source(quota: number, period: number, usedMs: () => number): Source | undefined {
  if (!(quota > 0 && period > 0)) return undefined;
  // Inside a container the usage file may be hidden while the quota is not.
  return { cores: quota / period, usedMs: Number.isNaN(usedMs()) ? processMs : usedMs };
}

function whole(): Source {
  return { cores: availableParallelism(), usedMs: processMs };
}

function processMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function read(root: string, file: string): string | undefined {
  try {
    return readFileSync(join(root, file), "utf8");
  } catch {
    return undefined;
  }
}
