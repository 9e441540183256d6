/**
 * Task classes and the eight bands they wait in. A smaller band goes first; the first three are player-facing and
 * are ordered by deadline, the others in the order of arrival.
 */
export const BANDS = 8;
/** Bands below this number are player-facing. */
export const PLAYER_BANDS = 3;

export const BAND = {
  /** Players who fight, answers a player waits for. */
  engaged: 0,
  /** Players who play. */
  active: 1,
  /** Players who watch or are away. */
  calm: 2,
  simulation: 3,
  replication: 4,
  transactions: 5,
  ai: 6,
  background: 7,
} as const;
export type Band = (typeof BAND)[keyof typeof BAND];

/** By band: for metrics and logs. */
export const BAND_NAMES = Object.keys(BAND) as readonly (keyof typeof BAND)[];

/** What a task is for; decides the band it starts in. */
export type TaskClass = "player-facing" | "simulation" | "replication" | "transactions" | "ai" | "background";

export const BAND_OF_CLASS: Readonly<Record<TaskClass, Band>> = {
  "player-facing": BAND.active,
  simulation: BAND.simulation,
  replication: BAND.replication,
  transactions: BAND.transactions,
  ai: BAND.ai,
  background: BAND.background,
};
