/** What the placer looks at, from the caches: each fleet with its fixed zones and the servers that live. */
import type { Fleet, GameServer } from "../api/kinds.ts";
import { keyOf } from "../kube/objects.ts";
import type { StoreReader } from "../runtime/store.ts";
import type { LoadBoard } from "./loads.ts";
import type { FleetZones } from "./placer.ts";
import type { ZoneServer } from "./zone-plan.ts";

export function zonesOfFleets(
  fleets: StoreReader<Fleet>,
  servers: StoreReader<GameServer>,
  loads: LoadBoard,
): FleetZones[] {
  const byFleet = new Map<string, ZoneServer[]>();
  for (const server of servers.list()) {
    const entry = zoneServer(server, loads);
    if (!entry) continue;
    const fleet = `${server.metadata.namespace}/${server.spec.fleetName ?? server.metadata.name}`;
    const list = byFleet.get(fleet);
    if (list) list.push(entry);
    else byFleet.set(fleet, [entry]);
  }
  return fleets.list().map((fleet) => ({
    fleet: keyOf(fleet),
    fixed: fleet.spec.zones.fixed ?? [],
    servers: byFleet.get(keyOf(fleet)) ?? [],
  }));
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
    draining: state === "Draining" || sample?.state === "Draining",
    capacity: server.spec.capacity.sessions,
    sessionsByZone: sample && new Map(sample.zones.map((zone) => [zone.id, zone.sessions])),
  };
}
