/** What a game declares for path finding, and what it is answered. Part of the Game interface: see game.ts. */

export interface Navigation {
  /** World units: side of a cell. At most 65,535 cells; about the size of an NPC is fine enough. */
  readonly cell: number;
  /** The kinds that ask for ways. */
  readonly kinds: readonly string[];
  /** What stands in the way from the start; make it larger by an NPC's radius. World units. */
  readonly blocked?: readonly (readonly [x: number, y: number, width: number, height: number])[];
}

/** Where to steer. Reused by the runtime. */
export interface Way {
  /**
   * `go`: straight to x, y. `wait`: the way is being searched for, a few ticks as a rule; x, y is where the entity is.
   * `there`: arrived, or as near as one gets. `none`: there is no way; asked for anew after two seconds.
   */
  readonly state: "go" | "wait" | "there" | "none";
  readonly x: number;
  readonly y: number;
}
