/** What most tests of the runtime need: metrics of their own, a silent log, pods. */
import { silentLog } from "../../../platform/log.ts";
import { createRegistry, type Registry } from "../../../platform/metrics.ts";
import type { KubeObject } from "../../api/objects.ts";
import type { Clock } from "../clock.ts";
import { createRuntimeMetrics, type RuntimeMetrics } from "../metrics.ts";

export interface Kit {
  readonly registry: Registry;
  readonly metrics: RuntimeMetrics;
  readonly log: ReturnType<typeof silentLog>;
  /** The value of one series, undefined when there is none. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number | undefined>;
}

export function createKit(): Kit {
  const registry = createRegistry();
  return {
    registry,
    metrics: createRuntimeMetrics(registry),
    log: silentLog(),
    metric: async (name, labels = {}) => {
      const text = await registry.metrics();
      const line = text.split("\n").find((candidate) => {
        if (!candidate.startsWith(`${name}{`) && !candidate.startsWith(`${name} `)) return false;
        return Object.entries(labels).every(([label, value]) => candidate.includes(`${label}="${value}"`));
      });
      return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(" ") + 1));
    },
  };
}

export interface TestPod extends KubeObject {
  readonly spec?: { readonly node?: string; readonly value?: number };
}

export function pod(
  name: string,
  more: Partial<TestPod["metadata"]> = {},
  spec: TestPod["spec"] = {},
): TestPod {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "ns", ...more }, spec };
}

/** Real time, run faster: seconds of back-off pass in milliseconds while sockets stay real. */
export function fastClock(factor: number): Clock {
  return {
    now: () => performance.now() * factor,
    wall: () => Date.now(),
    timer: (ms, fire) => {
      const timer = setTimeout(fire, ms / factor);
      return () => clearTimeout(timer);
    },
  };
}
