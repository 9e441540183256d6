/**
 * The Game interface: what a game team implements, and all that rules may touch.
 *
 * A game *declares* its state (columns, records, timers), its inputs and its events; the runtime derives from
 * that one declaration the shared memory, what goes over the wire, the client's typed view, and snapshots. Rules
 * are functions over a `Zone`, called by the 60 Hz tick. State kept anywhere else would be lost when a zone moves
 * to another pod, so there is no place for it here: rules must not close over variables that change.
 *
 * Determinism: `zone.random()`, `zone.tick` and a fixed `dt` only; no clocks, no Math.random(), no I/O. Inputs
 * arrive ordered by tick, player slot, sequence.
 *
 * Start-up refuses a declaration it cannot encode with `GAME_INVALID` naming the field.
 */

import type { Navigation, Way } from "./ai/way.ts";

export { behaviour } from "./ai/behaviour.ts";
export type { Navigation, Way };

export type Scalar = "u8" | "i8" | "u16" | "i16" | "u32" | "i32" | "f32" | "f64";

/** Who is sent a column: everyone near, only the player who owns the entity, nobody. */
export type Audience = "near" | "owner" | "nobody";

/** A number with bounds. Integer types default to their full range and step 1; floats on the wire need all three. */
export interface Field {
  readonly type: Scalar;
  readonly min?: number;
  readonly max?: number;
  /** Quantisation on the wire: the value is rounded to `min + n × step`. */
  readonly step?: number;
  /** True for a circle such as a heading: `max` is the same as `min`. */
  readonly wrap?: boolean;
}

export interface Column extends Field {
  /** Default `nobody`: never leaves the server, but is part of snapshots. */
  readonly to?: Audience;
}

/**
 * A body that turns, stacks and rolls, moved by Rapier instead of the circle kernel. Far dearer than a circle: for
 * cargo, rocks and doors, not for players.
 */
export interface Rigid {
  /** Around the entity's x and y, world units; a polygon is convex, at most 8 corners, counter-clockwise. */
  readonly shape:
    | { readonly circle: number }
    | { readonly box: readonly [width: number, height: number] }
    | { readonly polygon: readonly (readonly [x: number, y: number])[] };
  /** Mass per square unit. Default 1. */
  readonly density?: number;
  /** Default 0.5. */
  readonly friction?: number;
  /** Speed kept along the line of impact, 0 … 1. Default 0.3. */
  readonly restitution?: number;
  /** Share of speed and of spin lost in a second. Default 0. */
  readonly damping?: number;
}

export interface Kind {
  /** Circle for collisions, world units. Of a rigid kind: what clients are told; `rigid.shape` is what collides. */
  readonly radius: number;
  /** A capsule instead: world units between the centres of its round ends, which lie along `angle`. */
  readonly capsule?: number;
  readonly rigid?: Rigid;
  /** The f32 column with the direction, radians; capsules and rigid kinds must name one. */
  readonly angle?: string;
  /** The f32 column with a rigid body's turning speed, radians per second; rigid kinds must name one. */
  readonly spin?: string;
  /** 0 (the default) never moves when pushed; more mass is pushed less. Of a rigid kind: its area × density. */
  readonly mass?: number;
  /** Whether circles push each other apart and `touch` is called. Default true. */
  readonly collides?: boolean;
  /** Entities of this kind a zone may hold: so many per zone plus so many per player place. */
  readonly perZone?: number;
  readonly perPlayer?: number;
  /** Columns this kind has besides x, y, vx, vy. Only these are sent. */
  readonly columns?: readonly string[];
}

/**
 * A purchase the game offers. The client names the offer and how many; price and goods are the server's. Carried out
 * exactly once in the ledger, where the goods are the player's for good.
 */
export interface Offer {
  /** Whole units of `currency`, 1 or more. */
  readonly price: number;
  readonly currency: string;
  /** Items of the ledger, 1 to 16, and how many of each. */
  readonly gives: Readonly<Record<string, number>>;
}

