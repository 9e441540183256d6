/**
 * Host ports for `Dynamic` ports.
 *
 * A host port collides only with the same port on the same node, and the scheduler never puts two pods with one
 * host port on a node. So the choice here only has to keep every pod placeable: always the least used port of the
 * range, lowest first, which uses a port twice only when all have been used once.
 */
import type { Pod } from "./core.ts";

export interface PortRange {
  readonly min: number;
  readonly max: number;
}

export const portKey = (port: number, protocol: string) => `${protocol}/${port}`;

/** How often each `protocol/port` is taken by these pods. */
export function usedPorts(pods: Iterable<Pod>): Map<string, number> {
  const used = new Map<string, number>();
  for (const pod of pods) {
    for (const container of pod.spec?.containers ?? []) {
      for (const { hostPort, protocol } of container.ports ?? []) {
        if (hostPort)
          used.set(
            portKey(hostPort, protocol ?? "TCP"),
            (used.get(portKey(hostPort, protocol ?? "TCP")) ?? 0) + 1,
          );
      }
    }
  }
  return used;
}

/**
 * The port to use next, and takes it in `used`; undefined when each port of the range is taken on as many pods as
 * there are `nodes`: no node could run one more.
 */
export function choosePort(
  range: PortRange,
  used: Map<string, number>,
  protocol: string,
  nodes: number,
): number | undefined {
  let best: number | undefined;
  let least = Math.max(nodes, 1);
  for (let port = range.min; port <= range.max && least > 0; port++) {
    const count = used.get(portKey(port, protocol)) ?? 0;
    if (count < least) {
      best = port;
      least = count;
    }
  }
  if (best !== undefined) used.set(portKey(best, protocol), least + 1);
  return best;
}
