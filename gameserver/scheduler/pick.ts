/** Which task of the bands below the player-facing ones may run: on its share while players wait, or else by band. */
import { BANDS, PLAYER_BANDS } from "./bands.ts";
import type { Costs } from "./costs.ts";
import type { Gate } from "./gate.ts";
import { lowestBand, type ReadyQueues } from "./queues.ts";
import type { Shares } from "./shares.ts";
import type { TaskTable } from "./task-table.ts";

/** A task that waited so long goes before higher bands (never before players). */
const AGED_MS = 500;
const LATE_SHARE = 0.25;

export interface Waiting {
  readonly queues: ReadyQueues;
  readonly table: TaskTable;
  readonly costs: Costs;
  readonly shares: Shares;
  readonly gate: Gate;
}

/** While players wait: the task of a band whose share is owed and that does not make the next player late, or −1. */
export function owedTask(waiting: Waiting, nowMs: number): number {
  const { queues, table, costs, shares, gate } = waiting;
  const slack = queues.players.earliest - nowMs;
  for (let bits = queues.filled; bits !== 0; bits &= bits - 1) {
    const band = lowestBand(bits);
    const task = queues.first(band);
    const cost = costs.of(table.kind[task] as number);
    const waited = nowMs - (table.submittedAt[task] as number);
    if (!shares.affords(band, cost) || !gate.allows(band, waited)) continue;
    // Players who are late already, or in no hurry: a share is a share. What would just make one late can wait a bit.
    if (slack < 0 || slack >= cost || waited > AGED_MS) return task;
  }
  return -1;
}

/**
 * While no player waits: the first task by band, or −1. With `aged`, one that waited too long goes before all; looking
 * for it costs more than a small task, so the scheduler asks for it only when it has looked at the clock.
 */
export function firstTask(waiting: Waiting, nowMs: number, aged: boolean): number {
  const { queues, table, gate } = waiting;
  let first = -1;
  let oldest = AGED_MS;
  for (let bits = queues.filled; bits !== 0; bits &= bits - 1) {
    const band = lowestBand(bits);
    const task = queues.first(band);
    const waited = nowMs - (table.submittedAt[task] as number);
    if (!gate.allows(band, waited) || (first >= 0 && waited <= oldest)) continue;
    if (!aged) return task;
    first = task;
    oldest = Math.max(oldest, waited);
  }
  return first;
}

/**
 * `ms` have passed while players waited: bands with work earn their share. While a player is late they earn a quarter:
 * enough not to starve, and players then have 95 % of the time.
 */
export function earnShares(waiting: Waiting, ms: number, nowMs: number): void {
  const { queues, table, costs, shares } = waiting;
  const earned = queues.players.earliest < nowMs ? ms * LATE_SHARE : ms;
  shares.pending(ms);
  for (let band = PLAYER_BANDS; band < BANDS; band++) {
    if (queues.depth(band) === 0) shares.forfeit(band);
    else shares.earn(band, earned, costs.of(table.kind[queues.first(band)] as number));
  }
}
