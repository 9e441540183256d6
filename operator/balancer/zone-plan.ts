/**
 * Which zone is to be served by which server: from what is seen to what is to be done, without I/O.
 *
 * A zone changes hands only when nobody can be serving it (no owner; an owner that has given its lease up; or one whose
 * lease has run out and whose pod is known to be gone or is heard by no store) or when nobody plays in it and its server
 * is on the way out. An owner whose lease ran out but whose pod is heard keeps its zone: it is PostgreSQL that was away,
 * not the pod. A pod that stops gives its lease up seconds before the caches show that it is gone: players wait for that.
 */
import type { ZoneRow } from "../../platform/ownership/ownership.ts";

export interface ZoneServer {
  /** `<namespace>/<name>`. */
  readonly id: string;
  readonly life: string;
  /** Ready, fresh load sample, lease held: may be given zones. */
  readonly usable: boolean;
  /** Not heard of for so long that the pod, if it lives, has fallen silent by itself (see `LoadBoard.isSilent`). */
  readonly silent: boolean;
  readonly draining: boolean;
  readonly capacity: number;
  /** Sessions by zone, from the load sample; undefined when there is none. */
  readonly sessionsByZone: ReadonlyMap<string, number> | undefined;
}

export interface FixedZone {
  readonly name: string;
  readonly sessions: number;
}

export interface ZonePlan {
  readonly declare: readonly FixedZone[];
  readonly place: readonly {
    readonly zone: string;
    readonly epoch: number;
    readonly owner: string;
    readonly ownerLife: string;
  }[];
  readonly remove: readonly { readonly zone: string; readonly epoch: number }[];
  /** Zones that need an owner and have found none. */
  readonly waiting: readonly string[];
}

/**
 * `starting`: servers that will be usable soon. While there are any, a zone that was never served waits rather than
 * crowd onto the server that happened to start first; a zone that lost its server does not wait.
 */
export function planZones(
  fixed: readonly FixedZone[],
  rows: readonly ZoneRow[],
  servers: readonly ZoneServer[],
  starting = 0,
): ZonePlan {
  const wanted = new Map(fixed.map((zone) => [zone.name, zone]));
  const known = new Map(rows.map((row) => [row.id, row]));
  const declare = fixed.filter((zone) => known.get(zone.name)?.capacity !== zone.sessions);
  const load = assignedCapacity(rows, servers);
  const usableCount = servers.filter((server) => server.usable).length;
  const fairShare =
    starting === 0 ? Number.POSITIVE_INFINITY : fixedCapacity(fixed) / (usableCount + starting);
  const place = [];
  const remove = [];
  const waiting = [];
  for (const row of rows) {
    const owner = servers.find((server) => server.id === row.owner && server.life === row.ownerLife);
    const free = isFree(row, owner);
    const empty = owner?.sessionsByZone !== undefined && (owner.sessionsByZone.get(row.id) ?? 0) === 0;
    const unwanted = row.kind === "fixed" && !wanted.has(row.id);
    if (unwanted) {
      if (free || empty) remove.push({ zone: row.id, epoch: row.epoch });
      continue;
    }
    const leaves = row.kind === "fixed" && owner?.draining === true && empty;
    if (!free && !leaves) continue;
    const target = leastAssigned(servers, load);
    const mayWait =
      row.epoch === 0 && target !== undefined && (load.get(target.id) ?? 0) + row.capacity > fairShare;
    if (!target || mayWait) {
      if (free) waiting.push(row.id);
      continue;
    }
    load.set(target.id, (load.get(target.id) ?? 0) + row.capacity);
    place.push({ zone: row.id, epoch: row.epoch, owner: target.id, ownerLife: target.life });
  }
  return { declare, place, remove, waiting };
}

const fixedCapacity = (fixed: readonly FixedZone[]): number =>
  fixed.reduce((sum, zone) => sum + zone.sessions, 0);

/** Nobody can be serving it: no owner, or one without a lease that gave it up, is gone or cut off from everything. */
function isFree(row: ZoneRow, owner: ZoneServer | undefined): boolean {
  return row.owner === null || row.released || (!row.leased && (owner === undefined || owner.silent));
}

function assignedCapacity(rows: readonly ZoneRow[], servers: readonly ZoneServer[]): Map<string, number> {
  const load = new Map<string, number>();
  for (const row of rows) {
    const owner = servers.find((server) => server.id === row.owner && server.life === row.ownerLife);
    if (owner) load.set(owner.id, (load.get(owner.id) ?? 0) + row.capacity);
  }
  return load;
}

/** The usable server with the smallest share of its capacity given to zones; ties by name, so that plans repeat. */
function leastAssigned(
  servers: readonly ZoneServer[],
  load: ReadonlyMap<string, number>,
): ZoneServer | undefined {
  let best: ZoneServer | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const server of servers) {
    if (!server.usable || server.draining) continue;
    const share = (load.get(server.id) ?? 0) / server.capacity;
    if (share < least || (share === least && best !== undefined && server.id < best.id)) {
      best = server;
      least = share;
    }
  }
  return best;
}
