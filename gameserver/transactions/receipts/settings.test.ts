import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readReceiptSettings, receiptSettings } from "./settings.ts";
import { ecKey, makeChain, pemOf, rsaKey } from "./testing/certificates.ts";

const apple = {
  bundleId: "a",
  issuerId: "i",
  keyId: "k",
  privateKey: pemOf(ecKey()),
  roots: [makeChain().root.toString()],
};
const paypal = { clientId: "c", clientSecret: "s", merchantId: "m", webhookId: "w" };
const products = { apple: { gems: { goods: { credits: 100 } } } };

describe("the receipts file", () => {
  it("gives stores and products, with defaults", () => {
    const settings = receiptSettings({ apple, products });
    expect(settings.apple).toMatchObject({ environment: "production", timeoutMs: 5_000, finish: false });
    expect(settings.google).toBeUndefined();
    expect([...settings.products]).toEqual([
      ["apple/gems", { goods: [{ asset: "credits", amount: 100 }], type: "consumable", price: undefined }],
    ]);
  });

  it("leads to each store's own address, by environment", () => {
    const environment = "sandbox";
    const real = receiptSettings({ apple, paypal, products });
    const test = receiptSettings({
      apple: { ...apple, environment },
      paypal: { ...paypal, environment },
      products,
    });
    expect([real.apple?.baseUrl, test.apple?.baseUrl]).toEqual([
      "https://api.storekit.apple.com",
      "https://api.storekit-sandbox.apple.com",
    ]);
    expect([real.paypal?.baseUrl, test.paypal?.certsUrl]).toEqual([
      "https://api-m.paypal.com",
      "https://api.sandbox.paypal.com/v1/notifications/certs",
    ]);
  });

  it.each<[string, object, string]>([
    ["a field that is missing", { apple: { ...apple, bundleId: undefined }, products }, "apple.bundleId"],
    ["a field that is not known", { apple: { ...apple, bundle: "x" }, products }, "bundle"],
    [
      "a key that is none",
      { apple: { ...apple, privateKey: "x" }, products },
      "apple.privateKey: must be a private",
    ],
    [
      "a key of another kind",
      { apple: { ...apple, privateKey: pemOf(rsaKey()) }, products },
      "apple.privateKey",
    ],
    [
      "a root that is none",
      { apple: { ...apple, roots: ["x"] }, products },
      "apple.roots.0: must be a certificate",
    ],
    ["no root", { apple: { ...apple, roots: [] }, products }, "apple.roots"],
    [
      "an address without TLS",
      { apple: { ...apple, baseUrl: "http://store.example" }, products },
      "apple.baseUrl",
    ],
    ["a product of nothing", { products: { apple: { gems: { goods: {} } } } }, "products.apple.gems.goods"],
    ["a product of less than one", { products: { apple: { gems: { goods: { credits: 0 } } } } }, "credits"],
    [
      "a product of PayPal without a price",
      { paypal, products: { paypal: { gems: { goods: { credits: 1 } } } } },
      "products.paypal.gems.price: must be set",
    ],
    ["a store that is not known", { nintendo: {}, products }, "nintendo"],
    ["nothing", [], "file"],
  ])("with %s is refused by name", (_what, file, named) => {
    expect(() => receiptSettings(file)).toThrow(named);
    expect(() => receiptSettings(file)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it("names all mistakes together", () => {
    const file = { apple: { ...apple, keyId: "" }, google: {}, products };
    expect(() => receiptSettings(file)).toThrow(/apple\.keyId.*google\.packageName/);
  });

  describe("on disk", () => {
    const folder = mkdtempSync(join(tmpdir(), "gamefleet-receipts-"));
    const path = join(folder, "receipts.json");
    afterAll(() => rmSync(folder, { recursive: true }));

    it("is read", async () => {
      writeFileSync(path, JSON.stringify({ apple, products }));
      expect((await readReceiptSettings(path)).apple?.bundleId).toBe("a");
    });

    it.each([
      ["is not there", join(folder, "none.json")],
      ["is not JSON", path],
    ])("that %s is refused by name", async (_what, at) => {
      writeFileSync(path, "{");
      await expect(readReceiptSettings(at)).rejects.toThrow(/GAMEFLEET_RECEIPTS_FILE.*\.json/);
    });
  });
});
