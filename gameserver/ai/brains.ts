/**
 * When NPCs think. The runtime decides, not the game, so that AI can give way when the pod is busy.
 *
 * Each NPC remembers the tick of its last thought (zone state). Unthrottled, its turn comes at its kind's own rate.
 * Throttled, the rate and the form asked for follow its band (`attention.ts`) and the ease (`rates.ts`), and all that
 * are not in a fight share a budget. Which of them think in a tick follows from the state and the ease alone
 * (`turns.ts`).
 */
import { fail } from "../../platform/errors.ts";
import type { Brain, Entity, Game, GameDeclaration, Zone } from "../game.ts";
import { Attention, BAND, type Players } from "./attention.ts";
import { type BandRate, budgetShare, EASE, LEVEL, ratesAt, SLACK, UNITS, UNTHROTTLED } from "./rates.ts";
import { AiTally, UNBANDED } from "./tally.ts";
import { Turns } from "./turns.ts";

const TICK_HZ = 60;
/** Stamps count ticks 1 … 65,535 and begin again; 0 is an NPC that has never thought. */
const STAMPS = 65_535;
/** Longest wait between two thoughts, ticks: half of what stamps can tell apart. */
const MOST_WAIT = 30_000;

/** What is read and written of a zone's memory. */
export interface Minds extends Players {
  /** Kind number by row, 0 for a free one. */
  readonly kind: Uint8Array;
  /** Row after the last in use, by kind number − 1. */
  readonly kindHigh: Uint32Array;
  /** Stamp of the last thought, by row. */
  readonly thought: Uint16Array;
}

export interface World {
  readonly width: number;
  readonly height: number;
  readonly interest: number;
  readonly kinds: readonly { readonly name: string }[];
  /** First row of each kind, by kind number − 1; at the end the number of rows. */
  readonly starts: readonly number[];
}

type AnyEntity = Entity<GameDeclaration>;
type AnyZone = Zone<GameDeclaration> & { entityAt(row: number): AnyEntity };
type Think = (zone: Zone<GameDeclaration>, entity: AnyEntity, seconds: number) => void;

/** One kind's brain, ready to be called. */
interface Mind {
  /** First row of the kind, and its kind number − 1. */
  readonly start: number;
  readonly index: number;
  /** Ticks between two thoughts at the kind's own rate. */
  readonly period: number;
  /** Wanted and longest wait in ticks, form, and cost in units: by ease and band. */
  readonly bands: readonly (readonly Turn[])[];
  readonly unthrottled: Turn;
}

interface Turn {
  /** `BAND`, or `UNBANDED`. */
  readonly band: number;
  readonly wanted: number;
  readonly longest: number;
  readonly cost: number;
  readonly think: Think;
}

/** Throws `GAME_INVALID` naming the brain whose rate is none. */
export function checkBrains(rules: Game["rules"]): void {
  const faults: Record<string, string> = {};
  for (const [kind, brain] of Object.entries(rules.brains ?? {})) {
    const hz = brain?.thinkHz;
    if (hz !== undefined && !(hz > 0 && hz <= TICK_HZ)) {
      faults[`brains.${kind}.thinkHz`] = `must be above 0 and at most ${TICK_HZ}`;
    }
  }
  const list = Object.entries(faults).map(([field, problem]) => `${field} ${problem}`);
  if (list.length > 0) throw fail("GAME_INVALID", list.join("; "), { fields: faults });
}

export class Brains {
  /** What was thought, for metrics. */
  readonly tally = new AiTally();
  readonly #minds: readonly Mind[];
  readonly #attention: Attention;
  /** Who is essential in this tick, and the rest. */
  readonly #essential: Turns;
  readonly #rest: Turns;
  /** Of this tick: units that each of the two may spend. */
  #essentialUnits = 0;
  #restUnits = 0;
  #floorUnits = 0;
  /** By row, for the rows offered in this tick: what their turn is. */
  readonly #turns: (Turn | undefined)[];

