/**
 * A fleet as the allocator sees it: rosters and load samples at the last reading, and what was given away and made
 * since.
 *
 * Counts of taken seats are written by whoever gives seats away here; everything else is as it was read.
 */
import type { FleetKey, FleetRecord, LoadSample, RosterEntry } from "../../protocol/directory.ts";

export interface ViewZone {
  readonly id: string;
  readonly kind: "fixed" | "on-demand";
  readonly capacity: number;
  readonly open: boolean;
  /** Sessions that play, by the pod's last sample, and those given a place, or about to be, since. */
  taken: number;
}

/** A zone that was made here and that no sample shows yet. */
export interface MadeZone {
  readonly server: string;
  readonly life: string;
  readonly zone: ViewZone;
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
  readonly zones: ViewZone[];
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
  readonly #byZone = new Map<string, ViewServer>();
  readonly #zones = new Map<string, ViewZone>();
  #onDemandZones = 0;

  constructor(key: FleetKey, record: FleetRecord, servers: readonly ViewServer[]) {
    this.key = key;
    this.record = record;
    this.servers = servers;
    this.byName = new Map(servers.map((server) => [server.name, server]));
    for (const server of servers) for (const zone of server.zones) this.#know(server, zone);
  }

  /** Server by the zone it serves. */
  get byZone(): ReadonlyMap<string, ViewServer> {
    return this.#byZone;
  }

  get onDemandZones(): number {
    return this.#onDemandZones;
  }

  zone(id: string): ViewZone | undefined {
    return this.#zones.get(id);
  }

  /** Shows a zone that was made here, unless the samples do, or speak of another life of its server. */
  addMade({ server, life, zone }: MadeZone): void {
    const host = this.byName.get(server);
    if (host?.life !== life || this.#zones.has(zone.id)) return;
    host.zones.push(zone);
    this.#know(host, zone);
  }

  /** Counts seats as taken; with a negative count, as free again. */
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

  #know(server: ViewServer, zone: ViewZone): void {
    this.#byZone.set(zone.id, server);
    this.#zones.set(zone.id, zone);
    if (zone.kind === "on-demand") this.#onDemandZones += 1;
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
