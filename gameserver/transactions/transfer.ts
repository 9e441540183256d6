/**
 * The books' one movement: an amount of an asset from one account to another. Every kind of transaction is a list of
 * these, so that double entry is kept by construction: what one account loses another gains.
 *
 * Assets are currencies and items alike. Accounts of players and stocks have a balance that never falls below zero;
 * house accounts (`house:…`) have none, because a row that every purchase touches would make all of them wait for
 * each other. Their balance is the sum of their transfers.
 */

/** `player:<id>`, `stock:<item>` or `house:<name>`. */
export type Account = string;

export interface Transfer {
  readonly from: Account;
  readonly to: Account;
  readonly asset: string;
  /** A whole number, 1 … 2^53 − 1: cents, pieces. */
  readonly amount: number;
}

/** An amount of something: a price, a good. */
export interface Lot {
  readonly asset: string;
  readonly amount: number;
}

export const HOUSE = {
  /** Takes what players spend. */
  sink: "house:sink",
  /** Gives rewards. */
  source: "house:source",
  /** Gives goods that are not limited in number. */
  catalogue: "house:catalogue",
  /** Gives what was paid for with real money in a store. */
  store: "house:store",
  /** The other side of corrections by an operator. */
  correction: "house:correction",
} as const;

export const playerAccount = (player: string): Account => `player:${player}`;
export const stockAccount = (item: string): Account => `stock:${item}`;

/** True for accounts that have a wallet: a balance with a floor of zero. */
export const hasBalance = (account: Account): boolean => !account.startsWith("house:");
