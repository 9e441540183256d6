/**
 * How a zone's strips are shared by two workers: from measured cost, with patience. The share changes who works on
 * what, never what comes out.
 */

/** The slower worker must take so many times as long as the faster … */
const IMBALANCE = 1.2;
/** … for so many steps in a row before a strip goes over. */
const PATIENCE = 30;

export interface Balance {
  /** Strips 0 … split − 1 are the first worker's. */
  readonly split: number;
  /** Steps in a row in which the first (positive) or the second (negative) worker was the slower by far. */
  readonly streak: number;
}

export function evenBalance(strips: number): Balance {
  return { split: Math.ceil(strips / 2), streak: 0 };
}

/** After a step that took the two workers `first` and `second` ms. */
export function rebalance(balance: Balance, strips: number, first: number, second: number): Balance {
  const side = first > second * IMBALANCE ? 1 : second > first * IMBALANCE ? -1 : 0;
  if (side === 0) return balance.streak === 0 ? balance : { ...balance, streak: 0 };
  const streak = Math.sign(balance.streak) === side ? balance.streak + side : side;
  if (Math.abs(streak) < PATIENCE) return { ...balance, streak };
  return { split: Math.min(strips, Math.max(0, balance.split - side)), streak: 0 };
}
