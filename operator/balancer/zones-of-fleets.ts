/** What the placer looks at, from the caches: each fleet with its fixed zones and the servers that live. */
import type { Fleet, GameServer } from "../api/kinds.ts";
import { keyOf } from "../api/objects.ts";
import type { StoreReader } from "../runtime/store.ts";
import type { LoadBoard } from "./loads.ts";
import type { FleetZones } from "./placer.ts";
import type { ZoneServer } from "./zone-plan.ts";

/** A server that takes longer than this to start is not waited for. */
const STARTING_MS = 30_000;

interface Page {
  readonly servers: ZoneServer[];
  starting: number;
}

export function zonesOfFleets(
  fleets: StoreReader<Fleet>,
  servers: StoreReader<GameServer>,
  loads: LoadBoard,
  nowMs: number,
): FleetZones[] {
  const pages = new Map<string, Page>();
  for (const server of servers.list()) {
    const fleet = `${server.metadata.namespace}/${server.spec.fleetName ?? server.metadata.name}`;
    const page = pages.get(fleet) ?? { servers: [], starting: 0 };
    pages.set(fleet, page);
    const entry = zoneServer(server, loads);
    if (entry) page.servers.push(entry);
    // Ready by Kubernetes and not heard of yet is still starting.
    if (!entry?.usable && isStarting(server, nowMs)) page.starting += 1;
  }
  return fleets.list().map((fleet) => ({
    fleet: keyOf(fleet),
    fixed: fleet.spec.zones.fixed ?? [],
    servers: pages.get(keyOf(fleet))?.servers ?? [],
    starting: pages.get(keyOf(fleet))?.starting ?? 0,
  }));
}

function isStarting({ metadata, status }: GameServer, nowMs: number): boolean {
  if (metadata.deletionTimestamp || status?.state === "Unhealthy" || status?.state === "Stopped")
    return false;
  return nowMs - Date.parse(metadata.creationTimestamp ?? "") < STARTING_MS;
}

/** A server with a pod that lives; one whose pod is gone has given its zones up. */
function zoneServer(server: GameServer, loads: LoadBoard): ZoneServer | undefined {
  const { state, podUID } = server.status ?? {};
  if (podUID === undefined || state === undefined) return undefined;
  if (state !== "Ready" && state !== "NotReady" && state !== "Draining") return undefined;
  const sample = loads.get(keyOf(server), podUID);
  return {
    id: keyOf(server),
    life: podUID,
    usable: state === "Ready" && sample?.state === "Ready",
    silent: loads.isSilent(keyOf(server)),
    draining: state === "Draining" || sample?.state === "Draining",
    capacity: server.spec.capacity.sessions,
    sessionsByZone: sample && new Map(sample.zones.map((zone) => [zone.id, zone.sessions])),
  };
}
