/** A fleet as the demo looks at it: through kubectl, as any user of a cluster would. */
import { setTimeout as sleep } from "node:timers/promises";
import { kubectl, kubectlJson } from "./kubectl.ts";

export interface ServerRow {
  readonly name: string;
  readonly state: string;
  readonly address: string;
  readonly zones: number;
  readonly sessions: number;
  readonly cpuPercent: number | undefined;
}

export interface FleetLook {
  readonly desired: number;
  readonly ready: number;
  /** Zones that are served, and the fixed ones that should be. */
  readonly zones: number;
  readonly fixedZones: number;
  readonly servers: readonly ServerRow[];
}

interface ServerObject {
  readonly kind: "GameServer";
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status?: {
    readonly state?: string;
    readonly address?: string;
    readonly ports?: readonly { readonly port: number }[];
    readonly zones?: number;
    readonly sessions?: number;
    readonly cpuPercent?: number;
  };
}

interface FleetObject {
  readonly kind: "Fleet";
  readonly metadata: { readonly name: string };
  readonly spec: { readonly replicas: number; readonly zones?: { readonly fixed?: readonly unknown[] } };
  readonly status?: { readonly readyReplicas?: number; readonly zones?: number };
}

const LOOK_EVERY_MS = 500;

export class DemoFleet {
  readonly name: string;
  readonly namespace: string;

  constructor(namespace: string, name: string) {
    this.namespace = namespace;
    this.name = name;
  }

  /** Removes a fleet of an earlier run, pods and all, so that what follows starts from nothing. */
  async remove(signal: AbortSignal): Promise<void> {
    await this.#kubectl(["delete", "fleet", this.name, "--ignore-not-found", "--timeout=100s"], signal);
    await this.until((look) => look.servers.length === 0, signal);
  }

  async apply(file: string, signal: AbortSignal): Promise<void> {
    await this.#kubectl(["apply", "-f", file], signal);
  }

  async scale(replicas: number, signal: AbortSignal): Promise<void> {
    await this.#kubectl(["scale", "fleet", this.name, `--replicas=${replicas}`], signal);
  }

  /** As a crash would: no grace, no good-bye. */
  async killPod(pod: string, signal: AbortSignal): Promise<void> {
    await this.#kubectl(["delete", "pod", pod, "--grace-period=0", "--force", "--wait=false"], signal);
  }

  async look(signal?: AbortSignal): Promise<FleetLook> {
    const list = (await kubectlJson(["-n", this.namespace, "get", "fleets,gameservers"], signal)) as {
      readonly items: readonly (FleetObject | ServerObject)[];
    };
    const fleet = list.items.find(
      (item): item is FleetObject => item.kind === "Fleet" && item.metadata.name === this.name,
    );
    const servers = list.items.filter(
      (item): item is ServerObject =>
        item.kind === "GameServer" && item.metadata.name.startsWith(`${this.name}-`),
    );
    return {
      desired: fleet?.spec.replicas ?? 0,
      ready: fleet?.status?.readyReplicas ?? 0,
      zones: fleet?.status?.zones ?? 0,
      fixedZones: fleet?.spec.zones?.fixed?.length ?? 0,
      servers: servers.map(rowOf),
    };
  }

  /** Looks again and again until `wanted`; throws when `signal` ends it. Errors of single looks are passed over. */
  async until(wanted: (look: FleetLook) => boolean, signal: AbortSignal): Promise<FleetLook> {
    for (;;) {
      const look = await this.look(signal).catch((error: unknown) => {
        signal.throwIfAborted();
        return error as Error;
      });
      if (!(look instanceof Error) && wanted(look)) return look;
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    }
  }

  #kubectl(args: readonly string[], signal: AbortSignal): Promise<string> {
    return kubectl(["-n", this.namespace, ...args], signal);
  }
}

function rowOf({ metadata, status = {} }: ServerObject): ServerRow {
  const port = status.ports?.[0]?.port;
  return {
    name: metadata.name,
    state: status.state ?? "Pending",
    address: status.address && port ? `${status.address}:${port}` : "-",
    zones: status.zones ?? 0,
    sessions: status.sessions ?? 0,
    cpuPercent: status.cpuPercent,
  };
}
