/** What the game server controller works with, and what it remembers of a server between two looks. */
import type { Pool } from "../../../platform/postgres.ts";
import type { GameServer } from "../../api/kinds.ts";
import type { LoadBoard } from "../../balancer/loads.ts";
import type { Roster } from "../../balancer/roster.ts";
import type { Resource } from "../../kube/resource.ts";
import type { StoreReader } from "../../runtime/store.ts";
import type { Tell } from "../events.ts";
import type { Node, Pod } from "./core.ts";
import type { PortBook } from "./port-book.ts";

export interface GameServerDeps {
  readonly servers: Pick<Resource<GameServer>, "replace" | "jsonPatch">;
  readonly pods: Pick<Resource<Pod>, "create" | "delete">;
  readonly stores: {
    readonly servers: StoreReader<GameServer>;
    readonly pods: StoreReader<Pod>;
    readonly nodes: StoreReader<Node>;
  };
  readonly loads: LoadBoard;
  readonly roster: Roster;
  readonly pool: Pool;
  readonly ports: PortBook;
  readonly tell: Tell;
  /** Zones may need a new home: a server came, went, or changed its mind. */
  readonly pokeZones: () => void;
  readonly now?: () => number;
}

/** Lost with the process, and nothing with it: all of it is derived anew. */
export interface Memory {
  lastWriteMs: number;
  rejected?: { reason: string; message: string; untilMs: number };
  released?: string;
  lastReason?: string;
}

/** How long a refused pod is not tried again. */
export const REJECTED_MS = 30_000;
