import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ASSETS } from "../testing/entries.ts";
import { entryOfReceipt, type Product, type Receipt } from "./receipt.ts";

const gems: Product = { goods: [{ asset: "credits", amount: 100 }], type: "consumable" };
const products = new Map([["apple/gems.small", gems]]);
const context = { nowMs: 1, trace: "t", assets: ASSETS, products };
const receipt: Receipt = { store: "apple", token: "2000000123", product: "gems.small", quantity: 2 };

describe("a receipt", () => {
  it("becomes an entry from the store's account that never expires", () => {
    const entry = entryOfReceipt(receipt, "ann", context);
    expect(entry).toMatchObject({
      kind: "purchase",
      player: "ann",
      transfers: [{ from: "house:store", to: "player:ann", asset: "credits", amount: 200 }],
    });
    expect(entry.validUntil).toBeUndefined();
  });

  it("has one id whoever shows it and when, and another hash for another player", () => {
    const one = entryOfReceipt(receipt, "ann", context);
    const again = entryOfReceipt(receipt, "ann", { ...context, nowMs: 9, trace: "u" });
    const other = entryOfReceipt(receipt, "eve", context);
    expect([again.id, again.hash]).toEqual([one.id, one.hash]);
    expect(other.id).toBe(one.id);
    expect(other.hash).not.toBe(one.hash);
  });

  it("shares its id with no other store's", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (token, more) => {
        fc.pre(more !== "");
        const both = new Map([...products, ["google/gems.small", gems]] as const);
        const of = (store: string, text: string) =>
          entryOfReceipt({ ...receipt, store, token: text }, "ann", { ...context, products: both }).id;
        expect(new Set([of("apple", token), of("google", token), of("apple", token + more)]).size).toBe(3);
      }),
    );
  });

  it.each([
    [{ product: "ship" }, "product:"],
    [{ quantity: 0 }, "quantity:"],
    [{ quantity: 1.5 }, "quantity:"],
    [{ quantity: Number.MAX_SAFE_INTEGER }, "quantity:"],
  ])("%j is refused, naming the field", (change, field) => {
    expect(() => entryOfReceipt({ ...receipt, ...change }, "ann", context)).toThrow(field);
  });

  it("of an asset that is not in the catalogue is refused", () => {
    const bare = { ...context, assets: new Map() };
    expect(() => entryOfReceipt(receipt, "ann", bare)).toThrow("credits");
  });
});
