/**
 * How many sessions a server holds: doubled or halved from what is known until one count is held and one is not, then
 * the middle of the two (by ratio) until they lie within a tenth. Each count is a trial on a server of its own.
 */
export interface Trial {
  readonly sessions: number;
  readonly held: boolean;
  /** Whether they were held as well as our own goal asks for. */
  readonly goal: boolean;
  /** Sessions for each core that the server used. */
  readonly perCore: number;
}

export interface Found {
  /** The most that were held, 0 for none, and what they were per core. */
  readonly sessions: number;
  readonly perCore: number;
  /** The most that were held as our own goal asks for, 0 for none. */
  readonly goal: number;
  /** The fewest that were not; Infinity when the search ended before. */
  readonly above: number;
  readonly trials: number;
}

const WITHIN = 1.1;
const STEP = 1.5;
/** Counts are multiples of this. */
const GRAIN = 50;

/** `goOn`: whether there is time for one more. */
export async function searchHeld(
  first: Trial,
  trial: (sessions: number) => Promise<Trial>,
  goOn: () => boolean,
): Promise<Found> {
  let best: Trial = { sessions: 0, held: true, goal: true, perCore: Number.NaN };
  let goal = 0;
  let above = Number.POSITIVE_INFINITY;
  let trials = 0;
  for (let next = first; ; next = await trial(next.sessions), trials++) {
    if (next.held && next.sessions > best.sessions) best = next;
    if (next.goal) goal = Math.max(goal, next.sessions);
    if (!next.held) above = Math.min(above, next.sessions);
    const sessions = nextCount(best.sessions, above);
    if (sessions === undefined || !goOn()) {
      return { sessions: best.sessions, perCore: best.perCore, goal, above, trials };
    }
    next = { ...next, sessions };
  }
}

/** The count to try between `held` (0 for none) and `above`; undefined when they are near enough. */
function nextCount(held: number, above: number): number | undefined {
  if (above <= held * WITHIN || above <= GRAIN) return undefined;
  const wanted =
    above === Number.POSITIVE_INFINITY ? held * STEP : held === 0 ? above / STEP : Math.sqrt(held * above);
  const count = Math.max(GRAIN, Math.round(wanted / GRAIN) * GRAIN);
  return count > held && count < above ? count : undefined;
}
