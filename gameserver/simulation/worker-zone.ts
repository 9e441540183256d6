/** A zone in the simulation thread with what hangs on it there: recording, dumps, and the guard over its regions. */
import { messageOf } from "../../platform/errors.ts";
import { easeOf } from "../ai/rates.ts";
import type { Recorder } from "./recorder.ts";
import { Dump, recordingFile } from "./recording-files.ts";
import { guardRegion, type RegionGuard, UNGUARDED } from "./region-guard.ts";
import type { SimulatedZone } from "./zone.ts";

export interface Watch {
  /** Path of the game module. */
  readonly game: string;
  readonly record: string | undefined;
  readonly dumps: string | undefined;
  readonly fault: (zone: string, where: string, error: unknown) => void;
}

export class WatchedZone {
  readonly zone: SimulatedZone;
  readonly #watch: Watch;
  readonly #file: Recorder | undefined;
  readonly #dump: Dump | undefined;
  #guards: RegionGuard[];
  #anomaly: string | undefined;

  /** `zone` is open. */
  constructor(zone: SimulatedZone, watch: Watch, unixMs: number) {
    this.zone = zone;
    this.#watch = watch;
    const onFault = (error: unknown) => watch.fault(zone.id, "recording", error);
    this.#guards = Array.from(zone.regionMs, () => UNGUARDED);
    const header = zone.recordingHeader(watch.game);
    this.#file = watch.record ? recordingFile(watch.record, header, unixMs, onFault) : undefined;
    this.#dump = watch.dumps ? new Dump(watch.dumps, header, () => zone.snapshot(), onFault) : undefined;
    this.#dump?.turn(zone.tick);
    this.#listen();
  }

  /** Physics found something: what led to it is written after the step. */
  anomaly(name: string): void {
    this.#anomaly ??= name;
  }

  /** `duty`: share of their time that the CPU governor leaves to what no player waits for. */
  step(unixMs: number, ladder: number, duty: number): void {
    this.zone.ladder = ladder;
    this.zone.ease = easeOf(duty);
    this.zone.step(unixMs);
    this.#guard();
    if (!this.#dump) return;
    if (this.#anomaly !== undefined) this.#write(this.#anomaly, unixMs);
    this.#anomaly = undefined;
    if (this.#dump.turn(this.zone.tick)) this.#listen();
  }

  #guard(): void {
    for (const [region, ms] of this.zone.regionMs.entries()) {
      const before = this.#guards[region] ?? UNGUARDED;
      const after = guardRegion(before, ms);
      this.#guards[region] = after;
      if (after.period === before.period) continue;
      this.zone.isolate(region, after.period);
      if (after.period < before.period) continue;
      const error = new Error(`rigid region ${region} takes ${after.ms.toFixed(1)} ms a step`);
      this.#watch.fault(this.zone.id, "physics slow-region", error);
    }
  }

  #write(name: string, unixMs: number): void {
    try {
      this.#dump?.write(name, unixMs);
    } catch (error) {
      this.#watch.fault(this.zone.id, "recording", new Error(`dump not written: ${messageOf(error)}`));
    }
  }

  #listen(): void {
    this.zone.recorders = [...(this.#file ? [this.#file] : []), ...(this.#dump?.recorders ?? [])];
  }
}
