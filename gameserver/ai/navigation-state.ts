/**
 * What navigation keeps in a zone's state: obstacles, the search under way, the queue, and each seeker's route.
 *
 * All of it is state, so that a snapshot in the middle of a search goes on as the original does.
 */
import { SEARCH_WORDS, type SearchState } from "./search.ts";

/** Waypoints kept for a seeker; a longer way is asked for again at its end. */
export const WAYPOINTS = 32;

/** Where a seeker stands. */
export const ROUTE = { idle: 0, go: 1, none: 2 } as const;

export interface NavigationState {
  /** First row that may ask, and how many there are: from the first navigating kind to the last. */
  readonly first: number;
  readonly count: number;
  /** By cell. */
  readonly obstacles: Uint8Array;
  readonly search: SearchState;
  /** See `WORD` in navigation.ts. */
  readonly words: Uint32Array;
  /** A ring of rows − first. */
  readonly queue: Uint16Array;
  // By row − first.
  /** Generation of the entity that asked. */
  readonly generation: Uint16Array;
  readonly goal: Uint16Array;
  readonly route: Uint8Array;
  /** 1 while in the queue. */
  readonly queued: Uint8Array;
  /** Searches that came to nothing because obstacles moved. */
  readonly tries: Uint8Array;
  /** Tick until which `none` stands. */
  readonly until: Uint32Array;
  /** Waypoints of the route, of those passed, and 1 when it ends at the goal. */
  readonly length: Uint8Array;
  readonly passed: Uint8Array;
  readonly whole: Uint8Array;
  /** `WAYPOINTS` cells each. */
  readonly waypoints: Uint16Array;
}

export interface Take {
  (type: "u8", count: number): Uint8Array;
  (type: "u16", count: number): Uint16Array;
  (type: "u32", count: number): Uint32Array;
}

const NAVIGATION_WORDS = 8;

/** Takes the arrays, in the order in which they lie in memory. */
export function layOutNavigation(
  cells: number,
  rows: { readonly first: number; readonly count: number },
  take: Take,
): NavigationState {
  const { first, count } = rows;
  const any = cells > 0 ? 1 : 0;
  return {
    first,
    count,
    obstacles: take("u8", cells),
    search: {
      words: take("u32", SEARCH_WORDS * any),
      cost: take("u32", cells),
      key: take("u32", cells),
      mark: take("u8", cells),
      heap: take("u16", cells),
      place: take("u16", cells),
    },
    words: take("u32", NAVIGATION_WORDS * any),
    queue: take("u16", count),
    generation: take("u16", count),
    goal: take("u16", count),
    route: take("u8", count),
    queued: take("u8", count),
    tries: take("u8", count),
    until: take("u32", count),
    length: take("u8", count),
    passed: take("u8", count),
    whole: take("u8", count),
    waypoints: take("u16", count * WAYPOINTS),
  };
}

/** The arrays with their names, for a digest of the state. */
export function navigationParts(
  state: NavigationState,
): (readonly [string, Uint8Array | Uint16Array | Uint32Array])[] {
  const { search, first: _first, count: _count, ...own } = state;
  return [...Object.entries(search), ...Object.entries(own)].map(
    ([name, array]) => [`navigation ${name}`, array] as const,
  );
}

/** What is read of the zone's memory, by row. */
export interface Seekers {
  readonly kind: Uint8Array;
  readonly generation: Uint16Array;
  readonly columns: readonly ArrayLike<number>[];
}