export interface GameDeclaration {
  readonly name: string;
  /** Grows with every change of columns, inputs or events. */
  readonly version: number;
  readonly space: {
    /** World units. x runs 0 … width, y 0 … height. */
    readonly width: number;
    readonly height: number;
    /** Quantisation of x and y on the wire. */
    readonly step: number;
    /** Bound on |vx| and |vy|, world units per second. */
    readonly maxSpeed: number;
    /** At the edge entities stop (`wall`) or turn round (`bounce`). Default `wall`. */
    readonly edge?: "wall" | "bounce";
  };
  readonly interest: {
    /** World units a player sees. */
    readonly radius: number;
    /** Most entities in one view, at most 254. Default 64. */
    readonly cap?: number;
  };
  /** Updates a second to each player, 10 … 20. Default 12. */
  readonly updateHz?: number;
  readonly columns: Readonly<Record<string, Column>>;
  readonly kinds: Readonly<Record<string, Kind>>;
  readonly inputs: Readonly<Record<string, Readonly<Record<string, Field>>>>;
  readonly events: Readonly<Record<string, Readonly<Record<string, Field>>>>;
  /** Small state of a zone as a whole. */
  readonly records?: Readonly<Record<string, Readonly<Record<string, Field>>>>;
  /** Named alarms of a zone; each holds the absolute tick at which its rule is called. */
  readonly timers?: readonly string[];
  readonly offers?: Readonly<Record<string, Offer>>;
  /** A grid on which NPCs find their way: see `Zone.wayTo`. */
  readonly navigation?: Navigation;
}

type KeysOf<T> = Extract<keyof T, string>;
type Values<F> = { -readonly [K in keyof F]: number };

/** One entity: its columns as properties. Reused by the runtime; compare by `id`, never keep it across ticks. */
export type Entity<D extends GameDeclaration> = {
  /** Unique in the zone for as long as the entity lives. */
  readonly id: number;
  readonly row: number;
  readonly kind: KeysOf<D["kinds"]>;
  /** Slot of the player who owns it, or −1. */
  readonly player: number;
  x: number;
  y: number;
  vx: number;
  vy: number;
} & Values<D["columns"]>;

type Start<D extends GameDeclaration> = Partial<
  Values<D["columns"]> & Values<Record<"x" | "y" | "vx" | "vy", 0>>
>;

/** Who hears an event: everyone in the zone, one player, or everyone within `radius` of a point. */
export type Hearers =
  | "everyone"
  | { readonly player: number }
  | { readonly x: number; readonly y: number; readonly radius: number };

/** What rules may touch. Valid only during the call it is handed to. */
export interface Zone<D extends GameDeclaration> {
  readonly id: string;
  /** Steps since the zone was first opened; goes on when the zone moves to another pod. */
  readonly tick: number;
  readonly width: number;
  readonly height: number;
  /** Players in the zone, with or without a connection. */
  readonly players: number;
  /** 0 ≤ n < 1, from the zone's own generator, which is part of its state. */
  random(): number;
  /** Undefined when the zone holds all it may of this kind. Columns not given start at 0. */
  spawn(kind: KeysOf<D["kinds"]>, start: Start<D>): Entity<D> | undefined;
  despawn(entity: Entity<D>): void;
  /** The living entity with this id. */
  entity(id: number): Entity<D> | undefined;
  /** The entity a player owns. */
  entityOf(player: number): Entity<D> | undefined;
  /** All of a kind, in row order. Entities may be spawned and despawned meanwhile. */
  each(kind: KeysOf<D["kinds"]>, visit: (entity: Entity<D>) => void): void;
  /** All whose centre is within `radius` of the point, as of the start of the tick. */
  near(x: number, y: number, radius: number, visit: (entity: Entity<D>) => void): void;
  /**
   * Where `entity` steers next, to get round obstacles to (x, y). Ask at each thought: the runtime keeps the route, and
   * searches a slice a tick for all. A kind that `navigation.kinds` does not name is told to go straight.
   */
  wayTo(entity: Entity<D>, x: number, y: number): Way;
  /**
   * Puts an obstacle on the navigation grid (`on`), or takes one away: every cell that the rectangle touches, with
   * x and y its lower corner. What overlaps is counted. Only ways heed it: bodies collide by their own shapes.
   */
  obstruct(x: number, y: number, width: number, height: number, on: boolean): void;
  readonly records: { readonly [R in keyof NonNullable<D["records"]>]: Values<NonNullable<D["records"]>[R]> };
  /** An on-demand zone is over: its players are told and it closes. A fixed zone never is. */
  end(): void;
  /**
   * The player is in combat, or whatever this game holds to be the moment that counts, for `seconds` from now (at
   * most 60; a longer engagement is never cut short). The pod serves engaged players first.
   */
  engage(player: number, seconds: number): void;
  /** How much the player counts among others, 0 … 4; 1 from the join on. Lasts until it is set again. */
  weigh(player: number, weight: number): void;
  /** Calls the timer's rule once, `seconds` from now. Setting it again moves it. */
  setTimer(name: NonNullable<D["timers"]>[number], seconds: number): void;
  send<E extends KeysOf<D["events"]>>(event: E, fields: Values<D["events"][E]>, to: Hearers): void;
  /**
   * Gives a player currency or items of the ledger, exactly once: ever, for this player and `name`; or with a `key`
   * once per player, name and key while this zone is served under one epoch. Goes on after the tick; never fails here.
   */
  reward(player: number, name: string, goods: Readonly<Record<string, number>>, key?: string): void;
}

