/**
 * Which host ports are taken: by the pods in the cache, and by those made a moment ago that it does not show yet.
 *
 * Kept in memory by the one operator that leads. Rebuilt from the pods at any time, so nothing is lost with it.
 */
import type { GameServer } from "../../api/kinds.ts";
import type { Key } from "../../api/objects.ts";
import type { StoreReader } from "../../runtime/store.ts";
import type { Node, Pod } from "./core.ts";
import type { HostPorts } from "./pod.ts";
import { choosePort, type PortRange, portKey, usedPorts } from "./ports.ts";

export type PortsTaken = { readonly given: HostPorts } | { readonly missing: string };

interface Taken {
  readonly ports: readonly string[];
  readonly given: HostPorts;
}

export class PortBook {
  readonly #range: PortRange;
  readonly #pods: StoreReader<Pod>;
  readonly #nodes: StoreReader<Node>;
  /** Taken for pods that the cache does not show yet. */
  readonly #fresh = new Map<Key, Taken>();

  constructor(range: PortRange, pods: StoreReader<Pod>, nodes: StoreReader<Node>) {
    this.#range = range;
    this.#pods = pods;
    this.#nodes = nodes;
  }

  /** Chooses host ports for the server's pod, or names the port that finds none. A repeated call gives the same. */
  take(key: Key, server: GameServer): PortsTaken {
    const before = this.#fresh.get(key);
    if (before) return { given: before.given };
    const used = this.#used();
    const given: Record<string, number> = {};
    const ports: string[] = [];
    for (const port of server.spec.ports) {
      if (port.policy === "Static" && port.hostPort) given[port.name] = port.hostPort;
      if (port.policy !== "Dynamic") continue;
      const chosen = choosePort(this.#range, used, port.protocol, this.#nodes.size);
      if (chosen === undefined) return { missing: port.name };
      given[port.name] = chosen;
      ports.push(portKey(chosen, port.protocol));
    }
    this.#fresh.set(key, { ports, given });
    return { given };
  }

  /** The pod was not made, or is no more. */
  forget(key: Key): void {
    this.#fresh.delete(key);
  }

  #used(): Map<string, number> {
    const used = usedPorts(this.#pods.list());
    for (const [key, { ports }] of this.#fresh) {
      if (this.#pods.get(key)) this.#fresh.delete(key);
      else for (const port of ports) used.set(port, (used.get(port) ?? 0) + 1);
    }
    return used;
  }
}
