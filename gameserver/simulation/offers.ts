/**
 * Whether a game's offers can be carried out by the ledger: found when the game is loaded, not when a player presses
 * "buy".
 */
import type { GameDeclaration, Offer } from "../game.ts";

/** Of one offer a player may ask for this many (u16 on the wire): price and goods times it must stay exact. */
const MOST_AT_ONCE = 0xffff;
const MOST = Math.floor(Number.MAX_SAFE_INTEGER / MOST_AT_ONCE);
/** Lines of a transaction that are goods. */
const MOST_GOODS = 16;
/** As the ledger's catalogue has it. */
const ASSET = /^[^\p{Cc}]{1,64}$/u;

/** Adds what is wrong with the offers to `faults`, by field. */
export function checkOffers({ offers = {} }: GameDeclaration, faults: Record<string, string>): void {
  const currencies = new Set(Object.values(offers).map(({ currency }) => currency));
  for (const [name, offer] of Object.entries(offers)) checkOffer(`offers.${name}`, offer, currencies, faults);
}

function checkOffer(
  path: string,
  { price, currency, gives }: Offer,
  currencies: ReadonlySet<string>,
  faults: Record<string, string>,
): void {
  if (!isAmount(price)) faults[`${path}.price`] = `must be a whole number, 1 to ${MOST}`;
  if (!isAsset(currency)) faults[`${path}.currency`] = "must be a name of 1 to 64 characters";
  const items = Object.entries(gives);
  if (items.length === 0 || items.length > MOST_GOODS)
    faults[`${path}.gives`] = `must name 1 to ${MOST_GOODS} items`;
  for (const [item, amount] of items) {
    const field = `${path}.gives.${item}`;
    if (!isAsset(item)) faults[field] = "must be a name of 1 to 64 characters";
    else if (currencies.has(item)) faults[field] = "must not be a currency of an offer as well";
    else if (!isAmount(amount)) faults[field] = `must be a whole number, 1 to ${MOST}`;
  }
}

const isAmount = (value: number) => Number.isInteger(value) && value >= 1 && value <= MOST;
const isAsset = (value: unknown) => typeof value === "string" && ASSET.test(value);
