/**
 * How much of their time things that no player waits for may use, so that the pod stays below its CPU cap in normal
 * operation: pure. Called a few times a second with the CPU used lately.
 */

/** Share of the CPU quota above which duty shrinks. 4 % below the cap of 80 %: for garbage collection and the kernel. */
export const GOVERN_AT = 0.76;
/** Duty never falls below: background work must go on, if slowly. */
export const MIN_DUTY = 0.05;
/** Grows by so much a call: back to full within a few seconds. */
const GROWTH = 0.05;

/** The next duty (`MIN_DUTY` … 1) after one at which `cpu` (0 … 1 of the quota) was used. */
export function planDuty(duty: number, cpu: number): number {
  if (cpu > GOVERN_AT) return Math.max(MIN_DUTY, duty * Math.max(0.5, 1 - (cpu - GOVERN_AT) * 5));
  // A little room before it grows again, or it would swing about the limit.
  return cpu < GOVERN_AT - 0.03 ? Math.min(1, duty + GROWTH) : duty;
}

/** A mean in which `value` has the weight of the time it stands for: `passedMs` of a window of `windowMs`. */
export function smooth(mean: number, value: number, passedMs: number, windowMs: number): number {
  const weight = 1 - Math.exp(-Math.max(0, passedMs) / windowMs);
  return mean + (value - mean) * weight;
}
