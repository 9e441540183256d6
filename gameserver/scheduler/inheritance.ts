/**
 * Priority inheritance: a task that others wait for counts as being as urgent as the most urgent of them, and so does
 * whatever it waits for in its turn. When a waiting task goes or slackens, what it lent is taken back.
 *
 * `Placement.place` is called for each task whose band or deadline has changed, with the new values in the table.
 */
import type { TaskTable } from "./task-table.ts";
import type { WaitGraph } from "./wait-graph.ts";

export interface Placement {
  /** The task's effective band or deadline is another one now. */
  place(task: number): void;
  /** The task waits for one less than before. */
  unblock(task: number): void;
}

/** `task` has become more urgent, or waits for something new: what it waits for inherits. Answers how many did. */
export function lend(table: TaskTable, graph: WaitGraph, task: number, placement: Placement): number {
  let lent = 0;
  for (let edge = graph.firstOn[task] as number; edge >= 0; edge = graph.nextOn[edge] as number) {
    const on = graph.on[edge] as number;
    const band = Math.min(table.band[on] as number, table.band[task] as number);
    const deadline = Math.min(table.deadline[on] as number, table.deadline[task] as number);
    if (band === table.band[on] && deadline === table.deadline[on]) continue;
    table.band[on] = band;
    table.deadline[on] = deadline;
    placement.place(on);
    // Waits make no circle, so this ends; chains are as long as the game's longest dependency.
    lent += 1 + lend(table, graph, on, placement);
  }
  return lent;
}

/** `task` may have lost what it inherited: computes it anew, here and in all it waits for. */
export function settle(table: TaskTable, graph: WaitGraph, task: number, placement: Placement): void {
  let band = table.ownBand[task] as number;
  let deadline = table.ownDeadline[task] as number;
  for (let edge = graph.firstWaiter[task] as number; edge >= 0; edge = graph.nextWaiter[edge] as number) {
    const waiter = graph.waiter[edge] as number;
    band = Math.min(band, table.band[waiter] as number);
    deadline = Math.min(deadline, table.deadline[waiter] as number);
  }
  if (band === table.band[task] && deadline === table.deadline[task]) return;
  table.band[task] = band;
  table.deadline[task] = deadline;
  placement.place(task);
  for (let edge = graph.firstOn[task] as number; edge >= 0; edge = graph.nextOn[edge] as number)
    settle(table, graph, graph.on[edge] as number, placement);
}

/** `task` is over: those that wait for it go on, what it waited for gives back what it had been lent. */
export function letGo(table: TaskTable, graph: WaitGraph, task: number, placement: Placement): void {
  for (let edge = graph.firstWaiter[task] as number; edge >= 0; edge = graph.firstWaiter[task] as number) {
    const waiter = graph.waiter[edge] as number;
    graph.remove(waiter, task);
    placement.unblock(waiter);
  }
  for (let edge = graph.firstOn[task] as number; edge >= 0; edge = graph.firstOn[task] as number) {
    const on = graph.on[edge] as number;
    graph.remove(task, on);
    settle(table, graph, on, placement);
  }
}
