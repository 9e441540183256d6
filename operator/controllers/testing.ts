/** Objects for tests of the controllers: valid ones, with defaults filled in as the API server would. */
import { FleetSpec } from "../api/fleet.ts";
import { GameServerSpec, type GameServerStatus } from "../api/gameserver.ts";
import { type Fleet, type GameServer, labels } from "../api/kinds.ts";
import type { Pod } from "./gameserver/core.ts";

export const NOW = Date.parse("2026-01-02T03:04:05Z");
export const at = (msFromNow: number): string => new Date(NOW + msFromNow).toISOString();

const template = {
  ports: [{ name: "players", containerPort: 7000 }],
  containers: [{ name: "game", image: "game:1" }],
};

export function fleet(spec: Record<string, unknown> = {}, status?: Fleet["status"]): Fleet {
  return {
    metadata: { name: "starlanes", namespace: "default", uid: "fleet-uid", generation: 1 },
    spec: FleetSpec.parse({ template: { spec: template }, ...spec }),
    ...(status ? { status } : {}),
  };
}

interface ServerOptions {
  readonly name?: string;
  readonly revision?: string;
  readonly status?: GameServerStatus;
  readonly spec?: Record<string, unknown>;
  readonly deletedMs?: number;
  readonly createdMs?: number;
}

export function gameServer(options: ServerOptions = {}): GameServer {
  return {
    metadata: {
      name: options.name ?? "starlanes-x7k2",
      namespace: "default",
      uid: `uid-${options.name ?? "x7k2"}`,
      generation: 1,
      creationTimestamp: at(options.createdMs ?? -60_000),
      labels: { [labels.fleet]: "starlanes", [labels.revision]: options.revision ?? "new" },
      ...(options.deletedMs === undefined ? {} : { deletionTimestamp: at(options.deletedMs) }),
    },
    spec: GameServerSpec.parse({ fleetName: "starlanes", ...template, ...options.spec }),
    ...(options.status ? { status: options.status } : {}),
  };
}

interface PodOptions {
  readonly ready?: boolean;
  readonly phase?: NonNullable<Pod["status"]>["phase"];
  readonly ageMs?: number;
  readonly deletedMs?: number;
  readonly node?: string | null;
  readonly status?: Pod["status"];
}

export function pod(options: PodOptions = {}): Pod {
  const ready = options.ready ?? true;
  return {
    metadata: {
      name: "starlanes-x7k2",
      namespace: "default",
      uid: "pod-1",
      creationTimestamp: at(-(options.ageMs ?? 30_000)),
      ...(options.deletedMs === undefined ? {} : { deletionTimestamp: at(options.deletedMs) }),
    },
    spec: {
      ...(options.node === null ? {} : { nodeName: options.node ?? "node-1" }),
      containers: [{ name: "game", ports: [{ name: "players", hostPort: 7001, protocol: "TCP" }] }],
    },
    status: {
      phase: options.phase ?? "Running",
      hostIP: "10.0.0.1",
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
      ...options.status,
    },
  };
}
