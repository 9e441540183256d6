/**
 * Ways for NPCs: `way` answers at once with the next point to steer for; searches run a slice a tick.
 *
 * A straight line that is clear needs no search. Else the seeker joins the queue, once; its turn comes in the order
 * of asking, but seekers of the same goal share one search. Bounds: one request a seeker, a slice of expansions a
 * tick, `WAYPOINTS` points a route. Answers are sensible in every case: `wait` while searching, `none` for a goal
 * without a way (asked anew after 2 s), a goal or a seeker inside an obstacle counts as the nearest free cell. A
 * route that an obstacle has come into is asked for anew when the seeker gets there.
 *
 * Everything follows from the zone's state and the slice's size: a replay finds the same ways.
 */
import type { Way } from "../game.ts";
import { NavGrid, type NavigationPlan, type Rectangle } from "./nav-grid.ts";
import { type NavigationState, ROUTE, type Seekers, WAYPOINTS } from "./navigation-state.ts";
import { RequestQueue } from "./request-queue.ts";
import { Search } from "./search.ts";
import { follow, type Trace } from "./trace.ts";

/** Expansions a tick: at most a millisecond, and the share that is left when AI is throttled. */
export const SLICE = 2_000;
export const THROTTLED_SLICE = 1_000;

/** Words of the state; the first two are the queue's. */
const WORD = { current: 2, version: 3, begun: 4, sharers: 5, asked: 6 } as const;
/** Cells that a straight look covers. */
const SIGHT = 32;
/** Cells around an obstacle in which a free one is looked for. */
const RINGS = 8;
/** Cells by which a goal may move without a new search. */
const SLIP = 2;
/** Cells by which it may move while the old route is still followed. */
const DRIFT = 8;
/** Searches in a row that obstacles may spoil. */
const MOST_TRIES = 3;
/** Ticks for which `none` stands. */
const NONE_STANDS = 120;
/** Seekers that one search serves in a row before the queue's head has its turn; places of the queue looked at. */
const MOST_SHARERS = 256;
const LOOK_AHEAD = 256;
/** Expansions that beginning a search is worth, beyond one for so many cells of the grid. */
const CELLS_PER_EXPANSION = 256;

export class Navigation {
  readonly #grid: NavGrid;
  readonly #plan: NavigationPlan;
  readonly #state: NavigationState;
  readonly #search: Search;
  readonly #queue: RequestQueue;
  readonly #seekers: Seekers;
  readonly #trace: Trace = { count: 0, whole: false, work: 0 };
  /** Reused for every answer. */
  readonly #way: { state: Way["state"]; x: number; y: number } = { state: "none", x: 0, y: 0 };

  constructor(plan: NavigationPlan, state: NavigationState, seekers: Seekers) {
    this.#plan = plan;
    this.#state = state;
    this.#seekers = seekers;
    this.#grid = new NavGrid(plan, state.obstacles);
    this.#queue = new RequestQueue(state.queue, state.words);
    this.#search = new Search(this.#grid, state.search);
  }

  /** For metrics: searches that found a way, and that found none; ticks in which the slice was not enough. */
  readonly tally = { found: 0, none: 0, spent: 0 };

