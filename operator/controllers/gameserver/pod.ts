/** The pod of a game server, from its spec. Pure: the same server and ports give the same pod. */
import { type GameServer, labels } from "../../api/kinds.ts";
import { type KubeObject, ownerReferenceTo } from "../../api/objects.ts";
import { API_VERSION } from "../../api/schema.ts";

/** Host port by port name. */
export type HostPorts = Readonly<Record<string, number>>;

type Json = Record<string, unknown>;

export interface PodManifest extends KubeObject {
  readonly spec: Json;
}

/** Kubernetes' own wait before it gives up on an unreachable node is 5 minutes: too long for players. */
const NODE_LOSS_SECONDS = 30;

const secretEnv = (name: string, secret: string): Json => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key: name, optional: true } },
});

function operatorEnv(server: GameServer): Json[] {
  const { spec, metadata } = server;
  const values: Record<string, string> = {
    GAMEFLEET_NAMESPACE: metadata.namespace ?? "default",
    GAMEFLEET_FLEET: spec.fleetName ?? metadata.name,
    GAMEFLEET_SERVER: metadata.name,
    GAMEFLEET_PORT: String(spec.ports[0]?.containerPort ?? 0),
    GAMEFLEET_ADMIN_PORT: String(spec.adminPort),
    GAMEFLEET_CAPACITY_SESSIONS: String(spec.capacity.sessions),
    // The pod must be done before the kubelet kills it.
    GAMEFLEET_DRAIN_SECONDS: String(Math.max(1, spec.terminationGraceSeconds - 2)),
  };
  return [
    ...Object.entries(values).map(([name, value]) => ({ name, value })),
    { name: "GAMEFLEET_LIFE", valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } },
    secretEnv("GAMEFLEET_REDIS_URL", spec.storesSecret),
    secretEnv("GAMEFLEET_DATABASE_URL", spec.storesSecret),
  ];
}

function gamePorts(server: GameServer, hostPorts: HostPorts): Json[] {
  const ports = server.spec.ports.map((port) => ({
    name: port.name,
    containerPort: port.containerPort,
    protocol: port.protocol,
    ...(hostPorts[port.name] === undefined ? {} : { hostPort: hostPorts[port.name] }),
  }));
  return [...ports, { name: "gf-admin", containerPort: server.spec.adminPort, protocol: "TCP" }];
}

/** Probes, ports, environment and confinement that the first container, the game, gets unless it says otherwise. */
function gameContainer(server: GameServer, hostPorts: HostPorts): Json {
  const { spec } = server;
  const [game] = spec.containers;
  const given = game as unknown as Json;
  const ours = operatorEnv(server);
  const names = new Set(ours.map((entry) => entry.name));
  const env = (game?.env ?? []).filter((entry) => !names.has(entry.name));
  const probe = (path: string, period: number, threshold: number) => ({
    httpGet: { path, port: spec.adminPort },
    periodSeconds: period,
    failureThreshold: threshold,
    timeoutSeconds: 2,
  });
  const { periodSeconds, failureThreshold, startSeconds } = spec.health;
  return {
    readinessProbe: probe("/readyz", Math.min(periodSeconds, 2), 2),
    livenessProbe: {
      ...probe("/healthz", periodSeconds, failureThreshold),
      // Starting has its own deadline: the controller's. Liveness must not cut in before it.
      initialDelaySeconds: Math.min(startSeconds, 10),
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    ...given,
    env: [...ours, ...env],
    ports: gamePorts(server, hostPorts),
  };
}

/** The pod to create. It bears the server's name, so that two operators can never make two. */
export function podFor(server: GameServer, hostPorts: HostPorts): PodManifest {
  const { spec, metadata } = server;
  const optional = {
    nodeSelector: spec.nodeSelector,
    affinity: spec.affinity,
    topologySpreadConstraints: spec.topologySpreadConstraints,
    volumes: spec.volumes,
    imagePullSecrets: spec.imagePullSecrets,
    serviceAccountName: spec.serviceAccountName,
    priorityClassName: spec.priorityClassName,
  };
  const tolerate = (taint: string) => ({
    key: `node.kubernetes.io/${taint}`,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: NODE_LOSS_SECONDS,
  });
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace,
      labels: {
        ...metadata.labels,
        "app.kubernetes.io/managed-by": "gamefleet",
        [labels.fleet]: spec.fleetName ?? metadata.name,
        [labels.server]: metadata.name,
      },
      annotations: metadata.annotations ?? {},
      ownerReferences: [ownerReferenceTo(server, API_VERSION, "GameServer")],
    },
    spec: {
      // A crashed game is a new life with a new uid: the controller makes a new pod, the kubelet never restarts one.
      restartPolicy: "Never",
      terminationGracePeriodSeconds: spec.terminationGraceSeconds,
      automountServiceAccountToken: spec.serviceAccountName !== undefined,
      enableServiceLinks: false,
      securityContext: spec.securityContext ?? {
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        seccompProfile: { type: "RuntimeDefault" },
      },
      ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
      tolerations: [...(spec.tolerations ?? []), tolerate("not-ready"), tolerate("unreachable")],
      containers: [gameContainer(server, hostPorts), ...(spec.containers.slice(1) as unknown as Json[])],
    },
  };
}
