/**
 * Ownership of zones: the rows in PostgreSQL that decide who serves what.
 *
 * Protocol. A pod registers its life and renews one lease for all its zones (`hold`); the answer is the list of
 * zones it owns, so a pod learns of gains and losses by the same statement that keeps it alive. Every change of
 * owner is one compare-and-set on the epoch (`place`): of two that try, one wins and the other is told so. Time is
 * PostgreSQL's own, never that of a process. All functions throw the store's error when it is away.
 */
import { type Pool, query } from "../postgres.ts";

/** How long a pod owns its zones without renewing. A pod renews every third of it. */
export const LEASE_MS = 6_000;

export type ZoneKind = "fixed" | "on-demand";

export interface OwnedZone {
  readonly id: string;
  readonly kind: ZoneKind;
  readonly epoch: number;
  readonly capacity: number;
}

export interface ZoneRow extends OwnedZone {
  readonly fleet: string;
  /** Server that owns it, or null. */
  readonly owner: string | null;
  readonly ownerLife: string | null;
  /** True while the owner of record lives that life and has renewed in time. */
  readonly leased: boolean;
  /** True when the lease of that life was given up (`release`), not merely missed: it serves nothing any more. */
  readonly released: boolean;
}

export interface ServerRow {
  readonly id: string;
  readonly life: string;
  readonly leased: boolean;
}

export interface PlaceRequest {
  readonly fleet: string;
  readonly zone: string;
  /** The epoch seen when the decision was made. */
  readonly epoch: number;
  readonly owner: string;
  readonly ownerLife: string;
}

/** Takes the name `server` for this life. An earlier life of the same name is fenced from now on. */
export async function register(pool: Pool, server: string, fleet: string, life: string): Promise<void> {
  await query(
    pool,
    `INSERT INTO server (id, fleet, life, lease_until) VALUES ($1, $2, $3, now() + $4 * interval '1 ms')
     ON CONFLICT (id) DO UPDATE SET fleet = EXCLUDED.fleet, life = EXCLUDED.life, lease_until = EXCLUDED.lease_until`,
    [server, fleet, life, LEASE_MS],
  );
}

/** Renews the lease and lists the zones of this life; `undefined` when another life holds the name (fenced). */
export async function hold(pool: Pool, server: string, life: string): Promise<OwnedZone[] | undefined> {
  const rows = await query<{ id: string | null; kind: ZoneKind; epoch: string; capacity: number }>(
    pool,
    `WITH lease AS (
       UPDATE server SET lease_until = now() + $3 * interval '1 ms' WHERE id = $1 AND life = $2 RETURNING id)
     SELECT z.id, z.kind, z.epoch, z.capacity
     FROM lease LEFT JOIN zone z ON z.owner = lease.id AND z.owner_life = $2`,
    [server, life, LEASE_MS],
  );
  if (rows.length === 0) return undefined;
  const zones = [];
  for (const row of rows) {
    if (row.id !== null)
      zones.push({ id: row.id, kind: row.kind, epoch: Number(row.epoch), capacity: row.capacity });
  }
  return zones;
}

/** Ends the lease of a life at once: its own clean stop, or the operator that saw the pod end. */
export async function release(pool: Pool, server: string, life: string): Promise<void> {
  await query(pool, "UPDATE server SET lease_until = '-infinity' WHERE id = $1 AND life = $2", [
    server,
    life,
  ]);
}

/** Forgets servers that are gone for good. Zones they own stay, unleased, for the placer. */
export async function forgetServer(pool: Pool, server: string, life: string): Promise<void> {
  await query(pool, "DELETE FROM server WHERE id = $1 AND life = $2", [server, life]);
}

/** Makes a zone, or leaves it as it is when it exists; its capacity follows. */
export async function declareZone(
  pool: Pool,
  fleet: string,
  zone: string,
  kind: ZoneKind,
  capacity: number,
): Promise<void> {
  await query(
    pool,
    `INSERT INTO zone (fleet, id, kind, capacity) VALUES ($1, $2, $3, $4)
     ON CONFLICT (fleet, id) DO UPDATE SET capacity = EXCLUDED.capacity WHERE zone.capacity <> EXCLUDED.capacity`,
    [fleet, zone, kind, capacity],
  );
}

