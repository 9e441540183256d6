/** A pod without stores: zones from the configuration, unsigned tickets, nobody told. For development. */
import { fail } from "../../platform/errors.ts";
import { type Config, localZones } from "../config.ts";
import { localGrant } from "../sessions/local-ticket.ts";
import type { Backing } from "./backing.ts";
import type { Zones } from "./zones.ts";

export async function localBacking(config: Config, zones: Zones): Promise<Backing> {
  for (const { id, capacity } of localZones(config.GAMEFLEET_LOCAL_ZONES)) {
    await zones.open({ id, kind: "fixed", epoch: 1, capacity }, performance.now());
  }
  return {
    settled: true,
    fenced: false,
    cutOff: false,
    begin: async () => {},
    away: () => [],
    verify: async (ticket) => localGrant(ticket),
    async zone(id) {
      const zone = zones.get(id);
      if (!zone) throw fail("ZONE_NOT_FOUND", `zone ${id} is not among GAMEFLEET_LOCAL_ZONES`);
      return zone;
    },
    // Local zones are fixed: they go on.
    over() {},
    joined() {},
    ended() {},
    chores: [],
    publish: async () => undefined,
    run: async () => {},
    close: async () => {},
  };
}
