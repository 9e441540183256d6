/**
 * Who waits for whom: edges from a waiting task to the one it waits for. Fixed number of edges, linked lists in
 * columns, nothing allocated. Knows nothing of bands: `inheritance.ts` walks it.
 */
export class WaitGraph {
  /** By edge. */
  readonly waiter: Int32Array;
  readonly on: Int32Array;
  readonly nextWaiter: Int32Array;
  readonly nextOn: Int32Array;
  /** By task: first edge of those that wait for it, first edge of what it waits for; −1 for none. */
  readonly firstWaiter: Int32Array;
  readonly firstOn: Int32Array;
  readonly #seen: Int32Array;
  readonly #from: Int32Array;
  readonly #stack: Int32Array;
  #look = 0;
  #free: number;

  constructor(tasks: number, edges: number) {
    this.waiter = new Int32Array(edges);
    this.on = new Int32Array(edges);
    this.nextWaiter = new Int32Array(edges).fill(-1);
    this.nextOn = Int32Array.from({ length: edges }, (_, edge) => (edge + 1 < edges ? edge + 1 : -1));
    this.firstWaiter = new Int32Array(tasks).fill(-1);
    this.firstOn = new Int32Array(tasks).fill(-1);
    this.#seen = new Int32Array(tasks);
    this.#from = new Int32Array(tasks);
    this.#stack = new Int32Array(tasks);
    this.#free = edges === 0 ? -1 : 0;
  }

  /** False when there is no edge left. The caller has made sure that no circle is closed. */
  add(waiter: number, on: number): boolean {
    const edge = this.#free;
    if (edge < 0) return false;
    this.#free = this.nextOn[edge] as number;
    this.waiter[edge] = waiter;
    this.on[edge] = on;
    this.nextWaiter[edge] = this.firstWaiter[on] as number;
    this.firstWaiter[on] = edge;
    this.nextOn[edge] = this.firstOn[waiter] as number;
    this.firstOn[waiter] = edge;
    return true;
  }

  /** Whether `waiter` waits for `on` directly. */
  has(waiter: number, on: number): boolean {
    return this.#edge(waiter, on) >= 0;
  }

  /** Whether `task` waits for anything. */
  waits(task: number): boolean {
    return (this.firstOn[task] as number) >= 0;
  }

  /** Whether `task` waits for anything or is waited for. */
  linked(task: number): boolean {
    return (this.firstOn[task] as number) >= 0 || (this.firstWaiter[task] as number) >= 0;
  }

  /** Takes one edge out; false when there is none. */
  remove(waiter: number, on: number): boolean {
    const edge = this.#edge(waiter, on);
    if (edge < 0) return false;
    unlink(this.firstOn, this.nextOn, waiter, edge);
    unlink(this.firstWaiter, this.nextWaiter, on, edge);
    this.nextOn[edge] = this.#free;
    this.#free = edge;
    return true;
  }

  /** The tasks on the way from `from` to `to` along "waits for", both included; empty when there is no way. */
  path(from: number, to: number): number[] {
    const look = ++this.#look;
    let depth = 0;
    this.#stack[depth++] = from;
    this.#seen[from] = look;
    this.#from[from] = -1;
    while (depth > 0) {
      const task = this.#stack[--depth] as number;
      if (task === to) return this.#trace(task);
      for (let edge = this.firstOn[task] as number; edge >= 0; edge = this.nextOn[edge] as number) {
        const next = this.on[edge] as number;
        if (this.#seen[next] === look) continue;
        this.#seen[next] = look;
        this.#from[next] = task;
        this.#stack[depth++] = next;
      }
    }
    return [];
  }

  #edge(waiter: number, on: number): number {
    let edge = this.firstOn[waiter] as number;
    while (edge >= 0 && this.on[edge] !== on) edge = this.nextOn[edge] as number;
    return edge;
  }

  #trace(end: number): number[] {
    const path: number[] = [];
    for (let task = end; task >= 0; task = this.#from[task] as number) path.unshift(task);
    return path;
  }
}

function unlink(first: Int32Array, next: Int32Array, task: number, edge: number): void {
  let at = first[task] as number;
  if (at === edge) {
    first[task] = next[edge] as number;
    return;
  }
  while (next[at] !== edge) at = next[at] as number;
  next[at] = next[edge] as number;
}
