/**
 * Runs the tasks of one thread: what players wait for by deadline, the rest by band, nothing starved. One a thread.
 *
 * A task is a kind (its code), an owner (a session or zone, as a number), a detail (a number) and a deadline. Submit
 * tasks and call `run` with the time there is; the clock is looked at every few tasks. A task may wait for others: it
 * runs when they have ended, and lends them its urgency until then (`inheritance.ts`). Order: a band whose share is
 * owed (`shares.ts`); player-facing by deadline (`player-queue.ts`); by band, aged tasks first (`pick.ts`). Handlers
 * must not block; what they throw ends their task only. Times are ms of the clock given.
 */
import { fail } from "../../platform/errors.ts";
import { BAND_OF_CLASS } from "./bands.ts";
import { Costs } from "./costs.ts";
import { Gate } from "./gate.ts";
import { lend, letGo, type Placement, settle } from "./inheritance.ts";
import { earnShares, firstTask, owedTask, type Waiting } from "./pick.ts";
import { isPlayerFacing } from "./player-queue.ts";
import { ReadyQueues } from "./queues.ts";
import { Shares } from "./shares.ts";
import { Tally } from "./tally.ts";
import type { SchedulerOptions, TaskKind, TaskOptions } from "./task.ts";
import { TASK, TaskTable } from "./task-table.ts";
import { WaitGraph } from "./wait-graph.ts";

/** Tasks, or expected ms, between two looks at the clock; slots looked over for time-outs at each. */
const LOOK_TASKS = 16;
const LOOK_MS = 0.1;
const SWEEP_SLOTS = 4;

export class Scheduler {
  readonly costs: Costs;
  readonly shares: Shares;
  readonly tally: Tally;
  /** Pauses and the CPU governor's duty. */
  readonly gate = new Gate();
  readonly #kinds: readonly TaskKind[];
  readonly #kindBand: Uint8Array;
  readonly #bandCapacity: number;
  readonly #clock: () => number;
  readonly #onError: (kind: string, error: unknown) => void;
  readonly #table: TaskTable;
  readonly #graph: WaitGraph;
  readonly #queues: ReadyQueues;
  readonly #placement: Placement;
  readonly #waiting: Waiting;
  #looked: number;
  /** [The clock as last looked at, and as far as costs tell since.] As a plain field: one heap number more per task. */
  readonly #time = new Float64Array(1);
  #sinceLook = 0;
  /** The clock was looked at: shares have grown; tasks may have aged. */
  #looking = false;
  #ageing = false;
  #running = false;
  /** Submissions that may still take `#time` for the time: reading the clock costs as much as the rest of one. */
  #fresh = 0;

  constructor(options: SchedulerOptions) {
    const { kinds, capacity } = options;
    this.#kinds = kinds;
    this.#kindBand = Uint8Array.from(kinds, (kind) => BAND_OF_CLASS[kind.class]);
    this.#bandCapacity = options.bandCapacity ?? capacity;
    this.#clock = options.clock ?? (() => performance.now());
    this.#onError = options.onError;
    this.#table = new TaskTable(capacity);
    this.#graph = new WaitGraph(capacity, options.waits ?? capacity);
    this.#queues = new ReadyQueues(capacity);
    this.#placement = { place: (task) => this.#place(task), unblock: (task) => this.#unblock(task) };
    this.costs = new Costs(kinds.map((kind) => kind.costMs ?? 0.01));
    this.shares = new Shares(options.shares);
    this.tally = new Tally(kinds.map((kind) => kind.name));
    const { costs, shares } = this;
    this.#waiting = { queues: this.#queues, table: this.#table, costs, shares, gate: this.gate };
    this.#looked = this.#clock();
    this.#time[0] = this.#looked;
  }

  /** Tasks waiting, blocked or running. */
  get size(): number {
    return this.#table.used;
  }

  /** Ready tasks in a band. */
  depth(band: number): number {
    return this.#queues.depth(band);
  }

