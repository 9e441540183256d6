/**
 * What the kernel lets this container use, and what it has used: cgroup v2 (`cpu.max`, `cpu.stat`) or v1
 * (`cpu.cfs_quota_us`, `cpuacct.usage`). Without a quota the machine's cores are the limit and the process's own
 * times the usage.
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
