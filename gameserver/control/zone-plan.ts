/** What to open and close, from what the store says this pod holds. Pure. */
import type { OwnedZone } from "../../platform/ownership/ownership.ts";

export interface ServedZone extends OwnedZone {
  readonly sessions: number;
}

export interface ZonePlan {
  /** Ids; before anything is opened. */
  readonly close: readonly string[];
  readonly open: readonly OwnedZone[];
}

export function planZones(served: readonly ServedZone[], held: readonly OwnedZone[]): ZonePlan {
  const wanted = new Map(held.map((zone) => [zone.id, zone]));
  const close = served.filter((zone) => !keeps(zone, wanted.get(zone.id))).map((zone) => zone.id);
  const kept = new Set(served.map((zone) => zone.id).filter((id) => !close.includes(id)));
  return { close, open: held.filter((zone) => !kept.has(zone.id)) };
}

function keeps(served: ServedZone, held: OwnedZone | undefined): boolean {
  // Another epoch means that somebody else owned it in between: our state is not the zone's any more.
  if (!held || held.epoch !== served.epoch) return false;
  // A new capacity needs a new layout; players are not thrown out for it.
  return held.capacity === served.capacity || served.sessions > 0;
}
