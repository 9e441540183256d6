/** What the load generator counts. Latencies are sampled by the players that read at once (probes). */
import { Samples } from "../tally.ts";

export class LeanTally {
  joined = 0;
  resumed = 0;
  restarted = 0;
  refused = 0;
  /** Told to come again later, and did. */
  shed = 0;
  lost = 0;
  updates = 0;
  events = 0;
  bytes = 0;
  inputs = 0;
  /** Frames out of order, gaps, or frames that could not be read. */
  faults = 0;
  /** Acknowledgements of inputs that were never sent. */
  wrongAcks = 0;
  readonly reasons = new Map<string, number>();
  /** From the tick's beginning on the server to the update here, ms. */
  tickToClient = new Samples();
  /** From when an input was due to the update that shows its effect, ms. */
  inputToSeen = new Samples();
  /** How late this process was with its inputs, ms. */
  late = new Samples();
  /** Entities in the views of probes. */
  inView = new Samples();
  /** By ring (near, middle, far): distance between what a probe shows and what is so, metres; age of it, ms. */
  readonly error = [new Samples(), new Samples(), new Samples()] as const;
  readonly staleness = [new Samples(), new Samples(), new Samples()] as const;
  /** Time without play after a loss of connection, ms. */
  outage = new Samples();

  closed(why: string): void {
    this.lost += 1;
    this.reasons.set(why, (this.reasons.get(why) ?? 0) + 1);
  }
}
