/**
 * How the pod of a game server is made: shared by `GameServer.spec` and `Fleet.spec.template.spec`.
 */
import { z } from "zod";
import {
  int32,
  intOrPercent,
  label,
  list,
  listMap,
  objectName,
  opaque,
  quantity,
  rules,
  stringMap,
  text,
} from "./schema.ts";

export { intOrPercent };

export const Port = rules(
  z.object({
    name: label.describe("Name of the port, unique within the server."),
    containerPort: int32(1, 65_535).describe("Port the game listens on inside the pod."),
    protocol: z.enum(["TCP", "UDP"]).default("TCP").describe("Transport protocol of the port."),
    policy: z
      .enum(["Dynamic", "Static", "None"])
      .default("Dynamic")
      .describe(
        "Dynamic: the operator picks a free port of the node. Static: hostPort, as given. None: no port of the node.",
      ),
    hostPort: int32(1, 65_535).optional().describe("Port of the node, with policy Static only."),
  }),
  {
    rule: "self.policy == 'Static' ? has(self.hostPort) : !has(self.hostPort)",
    message: "hostPort must be set with policy Static and must not be set otherwise",
    fieldPath: ".hostPort",
  },
);
export type Port = z.infer<typeof Port>;

const EnvVar = z.object({
  name: z
    .string()
    .min(1)
    .max(253)
    .describe(
      "Name of the variable. Those of the game that the operator sets, such as GAMEFLEET_PORT, keep its value.",
    ),
  value: text(32_768).optional().describe("Value as it is; not together with valueFrom."),
  valueFrom: opaque().optional().describe("As in a pod: secretKeyRef, configMapKeyRef, fieldRef."),
});

const Container = z.object({
  name: label.describe("Name of the container, unique within the pod."),
  image: z.string().min(1).max(1024).describe("Image to run."),
  imagePullPolicy: z
    .enum(["Always", "IfNotPresent", "Never"])
    .optional()
    .describe("When the image is pulled. Default as in a pod: Always for the tag latest, else IfNotPresent."),
  command: list(text(4096), 64)
    .optional()
    .describe("Program to run in place of the image's own entry point."),
  args: list(text(4096), 64).optional().describe("Arguments of the program."),
  workingDir: text(1024).optional().describe("Folder the program starts in. Default: the image's own."),
  env: listMap(EnvVar, "name", 128).optional().describe("Environment variables."),
  envFrom: list(opaque(), 16)
    .optional()
    .describe("Sources of environment variables, as in a pod: configMapRef, secretRef."),
  resources: z
    .object({
      limits: z
        .record(z.string(), quantity)
        .meta({ maxProperties: 16 })
        .optional()
        .describe("Most of each resource the container may use."),
      requests: z
        .record(z.string(), quantity)
        .meta({ maxProperties: 16 })
        .optional()
        .describe("What is set aside on the node for the container. Default: the limits."),
    })
    .optional()
    .describe("CPU and memory. The CPU limit is the quota that load is measured against."),
  volumeMounts: list(opaque(), 32).optional().describe("Where volumes appear in the container, as in a pod."),
  livenessProbe: opaque()
    .optional()
    .describe("Default for the game's container: HTTP GET /healthz on the admin port."),
  readinessProbe: opaque()
    .optional()
    .describe("Default for the game's container: HTTP GET /readyz on the admin port."),
  startupProbe: opaque()
    .optional()
    .describe("As in a pod. Default: none; health.startSeconds bounds the start."),
  securityContext: opaque()
    .optional()
    .describe("Of the container. Default for the game: no escalation, no capabilities, read-only root."),
});

const Health = z.object({
  startSeconds: int32(1, 3_600)
    .default(120)
    .describe("Time to become ready; after it the pod counts as failed."),
  periodSeconds: int32(1, 300).default(2).describe("Time between two probes of /readyz."),
  failureThreshold: int32(1, 100)
    .default(5)
    .describe("Failed probes in a row after which a live pod counts as failed."),
});

const Restart = z.object({
  maxRestarts: int32(0, 1_000)
    .default(5)
    .describe("Crashes within the window after which the server is Unhealthy and no more restarted."),
  windowSeconds: int32(1, 86_400).default(600).describe("A crash older than this is forgotten."),
  backoffSeconds: int32(0, 3_600)
    .default(1)
    .describe(
      "Wait before the second restart; it doubles with every further crash, to at most 60 s. The first is at once.",
    ),
});

const Drain = z.object({
  deadlineSeconds: int32(0, 86_400)
    .default(60)
    .describe(
      "How long a server that must go waits for its players to leave, before it tells them to reconnect elsewhere.",
    ),
});

/** All that describes a server's pod, as fields to spread into a spec. */
export const templateFields = {
  ports: listMap(Port, "name", 8).min(1).describe("Ports for players and tools. The first is the players'."),
  containers: listMap(Container, "name", 8).min(1).describe("Containers of the pod. The first is the game."),
  adminPort: int32(1, 65_535)
    .default(9_000)
    .describe("Port of the game's admin listener: probes, metrics, control."),
  health: Health.prefault({}).describe("When the server counts as started, and as failed."),
  restart: Restart.prefault({}).describe("What happens when the game crashes."),
  drain: Drain.prefault({}).describe("How the server goes when it must."),
  terminationGraceSeconds: int32(1, 3_600).default(30).describe("Time from SIGTERM to SIGKILL."),
  storesSecret: objectName
    .default("gamefleet-stores")
    .describe("Secret of the namespace with GAMEFLEET_REDIS_URL and GAMEFLEET_DATABASE_URL for the game."),
  nodeSelector: stringMap(16).optional().describe("Labels a node must have for the pod to run there."),
  tolerations: list(opaque(), 16)
    .optional()
    .describe(
      "Taints the pod puts up with, as in a pod. A node that is lost is left after 30 s in any case.",
    ),
  affinity: opaque().optional().describe("Which nodes and neighbours the pod prefers or needs, as in a pod."),
  topologySpreadConstraints: list(opaque(), 8)
    .optional()
    .describe("How servers spread over zones and nodes, as in a pod."),
  volumes: list(opaque(), 32).optional().describe("Volumes of the pod."),
  imagePullSecrets: list(opaque(), 8).optional().describe("Secrets for pulling images, as in a pod."),
  serviceAccountName: objectName
    .optional()
    .describe("Service account of the pod. Its token is mounted only when this is set."),
  priorityClassName: objectName.optional().describe("Priority class of the pod."),
  securityContext: opaque().optional().describe("Of the pod. Default: non-root, RuntimeDefault seccomp."),
} as const;

/** Rules over a whole template. */
export const templateRules = [
  {
    rule: "self.ports.all(p, self.ports.exists_one(q, q.containerPort == p.containerPort && q.protocol == p.protocol))",
    message: "two ports must not have the same containerPort and protocol",
    fieldPath: ".ports",
  },
  {
    rule: "self.ports.all(p, p.containerPort != self.adminPort)",
    message: "adminPort must not be one of ports",
    fieldPath: ".adminPort",
  },
] as const;

export const TemplateSpec = rules(z.object(templateFields), ...templateRules);
export type TemplateSpec = z.infer<typeof TemplateSpec>;
