/** All four stores on loopback, and the receipts file that leads to them. */
import { receiptSettings } from "../settings.ts";
import { FakeApple } from "./fake-apple.ts";
import { FakeGoogle } from "./fake-google.ts";
import { FakePayPal } from "./fake-paypal.ts";
import { FakeSteam } from "./fake-steam.ts";

const gems = { goods: { credits: 100 } };
const PRODUCTS = {
  apple: { gems, pass: { goods: { credits: 500 }, type: "subscription" } },
  google: {
    gems,
    pass: { goods: { credits: 500 }, type: "subscription" },
    hat: { goods: { "captains-hat": 1 }, type: "durable" },
  },
  steam: { "100": gems },
  paypal: { gems: { ...gems, price: { currency: "USD", value: "4.99" } } },
};

export type Shops = Awaited<ReturnType<typeof openShops>>;

export async function openShops() {
  const apple = new FakeApple();
  const google = new FakeGoogle();
  const steam = new FakeSteam();
  const paypal = new FakePayPal();
  const all = [apple, google, steam, paypal];
  await Promise.all(all.map(({ server }) => server.start()));
  /** The receipts file; each part can be made another. */
  const file = (over: Record<string, object> = {}) => ({
    pollMs: 50,
    apple: { ...apple.settings, ...over["apple"] },
    google: { ...google.settings, ...over["google"] },
    steam: { ...steam.settings, ...over["steam"] },
    paypal: { ...paypal.settings, ...over["paypal"] },
    products: { ...PRODUCTS, ...over["products"] },
  });
  return {
    apple,
    google,
    steam,
    paypal,
    file,
    settings: (over?: Record<string, object>) => receiptSettings(file(over)),
    /** All as if nothing had ever been wrong. */
    mend() {
      for (const { server } of all) server.fault = undefined;
    },
    close: async () => void (await Promise.all(all.map(({ server }) => server.close()))),
  };
}
