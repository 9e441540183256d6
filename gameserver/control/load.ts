/**
 * The load sample, each second, and in the same round trip what the operator says of this server.
 *
 * Roster entries of another life are ignored. The sample expires by itself (4 s): a pod that stops writing is full.
 */
import type { Redis } from "../../platform/redis.ts";
import { keys, LOAD_TTL_MS, type LoadSample, RosterEntry } from "../../protocol/directory.ts";
import { type OpenZone, occupied } from "./zones.ts";

export interface LoadOptions {
  readonly redis: Pick<Redis, "pipeline">;
  /** ServerKey and FleetKey; plain name and life of the server. */
  readonly serverKey: string;
  readonly fleetKey: string;
  readonly server: string;
  readonly life: string;
}

/** Writes `sample`; answers the operator's word on this life of the server, if there is one. */
export async function publishLoad(
  options: LoadOptions,
  sample: LoadSample,
): Promise<RosterEntry | undefined> {
  const { redis, serverKey, fleetKey, server, life } = options;
  const answers = await redis
    .pipeline()
    .set(keys.load(serverKey), JSON.stringify(sample), "PX", LOAD_TTL_MS)
    .hget(keys.roster(fleetKey), server)
    .exec();
  const failed = answers?.find(([error]) => error !== null);
  if (!answers || failed) throw failed?.[0] ?? new Error("Redis gave no answer");
  const entry = parse(answers[1]?.[1]);
  return entry?.life === life ? entry : undefined;
}

function parse(text: unknown): RosterEntry | undefined {
  if (typeof text !== "string") return undefined;
  try {
    return RosterEntry.parse(JSON.parse(text));
  } catch {
    // Written by an operator of another version: as good as none.
    return undefined;
  }
}

export function zoneLoads(zones: readonly OpenZone[]): LoadSample["zones"] {
  return zones.map((zone) => ({
    id: zone.id,
    kind: zone.kind,
    epoch: zone.epoch,
    sessions: occupied(zone),
    capacity: zone.capacity,
    open: zone.open,
  }));
}