export interface Player {
  readonly slot: number;
  /** Stable for the same person: for looks and starting places. */
  readonly seed: number;
}

/** All optional but `join`. An error thrown by a rule is reported and counted; the zone goes on. */
export interface Rules<D extends GameDeclaration> {
  /** The start state of a zone. */
  open?(zone: Zone<D>): void;
  /** Must spawn the player's entity; undefined refuses the player. */
  join(zone: Zone<D>, player: Player): Entity<D> | undefined;
  /** The player's entity is despawned afterwards. */
  leave?(zone: Zone<D>, entity: Entity<D>): void;
  readonly inputs: {
    readonly [I in keyof D["inputs"]]: (
      zone: Zone<D>,
      entity: Entity<D>,
      input: Values<D["inputs"][I]>,
    ) => void;
  };
  /** Once a step, before entities move. `dt` is 1/60 s. */
  tick?(zone: Zone<D>, dt: number): void;
  /** Called for entities of a kind at `thinkHz` at most; the runtime decides when, so that AI can give way. */
  readonly brains?: { readonly [K in KeysOf<D["kinds"]>]?: Brain<D> };
  readonly timers?: { readonly [T in NonNullable<D["timers"]>[number]]?: (zone: Zone<D>) => void };
  /**
   * Two entities touched in this step: called once per pair, lower row first, after all were pushed apart, in an
   * order that depends on the state alone. Two rigid bodies that touch each other are not told.
   */
  touch?(zone: Zone<D>, a: Entity<D>, b: Entity<D>): void;
  /**
   * A purchase of this player stands in the books. Called once for it while the player stays here; after a loss of
   * the pod it may be called again or not at all, so let it do what may be done twice: what must not get lost is in
   * the ledger.
   */
  purchased?(
    zone: Zone<D>,
    entity: Entity<D>,
    offer: KeysOf<NonNullable<D["offers"]>>,
    quantity: number,
  ): void;
}

/**
 * How a kind of NPC decides. `seconds` have passed since the entity's last thought: under load more than 1 ÷ `thinkHz`.
 *
 * When the pod is busy, NPCs that are in a fight with a player go on as usual; others think less often the farther
 * they are from players, and are asked for the cheaper forms where the game gives them.
 */
export interface Brain<D extends GameDeclaration> {
  /** Above 0, at most 60. */
  readonly thinkHz: number;
  think(zone: Zone<D>, entity: Entity<D>, seconds: number): void;
  /** For NPCs at the edge of what players see; about half as dear as `think`, which stands in for it by default. */
  simple?(zone: Zone<D>, entity: Entity<D>, seconds: number): void;
  /** For NPCs that nobody sees: next to nothing. Default: `simple`. */
  idle?(zone: Zone<D>, entity: Entity<D>, seconds: number): void;
}

/** What a game module exports under the name `game`. */
export interface Game {
  readonly declaration: GameDeclaration;
  readonly rules: Rules<GameDeclaration>;
}

/**
 * Ties rules to a declaration, so that columns, inputs and events are typed.
 *
 * ```ts
 * export const game = defineGame({ name: "tag", version: 1, …, inputs: { run: { dx: unit, dy: unit } } }, {
 *   join: (zone) => zone.spawn("runner", { x: 50, y: 50 }),
 *   inputs: { run(zone, runner, { dx, dy }) { runner.vx = dx * 5; runner.vy = dy * 5; } },
 * });
 * ```
 */
export function defineGame<const D extends GameDeclaration>(declaration: D, rules: Rules<D>): Game {
  // The types of D have done their work; the runtime sees columns by name only.
  return { declaration, rules: rules as unknown as Rules<GameDeclaration> };
}
