/** What NPCs of a zone have thought and what their searches took, for metrics: plain sums, taken once a second. */
import { BANDS } from "./attention.ts";

/** Of a thought while nothing is throttled: nobody has looked who is near. */
export const UNBANDED = BANDS.length;
/** Names by band, and of `UNBANDED`. */
export const TALLY_BANDS = [...BANDS, "unthrottled"] as const;

export class AiTally {
  /** NPCs in the last tick, by band. */
  readonly npcs = new Float64Array(TALLY_BANDS.length);
  /** Thoughts so far, by band. */
  readonly thoughts = new Float64Array(TALLY_BANDS.length);
  /** Cost units that everyone's own rate asks for, and that were spent. */
  wantedUnits = 0;
  spentUnits = 0;

  begin(): void {
    this.npcs.fill(0);
  }

  /** An NPC is in a band; it asks for so many units a tick. */
  met(band: number, units: number): void {
    this.npcs[band] = (this.npcs[band] as number) + 1;
    this.wantedUnits += units;
  }

  thought(band: number, units: number): void {
    this.thoughts[band] = (this.thoughts[band] as number) + 1;
    this.spentUnits += units;
  }
}
