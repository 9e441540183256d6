/** The kinds as objects of the API server: what controllers read and write. */
import type { z } from "zod";
import type { FleetSpec, FleetStatus } from "./fleet.ts";
import type { GameServerSpec, GameServerStatus } from "./gameserver.ts";
import type { KubeObject } from "./objects.ts";

export interface GameServer extends KubeObject {
  readonly spec: z.output<typeof GameServerSpec>;
  readonly status?: GameServerStatus;
}

export interface Fleet extends KubeObject {
  readonly spec: z.output<typeof FleetSpec>;
  readonly status?: FleetStatus;
}

/** Labels and annotations of our own. */
export const labels = {
  /** On servers, pods and revisions: the fleet's name. */
  fleet: "gamefleet.dev/fleet",
  /** On servers and pods: which template they are made from. */
  revision: "gamefleet.dev/revision",
  /** On pods: the server they are. */
  server: "gamefleet.dev/server",
  /** On nodes: the address players reach the node at, where it differs from what the node says. */
  playerAddress: "gamefleet.dev/player-address",
} as const;

/** Held on a GameServer until its pod is gone and its zones are free. */
export const FINALIZER = "gamefleet.dev/gameserver";
