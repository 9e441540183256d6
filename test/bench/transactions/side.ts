/** One side of the bench, and the purchase that all of them make. */

/** What a plate costs: nobody ever runs out. */
export const PRICE = 1;

/** Takes one purchase and resolves when it is durably done. */
export interface Side {
  buy(player: string): Promise<void>;
  close(): Promise<void>;
}
