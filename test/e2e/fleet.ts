/** A fleet for one test: a namespace of its own, with the stores' secret, and manifests. */
import type { Fleet, GameServer } from "../../operator/api/kinds.ts";
import { eventually, getJson, kubectl, tryKubectl } from "./kubectl.ts";

interface Secret {
  readonly data: Record<string, string>;
}

/** Makes the namespace and gives it the stores' URLs. */
export async function makeNamespace(name: string): Promise<void> {
  await tryKubectl(["delete", "namespace", name, "--ignore-not-found", "--wait=true"]);
  await kubectl(["create", "namespace", name]);
  const { data } = await getJson<Secret>(["-n", "gamefleet-system", "get", "secret", "gamefleet-stores"]);
  const copy = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "gamefleet-stores", namespace: name },
    data,
  };
  await kubectl(["apply", "-f", "-"], JSON.stringify(copy));
}

export async function removeNamespace(name: string): Promise<void> {
  // Fleets first: what drains must not hold the namespace up for the whole drain deadline.
  await tryKubectl(["-n", name, "delete", "flt", "--all", "--wait=false"]);
  await tryKubectl(["-n", name, "delete", "pods", "--all", "--grace-period=0", "--force"]);
  await tryKubectl(["delete", "namespace", name, "--wait=true", "--timeout=60s"]);
}

export function fleetManifest(namespace: string, name: string, spec: Record<string, unknown> = {}): string {
  const { template, ...rest } = spec as { template?: Record<string, unknown> };
  return JSON.stringify({
    apiVersion: "gamefleet.dev/v1alpha1",
    kind: "Fleet",
    metadata: { name, namespace },
    spec: {
      replicas: 1,
      capacity: { sessions: 100 },
      template: {
        spec: {
          ports: [{ name: "players", containerPort: 7000 }],
          containers: [
            {
              name: "game",
              image: "gamefleet:dev",
              imagePullPolicy: "IfNotPresent",
              args: ["gameserver/main.ts"],
              resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { cpu: "1", memory: "512Mi" } },
            },
          ],
          drain: { deadlineSeconds: 5 },
          terminationGraceSeconds: 5,
          ...template,
        },
      },
      ...rest,
    },
  });
}

export const getFleet = (namespace: string, name: string) =>
  getJson<Fleet>(["-n", namespace, "get", "flt", name]);

export async function getServers(namespace: string): Promise<GameServer[]> {
  return (await getJson<{ items: GameServer[] }>(["-n", namespace, "get", "gs"])).items;
}

/** Waits until `count` servers are Ready and none is anything else. */
export function serversReady(namespace: string, count: number, withinMs = 90_000): Promise<GameServer[]> {
  return eventually(
    async () => {
      const servers = await getServers(namespace);
      const ready = servers.filter((server) => server.status?.state === "Ready");
      return ready.length === count && servers.length === count && ready;
    },
    `${count} ready servers in ${namespace}`,
    withinMs,
  );
}
