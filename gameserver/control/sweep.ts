/** Ends sessions nobody has heard of for long: the player will not come back. */
import { CLOSE } from "../../protocol/close.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Zones } from "./zones.ts";

export const SWEEP_MS = 30_000;
const SILENCE_SECONDS = 300;

export async function sweepSilent(
  zones: Pick<Zones, "list">,
  sessions: Pick<Sessions, "end">,
  nowSeconds: number = Math.floor(Date.now() / 1_000),
): Promise<void> {
  const silent = zones.list().flatMap((zone) =>
    zone.seats.filter((seat, slot) => {
      const heardAt = zone.memory.heardAt[slot] ?? 0;
      return seat !== undefined && nowSeconds - heardAt > SILENCE_SECONDS;
    }),
  );
  await Promise.all(silent.map((session) => sessions.end(session ?? "", CLOSE.idle)));
}
