/** `Fleet`: a number of game servers of one kind, kept up, scaled and rolled out. */
import { z } from "zod";
import { MAX_SESSIONS } from "../../protocol/directory.ts";
import {
  AGE,
  conditions,
  int32,
  type KindDefinition,
  label,
  listMap,
  observedGeneration,
  rules,
  stringMap,
  text,
} from "./schema.ts";
import { intOrPercent, TemplateSpec } from "./template.ts";

const Strategy = rules(
  z.object({
    type: z
      .enum(["RollingUpdate", "OnDelete"])
      .default("RollingUpdate")
      .describe("RollingUpdate replaces servers step by step; OnDelete leaves that to you."),
    maxSurge: intOrPercent
      .default(1)
      .describe("How many servers more than replicas may exist during an update."),
    maxUnavailable: intOrPercent
      .default(0)
      .describe("How many fewer than replicas may be ready during an update."),
    partition: int32(0, 10_000)
      .default(0)
      .describe("How many servers stay on the old revision: a canary is replicas minus partition."),
  }),
  {
    // Written out: a list of 0 and '0%' has no single type, and CEL refuses it.
    rule: "!((self.maxSurge == 0 || self.maxSurge == '0' || self.maxSurge == '0%') && (self.maxUnavailable == 0 || self.maxUnavailable == '0' || self.maxUnavailable == '0%'))",
    message: "maxSurge and maxUnavailable must not both be 0: an update could never go on",
    fieldPath: ".maxSurge",
  },
);

const Autoscaling = rules(
  z.object({
    minReplicas: int32(0, 10_000).default(1).describe("Replicas never fall below this."),
    maxReplicas: int32(1, 10_000).describe("Replicas never rise above this."),
  }),
  {
    rule: "self.minReplicas <= self.maxReplicas",
    message: "minReplicas must not be greater than maxReplicas",
    fieldPath: ".minReplicas",
  },
);

const Zones = z.object({
  fixed: listMap(
    z.object({
      name: label.describe("Name of the zone, unique in the fleet."),
      sessions: int32(1, MAX_SESSIONS).default(100).describe("Most sessions in the zone."),
    }),
    "name",
    1_000,
  )
    .optional()
    .describe("Zones of a lasting world: each is always served by exactly one server."),
  onDemand: z
    .object({
      sessions: int32(1, MAX_SESSIONS).default(50).describe("Most sessions in one zone."),
      max: int32(0, 100_000).default(1_000).describe("Most such zones at a time; 0 makes none."),
    })
    .prefault({})
    .describe("Zones made at allocation, and ended when the game says so or they stay empty."),
});

export const FleetSpec = rules(
  z.object({
    replicas: int32(0, 10_000).default(1).describe("Servers wanted."),
    capacity: z
      .object({ sessions: int32(1, MAX_SESSIONS).default(500).describe("Most sessions on one server.") })
      .prefault({})
      .describe("What one server can hold."),
    balancing: z
      .object({
        targetCPUPercent: int32(10, 95).default(80).describe("CPU that servers are filled up to, per cent."),
      })
      .prefault({})
      .describe("How players are spread."),
    autoscaling: Autoscaling.optional().describe("Bounds that replicas are kept within, whoever sets them."),
    zones: Zones.prefault({}).describe("The world: which zones there are."),
    strategy: Strategy.prefault({}).describe("How a changed template reaches the servers."),
    paused: z.boolean().default(false).describe("True stops roll-outs (not scaling, not repair)."),
    revisionHistoryLimit: int32(0, 100)
      .default(10)
      .describe("Old revisions kept for a look back or a way back."),
    template: z
      .object({
        metadata: z
          .object({
            labels: stringMap(32).optional().describe("Labels of the servers and their pods."),
            annotations: stringMap(32, text(4096))
              .optional()
              .describe("Annotations of the servers and their pods."),
          })
          .optional()
          .describe("Labels and annotations for the servers and their pods."),
        spec: TemplateSpec.describe("The server's pod."),
      })
      .describe("What each server is made from."),
  }),
  {
    rule: "!has(self.zones.fixed) || self.zones.fixed.all(z, z.sessions <= self.capacity.sessions)",
    message:
      "zones.fixed[].sessions must not be greater than capacity.sessions: a zone lives whole on one server",
    fieldPath: ".zones",
  },
);
export type FleetSpec = z.infer<typeof FleetSpec>;

const replicaCount = int32(0, 100_000).optional();

export const FleetStatus = z.object({
  observedGeneration,
  replicas: replicaCount.describe("Servers that exist and are not on their way out."),
  readyReplicas: replicaCount.describe("Servers that take players."),
  updatedReplicas: replicaCount.describe("Servers of the newest revision."),
  drainingReplicas: replicaCount.describe("Servers on their way out."),
  unhealthyReplicas: replicaCount.describe("Servers that were given up."),
  sessions: int32(0, 100_000_000).optional().describe("Players in play."),
  sessionCapacity: int32(0, 1_000_000_000).optional().describe("Players the ready servers can hold."),
  zones: int32(0, 1_000_000).optional().describe("Zones served."),
  cpuPercent: int32(0, 100_000)
    .optional()
    .describe("Mean CPU of the ready servers, per cent of their quota."),
  selector: text(1024).optional().describe("Label selector of the servers, for the scale subresource."),
  currentRevision: text(63).optional().describe("Revision that the roll-out started from."),
  updateRevision: text(63).optional().describe("Revision of the template as it is now."),
  conditions,
});
export type FleetStatus = z.infer<typeof FleetStatus>;

export const fleetKind: KindDefinition = {
  kind: "Fleet",
  plural: "fleets",
  singular: "fleet",
  shortName: "flt",
  description: "A fleet of game servers: kept up, scaled, rolled out, and its players placed.",
  spec: FleetSpec,
  status: FleetStatus,
  rules: [
    {
      rule: "self.metadata.name.size() <= 52 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
      message:
        "metadata.name must be a DNS label of at most 52 characters that begins with a letter (servers add a suffix)",
    },
  ],
  scale: { spec: ".spec.replicas", status: ".status.replicas", selector: ".status.selector" },
  columns: [
    { name: "Desired", type: "integer", jsonPath: ".spec.replicas", description: "Servers wanted." },
    {
      name: "Ready",
      type: "integer",
      jsonPath: ".status.readyReplicas",
      description: "Servers that take players.",
    },
    { name: "Zones", type: "integer", jsonPath: ".status.zones", description: "Zones served." },
    { name: "Sessions", type: "integer", jsonPath: ".status.sessions", description: "Players in play." },
    {
      name: "CPU%",
      type: "integer",
      jsonPath: ".status.cpuPercent",
      description: "Mean CPU of ready servers.",
    },
    AGE,
    {
      name: "Current",
      type: "integer",
      jsonPath: ".status.replicas",
      description: "Servers that exist.",
      priority: 1,
    },
    {
      name: "Updated",
      type: "integer",
      jsonPath: ".status.updatedReplicas",
      description: "Newest revision.",
      priority: 1,
    },
    {
      name: "Draining",
      type: "integer",
      jsonPath: ".status.drainingReplicas",
      description: "On their way out.",
      priority: 1,
    },
    {
      name: "Revision",
      type: "string",
      jsonPath: ".status.updateRevision",
      description: "Newest revision.",
      priority: 1,
    },
  ],
};
