/**
 * One shortest-path search over a grid: A* from the goal outwards, in slices, resumable for another seeker of the same
 * goal (Silver, "Cooperative pathfinding", 2005: reverse resumable A*). Its whole state lies in arrays that belong to
 * the zone's state, so a snapshot can be taken in the middle and a replay goes the same way.
 *
 * Steps cost 10, diagonal ones 14; no corner is cut. ~0.15 µs an expansion.
 */
import { DIRECTION_X, DIRECTION_Y, type NavGrid } from "./nav-grid.ts";

/** By cell, but `words`. */
export interface SearchState {
  /** [cells in the heap, cell of the goal, cell of the seeker] */
  readonly words: Uint32Array;
  /** Cost from the cell to the goal. */
  readonly cost: Uint32Array;
  /** What the heap is ordered by. */
  readonly key: Uint32Array;
  /** Low two bits: 0 not seen, 1 in the heap, 2 settled. Above: the direction to go from here. */
  readonly mark: Uint8Array;
  readonly heap: Uint16Array;
  /** Place in the heap. */
  readonly place: Uint16Array;
}

export const SEARCH_WORDS = 4;
const OPEN = 0;
const GOAL = 1;
const SEEKER = 2;
const IN_HEAP = 1;
const SETTLED = 2;
const STRAIGHT = 10;
const DIAGONAL = 14;
/** Among equal totals the one nearer to the seeker first: 11 bits below a total of 21 bits. */
const NEARER = 2_048;

export class Search {
  readonly #grid: NavGrid;
  readonly #state: SearchState;

  constructor(grid: NavGrid, state: SearchState) {
    this.#grid = grid;
    this.#state = state;
  }

  /** The cell that the search leads to. */
  get goal(): number {
    return this.#state.words[GOAL] as number;
  }

  begin(goal: number, seeker: number): void {
    const { words, mark, cost } = this.#state;
    mark.fill(0);
    words[OPEN] = 0;
    words[GOAL] = goal;
    words[SEEKER] = seeker;
    cost[goal] = 0;
    this.#open(goal, 0);
  }

  /** Goes on towards another seeker of the same goal. Answers the cells that had to be put in order anew. */
  seek(seeker: number): number {
    const { words, heap, key } = this.#state;
    words[SEEKER] = seeker;
    if (this.settled(seeker)) return 0;
    const open = words[OPEN] as number;
    for (let at = 0; at < open; at++) key[heap[at] as number] = this.#keyOf(heap[at] as number);
    for (let at = (open >> 1) - 1; at >= 0; at--) this.#sink(at);
    return open;
  }

  /** Whether the shortest way from the cell is known. */
  settled(cell: number): boolean {
    return ((this.#state.mark[cell] as number) & 3) === SETTLED;
  }

  /** True when there is nothing left to look at: what is not settled by now has no way to the goal. */
  get exhausted(): boolean {
    return this.#state.words[OPEN] === 0;
  }

  /** From a settled cell: the direction of the next one, 0 … 7. Of the goal it means nothing. */
  direction(cell: number): number {
    return (this.#state.mark[cell] as number) >> 2;
  }

  /** Cost of the way from a settled cell. */
  cost(cell: number): number {
    return this.#state.cost[cell] as number;
  }

  /** Expands at most `most` cells; ends early when the seeker's cell is settled or nothing is left. Answers how many. */
  run(most: number): number {
    const { words } = this.#state;
    const seeker = words[SEEKER] as number;
    let done = 0;
    while (done < most && !this.settled(seeker) && words[OPEN] !== 0) {
      this.#expand(this.#pop());
      done++;
    }
    return done;
  }

  #expand(cell: number): void {
    const { columns } = this.#grid;
    const column = cell % columns;
    const line = (cell / columns) | 0;
    for (let way = 0; way < 8; way++) {
      const dx = DIRECTION_X[way] as number;
      const dy = DIRECTION_Y[way] as number;
      if (!this.#grid.inside(column + dx, line + dy)) continue;
      const other = cell + dy * columns + dx;
      if (!this.#grid.free(other)) continue;
      const diagonal = (way & 1) === 1;
      if (diagonal && !(this.#grid.free(cell + dx) && this.#grid.free(cell + dy * columns))) continue;
      // The search runs from the goal: who stands on the other cell goes the opposite way.
      this.#relax(other, (this.#state.cost[cell] as number) + (diagonal ? DIAGONAL : STRAIGHT), way ^ 4);
    }
  }

  #relax(cell: number, cost: number, direction: number): void {
    const state = this.#state;
    const seen = (state.mark[cell] as number) & 3;
    if (seen === SETTLED || (seen === IN_HEAP && cost >= (state.cost[cell] as number))) return;
    state.cost[cell] = cost;
    if (seen === IN_HEAP) {
      state.mark[cell] = IN_HEAP | (direction << 2);
      state.key[cell] = this.#keyOf(cell);
      this.#rise(state.place[cell] as number);
    } else this.#open(cell, direction);
  }

  #open(cell: number, direction: number): void {
    const { words, mark, key, heap, place } = this.#state;
    const at = words[OPEN] as number;
    words[OPEN] = at + 1;
    mark[cell] = IN_HEAP | (direction << 2);
    key[cell] = this.#keyOf(cell);
    heap[at] = cell;
    place[cell] = at;
    this.#rise(at);
  }

  #pop(): number {
    const { words, mark, heap, place } = this.#state;
    const cell = heap[0] as number;
    const open = (words[OPEN] as number) - 1;
    words[OPEN] = open;
    mark[cell] = (mark[cell] as number) ^ (IN_HEAP | SETTLED);
    if (open > 0) {
      const last = heap[open] as number;
      heap[0] = last;
      place[last] = 0;
      this.#sink(0);
    }
    return cell;
  }

  /** Cost so far plus the least that is left (octile distance), then what is left. */
  #keyOf(cell: number): number {
    const { columns } = this.#grid;
    const seeker = this.#state.words[SEEKER] as number;
    const dx = Math.abs((cell % columns) - (seeker % columns));
    const dy = Math.abs(((cell / columns) | 0) - ((seeker / columns) | 0));
    const left = dx > dy ? STRAIGHT * dx + 4 * dy : STRAIGHT * dy + 4 * dx;
    const nearer = Math.min(NEARER - 1, (left / STRAIGHT) | 0);
    return ((this.#state.cost[cell] as number) + left) * NEARER + nearer;
  }

  #rise(from: number): void {
    const { heap, key, place } = this.#state;
    const cell = heap[from] as number;
    const own = key[cell] as number;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as number;
      if ((key[above] as number) <= own) break;
      heap[at] = above;
      place[above] = at;
      at = parent;
    }
    heap[at] = cell;
    place[cell] = at;
  }

  #sink(from: number): void {
    const { words, heap, key, place } = this.#state;
    const open = words[OPEN] as number;
    const cell = heap[from] as number;
    const own = key[cell] as number;
    let at = from;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= open) break;
      if (
        child + 1 < open &&
        (key[heap[child + 1] as number] as number) < (key[heap[child] as number] as number)
      )
        child++;
      const below = heap[child] as number;
      if ((key[below] as number) >= own) break;
      heap[at] = below;
      place[below] = at;
      at = child;
    }
    heap[at] = cell;
    place[cell] = at;
  }
}