  /** Requests that wait for their search. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Puts the declared obstacles down: once in a zone's life. */
  open(): void {
    for (const rectangle of this.#plan.blocked) this.#grid.obstruct(rectangle, true);
  }

  obstruct(rectangle: Rectangle, on: boolean): void {
    this.#grid.obstruct(rectangle, on);
    this.#state.words[WORD.version] = (this.#word(WORD.version) + 1) >>> 0;
  }

  /** Where the entity in `row` steers next, to get to (x, y). Other kinds than the declared ones go straight. */
  way(row: number, x: number, y: number, tick: number): Way {
    const [xs, ys] = this.#seekers.columns as readonly [ArrayLike<number>, ArrayLike<number>];
    const at = row - this.#state.first;
    if (at < 0 || at >= this.#state.count) return this.#answer("go", x, y);
    const ownX = xs[row] as number;
    const ownY = ys[row] as number;
    const own = this.#grid.at(ownX, ownY);
    const goal = this.#grid.at(x, y);
    this.#meet(at, row);
    if (own === goal) {
      this.#forget(at);
      return this.#answer("there", x, y);
    }
    if (this.#grid.clear(own, goal, SIGHT)) {
      this.#forget(at);
      return this.#answer("go", x, y);
    }
    const next = this.#next(at, own, goal, tick);
    if (next === undefined) return this.#answer("wait", ownX, ownY);
    if (next < 0) return this.#answer("none", ownX, ownY);
    if (next === own) return this.#answer("there", x, y);
    if (next === goal) return this.#answer("go", x, y);
    return this.#answer("go", this.#grid.centreX(next), this.#grid.centreY(next));
  }

  /** Searches for as long as `expansions` last. Between inputs and thoughts of a tick, once. */
  slice(expansions: number, tick: number): void {
    let left = expansions;
    while (left > 0) {
      if (this.#word(WORD.current) === 0) {
        if (this.waiting === 0) return;
        left -= this.#start(tick);
        continue;
      }
      left -= this.#search.run(left);
      const at = this.#word(WORD.current) - 1;
      const cell = this.#cellOf(at);
      if (cell < 0) this.#none(at, tick);
      else if (this.#search.settled(cell)) left -= this.#found(at, cell, tick);
      else if (this.#search.exhausted) this.#none(at, tick);
      else if (left > 0) left -= this.#search.seek(cell) + 1;
    }
    this.tally.spent++;
  }

  /** The cell to steer for on the route, the own one at its end, −1 for no way, undefined while it is searched for. */
  #next(at: number, own: number, goal: number, tick: number): number | undefined {
    const { route, goal: goals, until } = this.#state;
    const moved = this.#grid.distance(goals[at] as number, goal);
    if (route[at] === ROUTE.none && moved <= SLIP && tick < (until[at] as number)) return -1;
    if (route[at] !== ROUTE.go || moved > SLIP) {
      const usable = route[at] === ROUTE.go && moved <= DRIFT;
      this.#ask(at, goal);
      if (!usable) {
        if (route[at] === ROUTE.go) route[at] = ROUTE.idle;
        return undefined;
      }
    }
    return this.#along(at, own, goal);
  }

  /** Passes waypoints that are reached; asks anew when the next one cannot be seen any more. */
  #along(at: number, own: number, goal: number): number | undefined {
    const { passed, length, waypoints, whole, route } = this.#state;
    const count = length[at] as number;
    let done = passed[at] as number;
    while (done < count) {
      const point = waypoints[at * WAYPOINTS + done] as number;
      if (point !== own && !this.#canSkip(at, own, done, count)) break;
      done++;
    }
    passed[at] = done;
    const point = waypoints[at * WAYPOINTS + done] as number;
    if (done < count && (this.#grid.clear(own, point, 2 * SIGHT) || !this.#grid.free(own))) return point;
    const end = count > 0 ? waypoints[at * WAYPOINTS + count - 1] : own;
    // The goal itself is inside an obstacle: this is as near as one gets.
    if (done === count && whole[at] === 1 && end === own && this.#state.goal[at] === goal) return own;
    route[at] = ROUTE.idle;
    this.#ask(at, goal);
    return undefined;
  }

  /** Near the next waypoint, and the one after it in sight: no need to touch it. */
  #canSkip(at: number, own: number, done: number, count: number): boolean {
    const { waypoints } = this.#state;
    const point = waypoints[at * WAYPOINTS + done] as number;
    if (this.#grid.distance(own, point) > 1 || done + 1 >= count) return false;
    return this.#grid.clear(own, waypoints[at * WAYPOINTS + done + 1] as number, 2 * SIGHT);
  }

  /** Joins the queue, if not in it; the goal is the newest one asked for. */
  #ask(at: number, goal: number): void {
    const { queued, goal: goals } = this.#state;
    goals[at] = goal;
    if (queued[at] === 1) return;
    queued[at] = 1;
    this.#queue.push(at);
  }

  /** Takes the next request from the queue and begins, or goes on with, its search. Answers the work it took. */
  #start(tick: number): number {
    const { words, goal: goals } = this.#state;
    const at = this.#queue.take(this.#sharer());
    words[WORD.current] = at + 1;
    words[WORD.asked] = goals[at] as number;
    const seeker = this.#cellOf(at);
    const goal = this.#grid.nearestFree(goals[at] as number, RINGS);
    if (seeker < 0 || goal < 0) this.#none(at, tick);
    else if (this.#current() && this.#search.goal === goal) {
      words[WORD.sharers] = this.#word(WORD.sharers) + 1;
      return 1 + this.#search.seek(seeker);
    } else {
      words[WORD.sharers] = 1;
      words[WORD.begun] = this.#word(WORD.version) + 1;
      this.#search.begin(goal, seeker);
      return 1 + Math.ceil(this.#grid.obstacles.length / CELLS_PER_EXPANSION);
    }
    return 1;
  }

  /** Place in the queue, counted from its head, of a request that the search at hand can serve; 0 for the head. */
  #sharer(): number {
    if (!this.#current() || this.#word(WORD.sharers) % MOST_SHARERS === 0) return 0;
    const { goal: goals } = this.#state;
    const most = Math.min(LOOK_AHEAD, this.waiting);
    for (let ahead = 0; ahead < most; ahead++) {
      if (goals[this.#queue.peek(ahead)] === this.#search.goal) return ahead;
    }
    return 0;
  }

  /** Whether there is a search, and no obstacle has moved since it began. */
  #current(): boolean {
    return this.#word(WORD.begun) === this.#word(WORD.version) + 1;
  }

  #found(at: number, cell: number, tick: number): number {
    const { route, goal, waypoints, length, passed, whole, tries } = this.#state;
    const out = waypoints.subarray(at * WAYPOINTS, (at + 1) * WAYPOINTS);
    follow(this.#grid, this.#search, cell, out, this.#trace);
    if (this.#trace.count === 0 && !this.#trace.whole) this.#none(at, tick);
    else {
      // Meanwhile it may have asked for another goal; the route leads to this one.
      goal[at] = this.#word(WORD.asked);
      this.tally.found++;
      route[at] = ROUTE.go;
      length[at] = this.#trace.count;
      passed[at] = 0;
      whole[at] = this.#trace.whole ? 1 : 0;
      tries[at] = 0;
      this.#finish(at);
    }
    return 1 + (this.#trace.work >> 3);
  }

  /** There is no way; if obstacles moved meanwhile, that is not certain. */
  #none(at: number, tick: number): void {
    const { route, tries, until, goal } = this.#state;
    this.#finish(at);
    goal[at] = this.#word(WORD.asked);
    if (!this.#current() && this.#alive(at) && (tries[at] as number) < MOST_TRIES) {
      tries[at] = (tries[at] as number) + 1;
      this.#ask(at, goal[at] as number);
      return;
    }
    tries[at] = 0;
    this.tally.none++;
    route[at] = ROUTE.none;
    until[at] = tick + NONE_STANDS;
  }

  #finish(at: number): void {
    this.#state.words[WORD.current] = 0;
    this.#state.queued[at] = 0;
  }

  /** The free cell at or beside a seeker; −1 when it is gone or walled in. */
  #cellOf(at: number): number {
    if (!this.#alive(at)) return -1;
    const [xs, ys] = this.#seekers.columns as readonly [ArrayLike<number>, ArrayLike<number>];
    const row = this.#state.first + at;
    return this.#grid.nearestFree(this.#grid.at(xs[row] as number, ys[row] as number), RINGS);
  }

  #alive(at: number): boolean {
    const row = this.#state.first + at;
    return this.#seekers.kind[row] !== 0 && this.#seekers.generation[row] === this.#state.generation[at];
  }

  /** A newcomer in the row begins without a route. What its row has in the queue becomes its own. */
  #meet(at: number, row: number): void {
    const { generation, tries } = this.#state;
    const living = this.#seekers.generation[row] as number;
    if (generation[at] === living) return;
    generation[at] = living;
    tries[at] = 0;
    this.#forget(at);
  }

  #forget(at: number): void {
    this.#state.route[at] = ROUTE.idle;
  }

  #word(index: number): number {
    return this.#state.words[index] as number;
  }

  #answer(state: Way["state"], x: number, y: number): Way {
    this.#way.state = state;
    this.#way.x = x;
    this.#way.y = y;
    return this.#way;
  }
}
