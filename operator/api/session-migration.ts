/** `SessionMigration`: the record of a move of zones from one server to another. */
import { z } from "zod";
import {
  AGE,
  conditions,
  int32,
  type KindDefinition,
  label,
  list,
  objectName,
  observedGeneration,
  rules,
  text,
  time,
} from "./schema.ts";

export const SessionMigrationSpec = rules(
  z.object({
    fleetName: objectName.describe("Fleet within which to move."),
    from: objectName.describe("Server to move from."),
    to: objectName.optional().describe("Server to move to; the operator chooses when it is not given."),
    reason: z
      .enum(["Drain", "Rollout", "Rebalance", "Manual"])
      .default("Manual")
      .describe("Why it is moved."),
    zones: list(label, 1_000)
      .optional()
      .describe("Zones to move; all of them when neither zones nor sessions is given."),
    sessions: list(text(64), 1_000).optional().describe("Single sessions to move."),
    deadlineSeconds: int32(1, 86_400).default(300).describe("Time after which what has not moved stays."),
  }),
  { rule: "self == oldSelf", message: "spec must not change: make another SessionMigration" },
  {
    rule: "!has(self.to) || self.to != self.from",
    message: "to must not be the same server as from",
    fieldPath: ".to",
  },
  {
    rule: "!(has(self.zones) && has(self.sessions))",
    message: "zones and sessions must not both be set",
    fieldPath: ".sessions",
  },
);
export type SessionMigrationSpec = z.infer<typeof SessionMigrationSpec>;

export const SessionMigrationStatus = z.object({
  observedGeneration,
  phase: z.enum(["Pending", "Running", "Complete", "Failed"]).optional().describe("How far the move is."),
  moved: int32(0, 1_000_000).optional().describe("Sessions moved."),
  failed: int32(0, 1_000_000).optional().describe("Sessions that stayed."),
  pauseP50Ms: int32(0, 86_400_000).optional().describe("Median pause that players saw, ms."),
  pauseP99Ms: int32(0, 86_400_000).optional().describe("99th percentile of the pause, ms."),
  startTime: time.optional().describe("When the move began."),
  completionTime: time.optional().describe("When it was over, whether or not all was moved."),
  failures: list(
    z.object({
      zone: label.describe("Zone that stayed."),
      message: text(1024).describe("Why it stayed, and what to do."),
    }),
    100,
  )
    .optional()
    .describe("What stayed, and why."),
  conditions,
});
export type SessionMigrationStatus = z.infer<typeof SessionMigrationStatus>;

export const sessionMigrationKind: KindDefinition = {
  kind: "SessionMigration",
  plural: "sessionmigrations",
  singular: "sessionmigration",
  shortName: "sm",
  description: "A move of live zones between servers. Recorded now; carried out from a later version on.",
  spec: SessionMigrationSpec,
  status: SessionMigrationStatus,
  columns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase", description: "How far it is." },
    { name: "From", type: "string", jsonPath: ".spec.from", description: "Server to move from." },
    { name: "To", type: "string", jsonPath: ".spec.to", description: "Server to move to." },
    { name: "Moved", type: "integer", jsonPath: ".status.moved", description: "Sessions moved." },
    { name: "Failed", type: "integer", jsonPath: ".status.failed", description: "Sessions that stayed." },
    { name: "Reason", type: "string", jsonPath: ".spec.reason", description: "Why.", priority: 1 },
    AGE,
  ],
};
