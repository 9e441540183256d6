/** `GameServer`: one pod that players connect to. Usually made by a Fleet. */
import { z } from "zod";
import { MAX_SESSIONS, serverStates } from "../../protocol/directory.ts";
import {
  AGE,
  conditions,
  int32,
  type KindDefinition,
  label,
  listMap,
  objectName,
  observedGeneration,
  rules,
  text,
  time,
} from "./schema.ts";
import { templateFields, templateRules } from "./template.ts";

/**
 * Pending: no pod yet, or not scheduled. Starting: the pod runs, the game is not ready. Ready: takes players.
 * NotReady: was ready and plays on, but takes nobody new (a store is away, the node is unreachable).
 * Draining: on its way out, players leave. Unhealthy: crashed too often, or cannot be made. Stopped: ended by itself.
 * More may come: treat an unknown state as not Ready.
 */
export const GameServerState = z.enum(serverStates);
export type GameServerState = z.infer<typeof GameServerState>;

export const GameServerSpec = rules(
  z.object({
    fleetName: objectName.optional().describe("Fleet it belongs to; its own name when it stands alone."),
    capacity: z
      .object({ sessions: int32(1, MAX_SESSIONS).default(500).describe("Most sessions at a time.") })
      .prefault({})
      .describe("What the server can hold."),
    ...templateFields,
  }),
  ...templateRules,
  {
    rule: "self == oldSelf",
    message: "spec must not change: make another GameServer (a Fleet does so by a rolling update)",
  },
);
export type GameServerSpec = z.infer<typeof GameServerSpec>;

export const GameServerStatus = z.object({
  observedGeneration,
  state: GameServerState.optional().describe(
    "Where it is in its life. Unknown values may appear in later versions.",
  ),
  address: text(253).optional().describe("Address players connect to."),
  ports: listMap(
    z.object({
      name: label.describe("Name of the port, as in spec.ports."),
      port: int32(1, 65_535).describe("Port to connect to at the address."),
    }),
    "name",
    8,
  )
    .optional()
    .describe("Ports players connect to."),
  nodeName: text(253).optional().describe("Node it runs on."),
  podUID: text(64).optional().describe("The pod's uid: which life of the server this is."),
  revision: text(63).optional().describe("Revision of the fleet's template that it was made from."),
  crashes: listMap(
    z.object({
      podUID: text(64).describe("Which life crashed."),
      time: time.describe("When."),
      reason: text(1024).describe("Why, as the kubelet told it."),
    }),
    "podUID",
    64,
  )
    .optional()
    .describe("Crashes within the restart window, oldest first."),
  sessions: int32(0, 1_000_000).optional().describe("Players it holds."),
  zones: int32(0, 100_000).optional().describe("Zones it serves."),
  cpuPercent: int32(0, 100_000).optional().describe("CPU used, per cent of the pod's quota."),
  drainDeadline: time.optional().describe("When a draining server will be ended with players on it."),
  conditions,
});
export type GameServerStatus = z.infer<typeof GameServerStatus>;

export const gameServerKind: KindDefinition = {
  kind: "GameServer",
  plural: "gameservers",
  singular: "gameserver",
  shortName: "gs",
  description: "One game server: a pod that players connect to.",
  spec: GameServerSpec,
  status: GameServerStatus,
  statusDefault: { state: "Pending" },
  rules: [
    {
      rule: "self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
      message: "metadata.name must be a DNS label of at most 63 characters that begins with a letter",
    },
  ],
  columns: [
    { name: "State", type: "string", jsonPath: ".status.state", description: "Where it is in its life." },
    {
      name: "Address",
      type: "string",
      jsonPath: ".status.address",
      description: "Address players connect to.",
    },
    { name: "Port", type: "integer", jsonPath: ".status.ports[0].port", description: "Players' port." },
    { name: "Zones", type: "integer", jsonPath: ".status.zones", description: "Zones it serves." },
    { name: "Sessions", type: "integer", jsonPath: ".status.sessions", description: "Players it holds." },
    {
      name: "CPU%",
      type: "integer",
      jsonPath: ".status.cpuPercent",
      description: "CPU, per cent of its quota.",
    },
    { name: "Node", type: "string", jsonPath: ".status.nodeName", description: "Node it runs on." },
    AGE,
    {
      name: "Fleet",
      type: "string",
      jsonPath: ".spec.fleetName",
      description: "Fleet it belongs to.",
      priority: 1,
    },
    {
      name: "Revision",
      type: "string",
      jsonPath: ".status.revision",
      description: "Template revision.",
      priority: 1,
    },
    {
      name: "Reason",
      type: "string",
      jsonPath: ".status.conditions[?(@.type=='Ready')].reason",
      description: "Why it is or is not ready.",
      priority: 1,
    },
  ],
};
