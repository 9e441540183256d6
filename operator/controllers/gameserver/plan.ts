/**
 * What to do about one game server: from what is seen to what is to be done, without I/O.
 *
 * Split by the question that comes first: is the server to go (`leaving.ts`), is there a pod (`life.ts`), or not
 * (`absent.ts`)? Level-based: the same sight gives the same plan, however it came about.
 */
import { planAbsent } from "./absent.ts";
import { planLeaving } from "./leaving.ts";
import { planLife } from "./life.ts";
import type { Observed, Plan } from "./observed.ts";

export function plan(observed: Observed): Plan {
  if (observed.server.metadata.deletionTimestamp) return planLeaving(observed);
  return observed.pod ? planLife(observed, observed.pod) : planAbsent(observed);
}
