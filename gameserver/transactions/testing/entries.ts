/** Entries for tests: valid ones, in one line each. */
import { uuidv7 } from "../../../platform/ids.ts";
import { type Entry, type Kind, parametersHash } from "../entry.ts";
import { HOUSE, playerAccount, stockAccount, type Transfer } from "../transfer.ts";

export interface EntryOptions {
  readonly id?: string;
  readonly player?: string;
  readonly counterparty?: string;
  readonly validUntil?: number;
  readonly acceptedAt?: number;
}

export function entryOf(kind: Kind, transfers: readonly Transfer[], options: EntryOptions = {}): Entry {
  const { id = uuidv7(), player = "ann", acceptedAt = Date.now(), validUntil, counterparty } = options;
  const body = { id, kind, player, transfers, ...(counterparty ? { counterparty } : {}) };
  return {
    ...body,
    hash: parametersHash(body),
    acceptedAt,
    trace: "test",
    ...(validUntil === undefined ? {} : { validUntil }),
  };
}

/** `amount` credits from nowhere to the player. */
export const grant = (amount: number, options: EntryOptions = {}): Entry => {
  const to = playerAccount(options.player ?? "ann");
  return entryOf("reward", [{ from: HOUSE.source, to, asset: "credits", amount }], options);
};

/** One `item` for `price` credits; from the stock of it when `limited`. */
export const buy = (
  price: number,
  options: EntryOptions & { readonly item?: string; readonly limited?: boolean } = {},
): Entry => {
  const { item = "hull-plate", limited = false } = options;
  const account = playerAccount(options.player ?? "ann");
  const transfers = [
    { from: account, to: HOUSE.sink, asset: "credits", amount: price },
    { from: limited ? stockAccount(item) : HOUSE.catalogue, to: account, asset: item, amount: 1 },
  ];
  return entryOf("purchase", transfers, options);
};

/** `amount` credits from one player to another for one `item`. */
export const trade = (from: string, to: string, amount: number, item = "hull-plate"): Entry =>
  entryOf(
    "trade",
    [
      { from: playerAccount(from), to: playerAccount(to), asset: "credits", amount },
      { from: playerAccount(to), to: playerAccount(from), asset: item, amount: 1 },
    ],
    { player: from, counterparty: to },
  );

export const ASSETS = new Map([
  ["credits", { kind: "currency" }],
  ["hull-plate", { kind: "item" }],
  ["captains-hat", { kind: "item", ceiling: 1n }],
] as const);
