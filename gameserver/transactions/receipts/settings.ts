/**
 * The receipts file: which stores there are, their credentials, and what each of their products gives. JSON, mounted
 * from a secret (`GAMEFLEET_RECEIPTS_FILE`). A store that is not in it is not asked.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { fail, messageOf } from "../../../platform/errors.ts";
import type { Store } from "./port.ts";
import type { Product, Products } from "./receipt.ts";

const text = z.string().min(1).max(4_096);
const environment = z.enum(["production", "sandbox"]).default("production");
/** Of one call to the store, ms. */
const timeoutMs = z.int().min(100).max(30_000).default(5_000);
const LOOPBACK = /^http:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:|\/|$)/;
const url = z
  .url()
  .refine((given) => given.startsWith("https://") || LOOPBACK.test(given), "must begin with https://")
  .transform((given) => given.replace(/\/$/, ""));

const privateKey = (kind: "ec" | "rsa") =>
  text.transform((pem, context) => {
    try {
      const key = createPrivateKey(pem);
      if (key.asymmetricKeyType === kind) return key;
    } catch {
      // Said below: the parser's own words speak of its insides.
    }
    context.addIssue(`must be a private key (${kind.toUpperCase()}) in PEM form, line breaks as \\n`);
    return z.NEVER;
  });

const certificate = text.transform((pem, context) => {
  try {
    return new X509Certificate(pem);
  } catch {
    context.addIssue("must be a certificate in PEM form, line breaks as \\n");
    return z.NEVER;
  }
});

/** Where a store is, unless another address is given. */
const APPLE = {
  production: "https://api.storekit.apple.com",
  sandbox: "https://api.storekit-sandbox.apple.com",
} as const;
const PAYPAL = {
  production: { api: "https://api-m.paypal.com", certs: "https://api.paypal.com/v1/notifications/certs" },
  sandbox: {
    api: "https://api-m.sandbox.paypal.com",
    certs: "https://api.sandbox.paypal.com/v1/notifications/certs",
  },
} as const;

const AppleFields = z.strictObject({
  environment,
  timeoutMs,
  bundleId: text,
  /** Of the In-App Purchase key, from App Store Connect. */
  issuerId: text,
  keyId: text,
  privateKey: privateKey("ec"),
  /** The root certificates that receipts must lead to: Apple Root CA - G3. */
  roots: z.array(certificate).min(1),
  /** Tell Apple that the transaction is finished (server API 1.20); off where the app does that itself. */
  finish: z.boolean().default(false),
  baseUrl: url.optional(),
});

const Apple = AppleFields.transform((given) => ({
  ...given,
  baseUrl: given.baseUrl ?? APPLE[given.environment],
}));

const Google = z.strictObject({
  environment,
  timeoutMs,
  packageName: text,
  /** Of the service account that may see orders. */
  clientEmail: text,
  privateKey: privateKey("rsa"),
  /** What the push subscription of Pub/Sub is set up with: its audience and its service account. */
  pushAudience: text,
  pushEmail: text,
  baseUrl: url.default("https://androidpublisher.googleapis.com"),
  tokenUrl: url.default("https://oauth2.googleapis.com/token"),
  certsUrl: url.default("https://www.googleapis.com/oauth2/v3/certs"),
});

const Steam = z.strictObject({
  environment,
  timeoutMs,
  appId: z.int().min(1),
  /** The publisher's Web API key. */
  key: text,
  baseUrl: url.default("https://partner.steam-api.com"),
});

const PayPalFields = z.strictObject({
  environment,
  timeoutMs,
  clientId: text,
  clientSecret: text,
  /** Whom orders must be paid to. */
  merchantId: text,
  webhookId: text,
  baseUrl: url.optional(),
  /** Where PayPal keeps its certificates. An address elsewhere is somebody else's. */
  certsUrl: url.optional(),
});

const PayPal = PayPalFields.transform((given) => ({
  ...given,
  baseUrl: given.baseUrl ?? PAYPAL[given.environment].api,
  certsUrl: given.certsUrl ?? PAYPAL[given.environment].certs,
}));

const asset = z.string().min(1).max(64);
const Product = z.strictObject({
  goods: z
    .record(asset, z.int().min(1))
    .refine((goods) => Object.keys(goods).length > 0, "must name at least one asset"),
  type: z.enum(["consumable", "durable", "subscription"]).default("consumable"),
  price: z
    .strictObject({
      currency: z.string().regex(/^[A-Z]{3}$/, "must be a currency such as USD"),
      value: z.string().regex(/^\d{1,12}(\.\d{1,3})?$/, "must be an amount such as 4.99"),
    })
    .optional(),
});
const productsOf = z.record(text, Product).default({});

const ReceiptsFile = z
  .strictObject({
    /** How often what is owed and what was told is looked for, ms. */
    pollMs: z.int().min(20).max(60_000).default(1_000),
    apple: Apple.optional(),
    google: Google.optional(),
    steam: Steam.optional(),
    paypal: PayPal.optional(),
    products: z.strictObject({
      apple: productsOf,
      google: productsOf,
      steam: productsOf,
      paypal: productsOf,
    }),
  })
  .superRefine(({ products }, context) => {
    for (const [name, { price }] of Object.entries(products.paypal)) {
      const path = ["products", "paypal", name, "price"];
      if (!price)
        context.addIssue({ code: "custom", path, message: "must be set: orders are made by clients" });
    }
  });

type File = z.output<typeof ReceiptsFile>;
export type AppleSettings = NonNullable<File["apple"]>;
export type GoogleSettings = NonNullable<File["google"]>;
export type SteamSettings = NonNullable<File["steam"]>;
export type PayPalSettings = NonNullable<File["paypal"]>;

export interface ReceiptSettings extends Omit<File, "products"> {
  readonly products: Products;
}

/** Throws CONFIG_INVALID naming every bad field. */
export async function readReceiptSettings(path: string): Promise<ReceiptSettings> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    const what = `GAMEFLEET_RECEIPTS_FILE: ${path} must be a JSON file that can be read`;
    throw fail("CONFIG_INVALID", `${what}: ${messageOf(error)}`, { cause: error });
  }
  return receiptSettings(json);
}

/** Throws CONFIG_INVALID naming every bad field. */
export function receiptSettings(json: unknown): ReceiptSettings {
  const result = ReceiptsFile.safeParse(json);
  if (!result.success) {
    const fields = Object.fromEntries(
      result.error.issues.map(({ path, message }) => [path.join(".") || "file", message]),
    );
    const list = Object.entries(fields).map(([field, problem]) => `${field}: ${problem}`);
    throw fail("CONFIG_INVALID", `receipts file: ${list.join("; ")}`, { fields });
  }
  const products = new Map<string, Product>();
  for (const [store, own] of Object.entries(result.data.products) as [Store, File["products"]["apple"]][]) {
    for (const [name, { goods, type, price }] of Object.entries(own)) {
      const lots = Object.entries(goods).map(([asset, amount]) => ({ asset, amount }));
      products.set(`${store}/${name}`, { goods: lots, type, price });
    }
  }
  return { ...result.data, products };
}
