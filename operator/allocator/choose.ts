/**
 * Where a player or a party goes: pure choice over a view of the fleet.
 *
 * Between servers: the better of two drawn at random (Mitzenmacher, "The power of two choices", 2001), by predicted
 * load; asking only two keeps replicas with equally old views from herding on one server. Within a server: the
 * fullest zone that has room, so that players meet; a new zone when none has.
 */
import type { FleetView, ViewServer, ViewZone } from "./view.ts";

export interface ChooseRequest {
  readonly view: FleetView;
  /** Players that must be in one zone. */
  readonly count: number;
  /** Seats given since the last sample, by zone. */
  readonly pending: (zone: string) => number;
  /** Zones and servers found full in this request. */
  readonly full: ReadonlySet<string>;
  readonly random: () => number;
}

export type Choice =
  | { readonly kind: "zone"; readonly server: ViewServer; readonly zone: ViewZone }
  | { readonly kind: "new-zone"; readonly server: ViewServer };

/** CPU above which a server is taken only when no cooler one has room. */
const HOT_CPU_PERCENT = 85;

export function choose(request: ChooseRequest): Choice | undefined {
  const able = request.view.servers.filter((server) => roomOn(server, request) >= request.count);
  const cool = able.filter((server) => server.cpuPercent < HOT_CPU_PERCENT);
  for (const pool of [cool, able]) {
    const candidates = pool.filter((server) => optionOn(server, request) !== undefined);
    const winner = betterOfTwo(candidates, request);
    if (winner) return optionOn(winner, request);
  }
  return undefined;
}

/** Seats left on the server, 0 when it takes nobody. */
function roomOn(server: ViewServer, { pending, full }: ChooseRequest): number {
  if (!server.usable || full.has(server.name)) return 0;
  let given = 0;
  for (const zone of server.zones) given += pending(zone.id);
  return server.capacity - server.taken - given;
}

export function roomIn(zone: ViewZone, { pending, full }: Pick<ChooseRequest, "pending" | "full">): number {
  if (!zone.open || full.has(zone.id)) return 0;
  return zone.capacity - zone.taken - pending(zone.id);
}

function optionOn(server: ViewServer, request: ChooseRequest): Choice | undefined {
  let best: ViewZone | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const zone of server.zones) {
    const room = roomIn(zone, request);
    if (room >= request.count && room < least) {
      best = zone;
      least = room;
    }
  }
  if (best) return { kind: "zone", server, zone: best };
  const { onDemandMax, onDemandSessions } = request.view.record;
  if (onDemandMax === 0 || onDemandSessions < request.count) return undefined;
  return { kind: "new-zone", server };
}

/** Share of the server that is used, by the scarcer of CPU and seats. */
function predictedLoad(server: ViewServer, request: ChooseRequest): number {
  const seats = 1 - roomOn(server, request) / server.capacity;
  return Math.max(seats, server.cpuPercent / 100);
}

function betterOfTwo(servers: readonly ViewServer[], request: ChooseRequest): ViewServer | undefined {
  if (servers.length <= 1) return servers[0];
  const first = Math.floor(request.random() * servers.length);
  // Drawn from the others, so that it really is two.
  const second = (first + 1 + Math.floor(request.random() * (servers.length - 1))) % servers.length;
  const [a, b] = [servers[first], servers[second]] as [ViewServer, ViewServer];
  return predictedLoad(a, request) <= predictedLoad(b, request) ? a : b;
}
