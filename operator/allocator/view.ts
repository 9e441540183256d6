/**
 * A fleet as the allocator sees it: rosters and load samples at the last reading, and what was given away since.
 *
 * Counts of taken seats are written by whoever gives seats away here; everything else is as it was read.
 */
import type { FleetKey, FleetRecord, LoadSample, RosterEntry } from "../../protocol/directory.ts";

export interface ViewZone {
  readonly id: string;
  readonly kind: "fixed" | "on-demand";
  readonly capacity: number;
  readonly open: boolean;
  /** Sessions that play, by the pod's last sample, and those given a place since. */
  taken: number;
}

export interface ViewServer {
  readonly name: string;
  readonly life: string;
  readonly address: string;
  readonly port: number;
  /** True when it may be given players: Ready by the operator and by itself. */
  readonly usable: boolean;
  readonly state: string;
  readonly capacity: number;
  readonly cpuPercent: number;
  /** As for zones. */
  taken: number;
  /** Those of them that the last sample does not show: its CPU does not speak of them yet. */
  pending: number;
  readonly zones: readonly ViewZone[];
}

export interface Seat {
  readonly server: string;
  readonly zone: string;
  readonly count: number;
}

export class FleetView {
  readonly key: FleetKey;
  readonly record: FleetRecord;
  readonly servers: readonly ViewServer[];
  readonly byName: ReadonlyMap<string, ViewServer>;
  /** Server by the zone it serves. */
  readonly byZone: ReadonlyMap<string, ViewServer>;
  readonly onDemandZones: number;
  readonly #zones = new Map<string, ViewZone>();

  constructor(key: FleetKey, record: FleetRecord, servers: readonly ViewServer[]) {
    this.key = key;
    this.record = record;
    this.servers = servers;
    this.byName = new Map(servers.map((server) => [server.name, server]));
    const byZone = new Map<string, ViewServer>();
    let onDemand = 0;
    for (const server of servers) {
      for (const zone of server.zones) {
        byZone.set(zone.id, server);
        this.#zones.set(zone.id, zone);
        if (zone.kind === "on-demand") onDemand += 1;
      }
    }
    this.byZone = byZone;
    this.onDemandZones = onDemand;
  }

  zone(id: string): ViewZone | undefined {
    return this.#zones.get(id);
  }

  /** Counts seats as taken. */
  take({ server, zone, count }: Seat): void {
    const host = this.byName.get(server);
    if (host) {
      host.taken += count;
      host.pending += count;
    }
    const place = this.#zones.get(zone);
    if (place) place.taken += count;
  }

  /** Redis says that there is no room: nothing here is, until the next reading. */
  markFull(zone: string): void {
    const place = this.#zones.get(zone);
    if (place) place.taken = Math.max(place.taken, place.capacity);
  }

  markServerFull(name: string): void {
    const server = this.byName.get(name);
    if (server) server.taken = Math.max(server.taken, server.capacity);
  }
}

export function viewServer(
  name: string,
  said: RosterEntry,
  sample: LoadSample | undefined,
  record: FleetRecord,
): ViewServer {
  // A sample of an earlier life says nothing about this one.
  const own = sample?.life === said.life ? sample : undefined;
  return {
    name,
    life: said.life,
    address: said.address,
    port: said.port,
    usable: said.state === "Ready" && own?.state === "Ready",
    state: own?.state === "Draining" ? "Draining" : said.state,
    capacity: Math.min(own?.capacity ?? record.capacity, record.capacity),
    cpuPercent: own?.cpuPercent ?? 100,
    taken: own?.sessions ?? 0,
    pending: 0,
    zones: (own?.zones ?? []).map(({ id, kind, capacity, open, sessions }) => ({
      id,
      kind,
      capacity,
      open,
      taken: sessions,
    })),
  };
}
