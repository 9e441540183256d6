/** When and how a pod's threads collect garbage. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * From now on each thread of the process collects its young memory alone. With helpers it waits for them, and in a pod
 * whose threads are as many as its cores they find none free: the pauses are twice as long (`bench realtime`).
 */
export function collectAlone(): void {
  setFlagsFromString("--no-parallel-scavenge");
}

/**
 * Runs a full garbage collection in the calling thread, so that memory nobody uses goes back to the system. Costs
 * tens of milliseconds: for a pod that is short of memory, not for every day.
 */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  setFlagsFromString("--no-expose-gc");
}
