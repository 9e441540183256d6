/** Callers: closed loop for throughput, open loop for latency from the intended moment. */
import { paced, quantile } from "../harness.ts";
import type { Side } from "./side.ts";
import { WALLETS } from "./world.ts";

export type Pick = () => string;

export const uniform: Pick = () => `p${Math.floor(Math.random() * WALLETS)}`;

/** Players by Zipf's law: with α = 1.5 a few of them make most of the purchases, so most contend. */
export function zipf(alpha: number): Pick {
  const sums = new Float64Array(WALLETS);
  let sum = 0;
  for (let rank = 0; rank < WALLETS; rank++) {
    sum += 1 / (rank + 1) ** alpha;
    sums[rank] = sum;
  }
  return () => {
    const wanted = Math.random() * sum;
    let low = 0;
    let high = WALLETS - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    return `p${low}`;
  };
}

export interface Rate {
  readonly perSecond: number;
  /** CPU of this process a purchase, µs: the side and its callers. */
  readonly cpuMicros: number;
}

/** `inFlight` callers, each asking again when it was answered. Purchases begun before the end are waited for. */
export async function closedLoop(
  side: Side,
  inFlight: number,
  seconds: number,
  pick: Pick = uniform,
): Promise<Rate> {
  const started = performance.now();
  const end = started + seconds * 1_000;
  const cpu = process.cpuUsage();
  let done = 0;
  const caller = async () => {
    while (performance.now() < end) {
      await side.buy(pick());
      done++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: done / ((performance.now() - started) / 1_000), cpuMicros: (user + system) / done };
}

/** `rate` purchases a second whether or not answers come. p99 in ms. */
export async function openLoop(side: Side, rate: number, seconds: number): Promise<number> {
  const total = rate * seconds;
  const latencies = new Float64Array(total);
  const pending: Promise<void>[] = [];
  await paced(rate, total, (index, dueAt) => {
    pending.push(
      side.buy(uniform()).then(() => {
        latencies[index] = performance.now() - dueAt;
      }),
    );
  });
  await Promise.all(pending);
  return quantile(latencies.sort(), 0.99);
}
