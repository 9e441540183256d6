/**
 * Where a player or a party goes: pure choice over a view of the fleet.
 *
 * Between servers: the better of two drawn at random (Mitzenmacher, "The power of two choices", 2001), by predicted
 * load; asking only two keeps replicas with equally old views from herding on one server. Within a server: the
 * fullest zone that has room, so that players meet; a new zone when none has. Who has lost the last seat of such a
 * zone to others a few times asks for the roomiest instead: what is seen here is behind what happens.
 */
import type { FleetView, ViewServer, ViewZone } from "./view.ts";

export type Choice =
  | { readonly kind: "zone"; readonly server: ViewServer; readonly zone: ViewZone }
  | { readonly kind: "new-zone"; readonly server: ViewServer };

/** CPU above which a server is taken only when no cooler one has room. */
const HOT_CPU_PERCENT = 85;
/** Draws before all servers are looked at: in a fleet with room, a few draws find two that take players. */
const DRAWS = 8;

/** Which zone of a server is taken: see above. */
export type Prefer = "fullest" | "roomiest";

/** A place for `count` players in one zone, or undefined when there is none. */
export function choose(
  view: FleetView,
  count: number,
  random: () => number,
  prefer: Prefer = "fullest",
): Choice | undefined {
  const all = () =>
    view.servers
      .map((server) => optionOn(server, view, count, prefer))
      .filter((choice) => choice !== undefined);
  const drawn = drawTwo(view, count, random, prefer);
  const pool = drawn.length === 2 ? drawn : all();
  const cool = pool.filter((choice) => choice.server.cpuPercent < HOT_CPU_PERCENT);
  return best(cool) ?? best(drawn.length === 2 ? all() : pool);
}

/** Up to two; fewer than two when there are not two, or they are hard to find. */
function drawTwo(view: FleetView, count: number, random: () => number, prefer: Prefer): Choice[] {
  const { servers } = view;
  const found: Choice[] = [];
  if (servers.length < 3) return found;
  let last = -1;
  for (let draw = 0; draw < DRAWS && found.length < 2; draw++) {
    const index = Math.floor(random() * servers.length);
    const server = servers[index];
    if (!server || index === last) continue;
    const choice = optionOn(server, view, count, prefer);
    if (!choice) continue;
    found.push(choice);
    last = index;
  }
  return found;
}

/** The choice with the least load; of several alike, the first. */
function best(choices: readonly Choice[]): Choice | undefined {
  let winner: Choice | undefined;
  for (const choice of choices) {
    if (!winner || predictedLoad(choice.server) < predictedLoad(winner.server)) winner = choice;
  }
  return winner;
}

/** Share of the server that is used, by the scarcer of seats and of CPU with the players that are on their way. */
function predictedLoad({ taken, pending, capacity, cpuPercent }: ViewServer): number {
  return Math.max(taken / capacity, cpuPercent / 100 + pending / capacity);
}

export const roomIn = (zone: ViewZone): number => (zone.open ? zone.capacity - zone.taken : 0);

function optionOn(
  server: ViewServer,
  { record, onDemandZones }: FleetView,
  count: number,
  prefer: Prefer,
): Choice | undefined {
  if (!server.usable || server.capacity - server.taken < count) return undefined;
  let found: ViewZone | undefined;
  for (const zone of server.zones) {
    const room = roomIn(zone);
    if (room < count) continue;
    if (!found || (prefer === "fullest" ? room < roomIn(found) : room > roomIn(found))) found = zone;
  }
  if (found) return { kind: "zone", server, zone: found };
  if (onDemandZones >= record.onDemandMax || record.onDemandSessions < count) return undefined;
  return { kind: "new-zone", server };
}
