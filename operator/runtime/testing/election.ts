/**
 * Several processes that stand for election in virtual time, each acting as often as its guard lets it.
 */
import { hasCode } from "../../../platform/errors.ts";
import { Elector } from "../elector.ts";
import { FakeLeases } from "./fake-leases.ts";
import { createKit } from "./kit.ts";
import { type VirtualClock, VirtualTime } from "./virtual-time.ts";

export const ACT_EVERY_MS = 50;

export interface Act {
  readonly who: string;
  readonly at: number;
}

export interface Process {
  readonly name: string;
  readonly clock: VirtualClock;
  readonly elector: Elector;
  /** Clean stop: stops acting, then gives the lease back. */
  stop(): Promise<void>;
  /** kill -9: never runs again. */
  kill(): void;
  lost: boolean;
}

export class Election {
  readonly time = new VirtualTime();
  readonly leases = new FakeLeases(this.time);
  readonly acts: Act[] = [];
  readonly processes: Process[] = [];

  /** Starts a process that stands for election. */
  start(name: string): Process {
    const clock = this.time.clock();
    const kit = createKit();
    const elector = new Elector({
      leases: this.leases.client(clock),
      namespace: "ns",
      name: "operator",
      identity: name,
      log: kit.log,
      metrics: kit.metrics,
      clock,
      random: () => 0.5,
    });
    const life = new AbortController();
    const process: Process = {
      name,
      clock,
      elector,
      lost: false,
      stop: async () => {
        life.abort();
        await elector.release();
      },
      kill: () => {
        clock.paused = true;
      },
    };
    void elector.lost.then(() => {
      process.lost = true;
    });
    void elector
      .campaign(life.signal)
      .then((elected) => (elected ? this.#act(process, life.signal) : undefined));
    this.processes.push(process);
    return process;
  }

  get leader(): string | undefined {
    return this.processes.find(({ elector, clock }) => !clock.paused && elector.isLeader)?.name;
  }

  /** When `who` first acted. */
  firstAct(who: string): number | undefined {
    return this.acts.find((act) => act.who === who)?.at;
  }

  lastAct(who: string): number | undefined {
    return this.acts.findLast((act) => act.who === who)?.at;
  }

  /** Writes as a controller does: whenever its timer fires, if the guard allows. */
  async #act(process: Process, stop: AbortSignal): Promise<void> {
    while (!stop.aborted && !process.lost) {
      try {
        process.elector.check();
        this.acts.push({ who: process.name, at: this.time.now });
      } catch (error) {
        if (!hasCode(error, "LEADERSHIP_LOST")) throw error;
      }
      await process.clock.sleep(ACT_EVERY_MS);
    }
  }
}