  /**
   * Takes a task on. Answers its handle, or −1 when its band or the table is full: the caller must hold back.
   * `deadline` (ms of the clock) orders player-facing tasks, and is what others inherit.
   */
  submit(kind: number, owner: number, detail: number, deadline: number, options?: TaskOptions): number {
    const band = options?.band ?? (this.#kindBand[kind] as number);
    const slot = this.#queues.depth(band) >= this.#bandCapacity ? -1 : this.#table.take();
    if (slot < 0) {
      this.tally.refuse(band);
      return -1;
    }
    const now = this.#fresh-- > 0 ? (this.#time[0] as number) : this.#refresh();
    const timeoutAt = options?.timeoutMs === undefined ? Number.POSITIVE_INFINITY : now + options.timeoutMs;
    this.#table.enter(slot, kind, owner, detail, band, deadline, now, timeoutAt);
    this.#queues.put(slot, band, deadline);
    return this.#table.handle(slot);
  }

  /** Drops a task that is not running yet; whoever waits for it waits no longer. False when it is over or runs. */
  cancel(task: number): boolean {
    const slot = this.#table.slot(task);
    if (slot < 0 || this.#table.state[slot] === TASK.running) return false;
    this.#queues.take(slot);
    this.#end(slot);
    this.tally.cancelled++;
    return true;
  }

  /** Gives a task another deadline, and another band if named: it moves at once. False when it is over. */
  change(task: number, deadline: number, band?: number): boolean {
    const slot = this.#table.slot(task);
    if (slot < 0) return false;
    const table = this.#table;
    table.ownDeadline[slot] = deadline;
    if (band !== undefined) table.ownBand[slot] = band;
    else if (!this.#graph.linked(slot) && this.#queues.players.has(slot)) {
      // The common case, in a straight line.
      table.deadline[slot] = deadline;
      this.#queues.players.rekey(slot, deadline);
      return true;
    }
    settle(table, this.#graph, slot, this.#placement);
    return true;
  }

  /**
   * Lets `waiter` wait until `on` has ended, however it ends. False when one of them is over or `waiter` runs, or no
   * wait is free. Throws `TASK_CYCLE` naming the tasks when it would close a circle.
   */
  wait(waiter: number, on: number): boolean {
    const table = this.#table;
    const from = table.slot(waiter);
    const to = table.slot(on);
    if (from < 0 || to < 0 || table.state[from] === TASK.running) return false;
    if (this.#graph.has(from, to)) return true;
    const circle = this.#graph.path(to, from);
    if (circle.length > 0) {
      const names = [from, ...circle].map((task) => `${this.#nameOf(task)} of ${table.owner[task]}`);
      throw fail("TASK_CYCLE", `tasks would wait in a circle: ${names.join(" → ")}`);
    }
    if (!this.#graph.add(from, to)) return false;
    table.state[from] = TASK.blocked;
    this.#queues.take(from);
    this.tally.waited(table.kind[to] as number, table.kind[from] as number);
    this.tally.boosts += lend(table, this.#graph, from, this.#placement);
    return true;
  }

  /** `waiter` waits for `on` no longer: what it lent is taken back. */
  unwait(waiter: number, on: number): boolean {
    const from = this.#table.slot(waiter);
    const to = this.#table.slot(on);
    if (from < 0 || to < 0 || !this.#graph.remove(from, to)) return false;
    settle(this.#table, this.#graph, to, this.#placement);
    this.#unblock(from);
    return true;
  }

  /** Runs tasks until none is ready or `budgetMs` have passed. Answers how many ran. */
  run(budgetMs: number): number {
    if (this.#running) return 0;
    this.#running = true;
    this.#look(false);
    const until = (this.#time[0] as number) + budgetMs;
    let ran = 0;
    while (this.#step()) {
      ran++;
      if (++this.#sinceLook < LOOK_TASKS && (this.#time[0] as number) - this.#looked < LOOK_MS) continue;
      this.#look(true);
      if ((this.#time[0] as number) >= until) break;
    }
    this.#look(true);
    this.#running = false;
    this.#fresh = 0;
    return ran;
  }

  /** Runs the next task; false when there is none that may run. */
  #step(): boolean {
    const { players } = this.#queues;
    if (players.size === 0) {
      const task = firstTask(this.#waiting, this.#time[0] as number, this.#ageing);
      this.#ageing = false;
      if (task >= 0) this.#queues.take(task);
      return task >= 0 && this.#perform(task, false);
    }
    // Credit grows only when the clock is looked at: between two looks one vain search is enough.
    const owed = this.#looking ? owedTask(this.#waiting, this.#time[0] as number) : -1;
    this.#looking = owed >= 0;
    if (owed >= 0) this.#queues.take(owed);
    return owed >= 0
      ? this.#perform(owed, true)
      : this.#perform(this.#queues.popPlayer(this.#time[0] as number), false);
  }

  /** Runs one task, taken out of its queue. `owed`: on its band's share, while players wait. */
  #perform(slot: number, owed: boolean): boolean {
    const table = this.#table;
    const kind = table.kind[slot] as number;
    if ((table.timeoutAt[slot] as number) <= (this.#time[0] as number)) {
      this.#expire(slot);
      return true;
    }
    const timed = this.costs.begin(kind);
    const before = timed ? this.#clock() : (this.#time[0] as number);
    table.state[slot] = TASK.running;
    const code = this.#kinds[kind] as TaskKind;
    try {
      code.run(table.owner[slot] as number, table.detail[slot] as number, table.handle(slot));
    } catch (error) {
      this.#onError(code.name, error);
    }
    const cost = timed ? this.#clock() - before : this.costs.of(kind);
    if (timed) this.costs.learn(kind, cost, before - (table.submittedAt[slot] as number));
    this.#time[0] = before + cost;
    const band = table.ownBand[slot] as number;
    if (owed) this.shares.pay(band, cost);
    this.gate.pay(band, cost);
    this.tally.ran(
      band,
      isPlayerFacing(band) && (this.#time[0] as number) > (table.ownDeadline[slot] as number),
    );
    this.#end(slot);
    return true;
  }

  /** Its time-out has passed: it is told, and over. */
  #expire(slot: number): void {
    const table = this.#table;
    const code = this.#kinds[table.kind[slot] as number] as TaskKind;
    table.state[slot] = TASK.running;
    this.tally.expired++;
    try {
      code.expired?.(table.owner[slot] as number, table.detail[slot] as number, table.handle(slot));
    } catch (error) {
      this.#onError(code.name, error);
    }
    this.#end(slot);
  }

  #nameOf(slot: number): string {
    return (this.#kinds[this.#table.kind[slot] as number] as TaskKind).name;
  }

  /** Frees the slot: those that wait for it go on, what it waited for gets back what it had lent. */
  #end(slot: number): void {
    if (this.#graph.linked(slot)) letGo(this.#table, this.#graph, slot, this.#placement);
    this.#table.free(slot);
  }

  #unblock(task: number): void {
    if (this.#graph.waits(task) || this.#table.state[task] !== TASK.blocked) return;
    this.#table.state[task] = TASK.ready;
    this.#place(task);
  }

  #place(task: number): void {
    if (this.#table.state[task] === TASK.ready)
      this.#queues.put(task, this.#table.band[task] as number, this.#table.deadline[task] as number);
  }

  /** The time for the next few submissions. During a run the clock is looked at anyway. */
  #refresh(): number {
    this.#fresh = LOOK_TASKS;
    if (!this.#running) this.#time[0] = this.#clock();
    return this.#time[0] as number;
  }

  /** Looks at the clock. `busy`: the time since the last look was this scheduler's, not its caller's. */
  #look(busy: boolean): void {
    this.#time[0] = this.#clock();
    const passed = (this.#time[0] as number) - this.#looked;
    this.#looked = this.#time[0] as number;
    this.#sinceLook = 0;
    this.gate.pass(passed);
    this.#looking = true;
    this.#ageing = true;
    if (busy && this.#queues.players.size > 0) earnShares(this.#waiting, passed, this.#time[0] as number);
    this.#sweep();
  }

  /** Looks over a few slots for tasks that wait beyond their time-out. */
  #sweep(): void {
    for (let i = 0; i < SWEEP_SLOTS; i++) {
      const slot = this.#table.overdue(this.#time[0] as number);
      if (slot < 0) continue;
      this.#queues.take(slot);
      this.#expire(slot);
    }
  }
}