  constructor(rules: Game["rules"], world: World) {
    checkBrains(rules);
    const brains = new Map(Object.entries(rules.brains ?? {}));
    this.#minds = world.kinds.flatMap(({ name }, index) => {
      const brain = brains.get(name);
      return brain ? [mindOf(brain, index, world.starts[index] as number)] : [];
    });
    const rows = this.#minds.length > 0 ? (world.starts.at(-1) ?? 0) : 0;
    this.#attention = new Attention(world.width, world.height, world.interest);
    this.#essential = new Turns(rows);
    this.#rest = new Turns(rows);
    this.#turns = Array.from({ length: rows });
  }

  /** `ease`: 0 … `EASE`. */
  think(zone: AnyZone, minds: Minds, ease: number, onFault: (error: unknown) => void): void {
    if (this.#minds.length === 0) return;
    this.tally.begin();
    if (ease < EASE) this.#attention.look(minds, zone.tick);
    this.#essential.clear();
    this.#rest.clear();
    this.#essentialUnits = 0;
    this.#restUnits = 0;
    this.#floorUnits = 0;
    for (const mind of this.#minds) this.#offer(mind, minds, zone.tick, ease);
    this.#call(this.#essential.serve(this.#essentialUnits * SLACK), zone, minds, onFault);
    const budget = Math.max(this.#restUnits * budgetShare(ease), this.#floorUnits * SLACK);
    this.#call(this.#rest.serve(budget), zone, minds, onFault);
  }

  /** Counts what all of a kind ask for, and offers those whose time has come. */
  #offer(mind: Mind, minds: Minds, tick: number, ease: number): void {
    const bands = ease < EASE ? mind.bands[ease] : undefined;
    const { kind, thought, columns } = minds;
    const [xs, ys] = columns as readonly [ArrayLike<number>, ArrayLike<number>];
    const now = stampOf(tick);
    const full = UNITS[LEVEL.full] / mind.period;
    const high = minds.kindHigh[mind.index] as number;
    for (let row = mind.start; row < high; row++) {
      if (kind[row] === 0) continue;
      // Newcomers are spread over one period, by row.
      if (thought[row] === 0) thought[row] = stampOf(tick - mind.period + (row % mind.period));
      const wait = since(now, thought[row] as number);
      const band = bands ? this.#attention.at(xs[row] as number, ys[row] as number) : BAND.engaged;
      const turn = bands ? (bands[band] as Turn) : mind.unthrottled;
      this.tally.met(turn.band, full);
      if (band === BAND.engaged) this.#essentialUnits += full;
      else {
        this.#restUnits += full;
        this.#floorUnits += turn.cost / turn.longest;
      }
      if (wait < turn.wanted) continue;
      this.#turns[row] = turn;
      const queue = band === BAND.engaged ? this.#essential : this.#rest;
      queue.offer(row, wait, turn.longest, turn.cost);
    }
  }

  #call(rows: Uint16Array, zone: AnyZone, minds: Minds, onFault: (error: unknown) => void): void {
    const now = stampOf(zone.tick);
    for (const row of rows) {
      // An earlier thought of this tick may have ended it, or put a newcomer in its row.
      const before = minds.thought[row] as number;
      const turn = this.#turns[row];
      if (minds.kind[row] === 0 || before === 0 || !turn) continue;
      minds.thought[row] = now;
      this.tally.thought(turn.band, turn.cost);
      try {
        turn.think(zone, zone.entityAt(row), since(now, before) / TICK_HZ);
      } catch (error) {
        onFault(error);
      }
    }
  }
}

function mindOf(brain: Brain<GameDeclaration>, index: number, start: number): Mind {
  const period = Math.min(MOST_WAIT, Math.max(1, Math.round(TICK_HZ / brain.thinkHz)));
  const forms: readonly (Think | undefined)[] = [
    (zone, entity, seconds) => brain.think(zone, entity, seconds),
    brain.simple && ((zone, entity, seconds) => brain.simple?.(zone, entity, seconds)),
    brain.idle && ((zone, entity, seconds) => brain.idle?.(zone, entity, seconds)),
  ];
  const turnAt = ({ wanted, floor, level }: BandRate, band: number): Turn => {
    // A game without the cheaper form is asked for the next fuller one, at that one's cost.
    let form = level;
    while (!forms[form]) form--;
    return {
      band,
      wanted: Math.min(MOST_WAIT, Math.round(period / wanted)),
      longest: Math.min(MOST_WAIT, Math.round(period / floor)),
      cost: UNITS[form as 0 | 1 | 2],
      think: forms[form] as Think,
    };
  };
  const bands = Array.from({ length: EASE }, (_, ease) => ratesAt(ease).map(turnAt));
  return { start, index, period, bands, unthrottled: turnAt(UNTHROTTLED, UNBANDED) };
}

/** 1 … 65,535. `tick` may be a little below 0. */
function stampOf(tick: number): number {
  return ((tick % STAMPS) + STAMPS) % STAMPS || STAMPS;
}

/** Ticks from one stamp to a later one. */
function since(now: number, before: number): number {
  return (now - before + STAMPS) % STAMPS;
}
