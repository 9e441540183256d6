/** PayPal for tests: orders, captures, and webhooks signed with a certificate that it serves. */
import { type KeyObject, sign, type X509Certificate } from "node:crypto";
import { crc32 } from "node:zlib";
import { makeCertificate, rsaKey } from "./certificates.ts";
import { FakeServer } from "./fake-server.ts";

export const MERCHANT = "MERCHANT1";
const WEBHOOK = "WH-1";

type Json = Record<string, unknown>;
interface Unit extends Json {
  payments?: { captures: { id: string; status: string }[] };
}
export interface PayPalOrder {
  id: string;
  status: string;
  purchase_units: Unit[];
}

export class FakePayPal {
  readonly server: FakeServer;
  readonly orders = new Map<string, PayPalOrder>();
  /** What a capture comes to. */
  capturing: "COMPLETED" | "PENDING" | "declined" = "COMPLETED";
  readonly key: KeyObject = rsaKey();
  certificate: X509Certificate = makeCertificate({ subject: "PayPal", key: this.key });
  #access = 0;
  #next = 1;

  constructor() {
    this.server = new FakeServer(({ path, headers, method }) => {
      if (path.startsWith("/certs/"))
        return /^\/certs\/C\d+$/.test(path) ? { text: this.certificate.toString() } : { status: 404 };
      if (path === "/v1/oauth2/token") {
        const basic = `Basic ${Buffer.from("client:secret").toString("base64")}`;
        if (headers["authorization"] !== basic) return { status: 400 };
        this.#access += 1;
        return { json: { access_token: `access-${this.#access}`, expires_in: 32_400 } };
      }
      if (headers["authorization"] !== `Bearer access-${this.#access}`) return { status: 401 };
      const capture = /^\/v2\/payments\/captures\/(\w+)$/.exec(path)?.[1];
      if (capture) return this.#captured(capture);
      const [, id = "", take] = /^\/v2\/checkout\/orders\/(\w+)(\/capture)?$/.exec(path) ?? [];
      const order = this.orders.get(id);
      if (!order) return { status: 404 };
      return take && method === "POST" ? this.#capture(order) : { json: order };
    });
  }

  get settings() {
    return {
      clientId: "client",
      clientSecret: "secret",
      merchantId: MERCHANT,
      webhookId: WEBHOOK,
      baseUrl: this.server.url,
      certsUrl: `${this.server.url}/certs`,
      timeoutMs: 500,
    };
  }

  buy(over: Json = {}, status = "APPROVED"): string {
    const id = `ORDER${this.#next++}`;
    const unit = {
      amount: { currency_code: "USD", value: "4.99" },
      payee: { merchant_id: MERCHANT },
      custom_id: "ann",
      items: [{ name: "Gems", sku: "gems", quantity: "1" }],
      ...over,
    };
    this.orders.set(id, { id, status, purchase_units: [unit] });
    return id;
  }

  /** What becomes of its payment. */
  become(id: string, status: string): void {
    const order = this.orders.get(id) as PayPalOrder;
    order.status = "COMPLETED";
    for (const unit of order.purchase_units) unit.payments = { captures: [{ id: `CAP${id}`, status }] };
  }

  /** A webhook: its body and headers. */
  event(
    event_type: string,
    resource: Json,
    over: { readonly id?: string; readonly headers?: Json; readonly key?: KeyObject } = {},
  ) {
    const id = over.id ?? `EVENT${this.#next++}`;
    const body = JSON.stringify({ id, event_type, resource });
    const head = {
      "paypal-transmission-id": `T-${id}`,
      "paypal-transmission-time": new Date().toISOString(),
    };
    const text = [
      head["paypal-transmission-id"],
      head["paypal-transmission-time"],
      WEBHOOK,
      crc32(body),
    ].join("|");
    const headers = {
      ...head,
      "paypal-auth-algo": "SHA256withRSA",
      "paypal-cert-url": `${this.server.url}/certs/C1`,
      "paypal-transmission-sig": sign("sha256", Buffer.from(text), over.key ?? this.key).toString("base64"),
      ...over.headers,
    } as Record<string, string>;
    return { body, headers };
  }

  /** The resource of an event that takes a payment back. */
  takenBack(order: string): Json {
    const href = `${this.server.url}/v2/payments/captures/CAP${order}`;
    return {
      id: "REFUND1",
      links: [
        { rel: "self", href: `${this.server.url}/x` },
        { rel: "up", href },
      ],
    };
  }

  #capture(order: PayPalOrder) {
    if (order.purchase_units[0]?.payments) return { status: 422, json: { name: "UNPROCESSABLE_ENTITY" } };
    if (this.capturing === "declined") return { status: 422, json: { name: "UNPROCESSABLE_ENTITY" } };
    this.become(order.id, this.capturing);
    return { status: 201, json: order };
  }

  #captured(id: string) {
    const order = this.orders.get(id.slice("CAP".length));
    const status = order?.purchase_units[0]?.payments?.captures[0]?.status;
    if (!order || !status) return { status: 404 };
    return { json: { id, status, supplementary_data: { related_ids: { order_id: order.id } } } };
  }
}