/** Makes an on-demand zone that `owner` serves from its first moment. False when the id is taken. */
export async function createZone(
  pool: Pool,
  request: Omit<PlaceRequest, "epoch"> & { capacity: number },
): Promise<boolean> {
  const rows = await query(
    pool,
    `INSERT INTO zone (fleet, id, kind, capacity, owner, owner_life, epoch, phase)
     SELECT $1, $2, 'on-demand', $3, $4, $5, 1, 'owned'
     WHERE EXISTS (SELECT 1 FROM server WHERE id = $4 AND life = $5 AND lease_until > now())
     ON CONFLICT (fleet, id) DO NOTHING RETURNING id`,
    [request.fleet, request.zone, request.capacity, request.owner, request.ownerLife],
  );
  return rows.length === 1;
}

/**
 * The compare-and-set: gives the zone to `owner` if its epoch is still `epoch` and the new owner is alive.
 * Returns the new epoch, or undefined when somebody else was first.
 */
export async function place(pool: Pool, request: PlaceRequest): Promise<number | undefined> {
  const rows = await query<{ epoch: string }>(
    pool,
    `UPDATE zone SET owner = $3, owner_life = $4, epoch = epoch + 1, phase = 'owned', changed_at = now()
     WHERE fleet = $1 AND id = $2 AND epoch = $5
       AND EXISTS (SELECT 1 FROM server WHERE id = $3 AND life = $4 AND lease_until > now())
     RETURNING epoch`,
    [request.fleet, request.zone, request.owner, request.ownerLife, request.epoch],
  );
  return rows[0] ? Number(rows[0].epoch) : undefined;
}

/** Deletes an on-demand zone; only its owner, at its epoch, can. False when it is not (any more) its owner's. */
export async function closeZone(
  pool: Pool,
  fleet: string,
  zone: string,
  server: string,
  epoch: number,
): Promise<boolean> {
  const rows = await query(
    pool,
    `DELETE FROM zone WHERE fleet = $1 AND id = $2 AND owner = $3 AND epoch = $4 AND kind = 'on-demand' RETURNING id`,
    [fleet, zone, server, epoch],
  );
  return rows.length === 1;
}

/** Deletes a zone that nobody serves at `epoch` (a fixed zone taken out of the fleet, a fleet deleted). */
export async function removeZone(pool: Pool, fleet: string, zone: string, epoch: number): Promise<boolean> {
  const rows = await query(
    pool,
    "DELETE FROM zone WHERE fleet = $1 AND id = $2 AND epoch = $3 RETURNING id",
    [fleet, zone, epoch],
  );
  return rows.length === 1;
}

/** All zones of a fleet with the state of their lease. */
export async function listZones(pool: Pool, fleet: string): Promise<ZoneRow[]> {
  const rows = await query<Omit<ZoneRow, "epoch"> & { epoch: string }>(
    pool,
    `SELECT z.fleet, z.id, z.kind, z.epoch, z.capacity, z.owner, z.owner_life AS "ownerLife",
       COALESCE(s.lease_until > now(), false) AS leased, COALESCE(s.lease_until = '-infinity', false) AS released
     FROM zone z LEFT JOIN server s ON s.id = z.owner AND s.life = z.owner_life
     WHERE z.fleet = $1 ORDER BY z.id`,
    [fleet],
  );
  return rows.map((row) => ({ ...row, epoch: Number(row.epoch) }));
}

/** All servers of a fleet that have registered, with the state of their lease. */
export async function listServers(pool: Pool, fleet: string): Promise<ServerRow[]> {
  return query<ServerRow & Record<string, unknown>>(
    pool,
    "SELECT id, life, lease_until > now() AS leased FROM server WHERE fleet = $1 ORDER BY id",
    [fleet],
  );
}

/** The fleets that have zones. */
export async function listZoneFleets(pool: Pool): Promise<string[]> {
  const rows = await query<{ fleet: string }>(pool, "SELECT DISTINCT fleet FROM zone ORDER BY fleet");
  return rows.map((row) => row.fleet);
}
