/**
 * How often and how thoroughly an NPC thinks under load, by its band; shares of its kind's own `thinkHz`.
 *
 * At 10 Hz that is 10, 5, 2 and 0.5 thoughts a second (the measured table of distances: -45 % CPU), and never less
 * than 9.5 (a turn may come a tick late), 2.5, 1 and 0.2. The budget covers the floors of any mixture of bands, so that nobody starves.
 */

/** What a rule is asked for: everything, the cheaper form, or only to keep going. */
export const LEVEL = { full: 0, simple: 1, idle: 2 } as const;

export interface BandRate {
  /** Share of `thinkHz` at which an NPC's turn comes, and below which it never falls for long. */
  readonly wanted: number;
  readonly floor: number;
  readonly level: number;
}

/** By band: engaged, near, mid, far. */
export const RATES: readonly BandRate[] = [
  { wanted: 1, floor: 0.95, level: LEVEL.full },
  { wanted: 1 / 2, floor: 1 / 4, level: LEVEL.full },
  { wanted: 1 / 5, floor: 1 / 10, level: LEVEL.simple },
  { wanted: 1 / 20, floor: 1 / 50, level: LEVEL.idle },
];

/** Without throttling everyone counts as engaged. */
export const UNTHROTTLED: BandRate = RATES[0] as BandRate;

/**
 * How freely NPCs think, in steps: at `EASE` everyone at its own rate, at 0 by `RATES` (the ladder's step), between
 * them in proportion. Whole steps, so that a recording can name them.
 */
export const EASE = 20;
/** From here on the cheaper forms are asked for: first thoughts become rarer, then plainer. */
const PLAINER_BELOW = EASE / 2;

/** The ease that the CPU governor's duty (0 … 1) leaves. */
export function easeOf(duty: number): number {
  return Math.max(0, Math.min(EASE, Math.floor(duty * EASE + 1e-6)));
}

/** The rates by band at an ease. */
export function ratesAt(ease: number): readonly BandRate[] {
  return RATES.map(({ wanted, floor, level }) => ({
    wanted: wanted + ((1 - wanted) * ease) / EASE,
    floor,
    level: ease < PLAINER_BELOW ? level : LEVEL.full,
  }));
}

/** Of the thinking that all who are not engaged would like to do: what they share at ease 0. */
const BUDGET_SHARE = 0.2;

export function budgetShare(ease: number): number {
  return BUDGET_SHARE + ((1 - BUDGET_SHARE) * ease) / EASE;
}
/** Room above the least that must be done, so that what has piled up is worked off. */
export const SLACK = 1.25;

/** Cost units of a thought by level: a game that gives a simple form promises that it is about half as dear. */
export const UNITS = [4, 2, 1] as const;
