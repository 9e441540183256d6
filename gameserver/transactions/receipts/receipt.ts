/**
 * What was paid for in a store, and the entry that it becomes.
 *
 * The id is derived from the store's own token, so a receipt is granted once whoever shows it, how often and to which
 * pod; shown by another player it is a conflict. It never expires: the money is gone already.
 */
import { fail } from "../../../platform/errors.ts";
import type { Asset } from "../decide.ts";
import { type Entry, parametersHash } from "../entry.ts";
import { derivedId } from "../ids.ts";
import { HOUSE, type Lot, playerAccount } from "../transfer.ts";

/** A receipt whose genuineness a store has confirmed. */
export interface Receipt {
  readonly store: string;
  /** The store's name for this purchase: purchase token, transaction id, order id. Unique within the store. */
  readonly token: string;
  /** The store's name for what was bought. */
  readonly product: string;
  readonly quantity: number;
}

export interface Product {
  readonly goods: readonly Lot[];
  /** A consumable may be bought again and again; a durable once; a subscription gives its goods each period. */
  readonly type: "consumable" | "durable" | "subscription";
  /** What one of it costs, where the store leaves the price to whoever made the order (PayPal). */
  readonly price?: { readonly currency: string; readonly value: string } | undefined;
}

/** What each product gives, by `<store>/<product>`. */
export type Products = ReadonlyMap<string, Product>;

export interface ReceiptContext {
  readonly nowMs: number;
  readonly trace: string;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly products: Products;
}

/** The one id of a purchase. */
export const receiptId = (store: string, token: string): string => derivedId("store", store, token);

/** Throws REQUEST_INVALID naming the field. */
export function entryOfReceipt(receipt: Receipt, player: string, context: ReceiptContext): Entry {
  const { store, token, product, quantity } = receipt;
  const known = context.products.get(`${store}/${product}`);
  if (!known)
    throw invalid(
      "product",
      `${product} of ${store} is not in the receipts file; add it to products.${store}, then show the receipt again`,
    );
  if (!Number.isSafeInteger(quantity) || quantity < 1)
    throw invalid("quantity", "must be a whole number from 1");
  const to = playerAccount(player);
  const transfers = known.goods.map(({ asset, amount }) => {
    if (!context.assets.has(asset)) throw invalid(`asset ${asset}`, "is not in the catalogue");
    const all = amount * quantity;
    if (!Number.isSafeInteger(all)) throw invalid("quantity", "is too large");
    return { from: HOUSE.store, to, asset, amount: all };
  });
  const body = { id: receiptId(store, token), kind: "purchase" as const, player, transfers };
  return { ...body, hash: parametersHash(body), acceptedAt: context.nowMs, trace: context.trace };
}

const invalid = (field: string, what: string) =>
  fail("REQUEST_INVALID", `${field}: ${what}`, { fields: { [field]: what } });
