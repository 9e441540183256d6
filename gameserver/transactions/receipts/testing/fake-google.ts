/** Google Play for tests: tokens, purchases, subscriptions, and pushes of Pub/Sub signed with keys that it publishes. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { exportJWK, jwtVerify, SignJWT } from "jose";
import { pemOf, rsaKey } from "./certificates.ts";
import { FakeServer } from "./fake-server.ts";

export const PACKAGE = "dev.gamefleet.test";
const AUDIENCE = "https://game.example/v1/webhooks/google";
const PUSHER = "push@project.iam.gserviceaccount.com";
const EMAIL = "play@project.iam.gserviceaccount.com";
const MONTH_MS = 30 * 86_400_000;

type Json = Record<string, unknown>;

export class FakeGoogle {
  readonly server: FakeServer;
  readonly purchases = new Map<string, Json>();
  readonly subscriptions = new Map<string, Json>();
  readonly told: string[] = [];
  /** Status of acknowledgements. */
  acknowledges = 200;
  expiresIn = 3_600;
  readonly #account: KeyObject = rsaKey();
  readonly #pusher: KeyObject = rsaKey();
  #access = 0;
  #next = 1;

  constructor() {
    this.server = new FakeServer(async ({ path, method, headers, body }) => {
      if (path === "/certs") return { json: { keys: [await this.#publicKey()] } };
      if (path === "/token") return this.#token(body);
      if (headers["authorization"] !== `Bearer access-${this.#access}`) return { status: 401 };
      const rest = path.replace(`/androidpublisher/v3/applications/${PACKAGE}/purchases/`, "");
      const verb = /:(\w+)$/.exec(rest)?.[1];
      const token = decodeURIComponent(/\/tokens\/([^:]+)/.exec(rest)?.[1] ?? "");
      const held = rest.startsWith("products/") ? this.purchases.get(token) : this.subscriptions.get(token);
      if (!held) return { status: 404, json: { error: { code: 404 } } };
      if (method !== "POST") return { json: held };
      if (this.acknowledges !== 200) return { status: this.acknowledges };
      this.told.push(`${verb} ${rest.split("/")[0]} ${token}`);
      if (verb === "consume") held["consumptionState"] = 1;
      held["acknowledgementState"] = rest.startsWith("products/") ? 1 : "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED";
      return { status: 204 };
    });
  }

  get settings() {
    return {
      packageName: PACKAGE,
      clientEmail: EMAIL,
      privateKey: pemOf(this.#account),
      pushAudience: AUDIENCE,
      pushEmail: PUSHER,
      baseUrl: this.server.url,
      tokenUrl: `${this.server.url}/token`,
      certsUrl: `${this.server.url}/certs`,
      timeoutMs: 500,
    };
  }

  /** All access tokens so far are worth nothing. */
  withdraw(): void {
    this.#access += 1;
  }

  buy(over: Json = {}): string {
    const token = `token/${this.#next++}`;
    this.purchases.set(token, {
      kind: "androidpublisher#productPurchase",
      purchaseState: 0,
      productId: "gems",
      ...over,
    });
    return token;
  }

  subscribe(over: Json = {}): string {
    const token = `sub.${this.#next++}`;
    this.subscriptions.set(token, {
      subscriptionState: "SUBSCRIPTION_STATE_ACTIVE",
      latestOrderId: `GPA.${this.#next}`,
      acknowledgementState: "ACKNOWLEDGEMENT_STATE_PENDING",
      lineItems: [{ productId: "pass", expiryTime: new Date(Date.now() + MONTH_MS).toISOString() }],
      ...over,
    });
    return token;
  }

  /** A webhook: its body and headers. */
  async push(
    notification: Json,
    over: { readonly id?: string; readonly claims?: Json; readonly key?: KeyObject } = {},
  ) {
    const data = Buffer.from(JSON.stringify({ version: "1.0", packageName: PACKAGE, ...notification }));
    const id = over.id ?? String(this.#next++);
    const body = JSON.stringify({
      message: { data: data.toString("base64"), messageId: id },
      subscription: "s",
    });
    const claims = { iss: "https://accounts.google.com", aud: AUDIENCE, email: PUSHER, email_verified: true };
    const jwt = await new SignJWT({ ...claims, ...over.claims })
      .setProtectedHeader({ alg: "RS256", kid: "k1" })
      .setIssuedAt()
      .setExpirationTime((over.claims?.["exp"] as number | undefined) ?? "10m")
      .sign(over.key ?? this.#pusher);
    return { body, headers: { authorization: `Bearer ${jwt}` } };
  }

  async #token(body: string) {
    const assertion = new URLSearchParams(body).get("assertion") ?? "";
    try {
      const options = { issuer: EMAIL, audience: `${this.server.url}/token`, algorithms: ["RS256"] };
      await jwtVerify(assertion, createPublicKey(this.#account), options);
    } catch {
      return { status: 400, json: { error: "invalid_grant" } };
    }
    this.#access += 1;
    return { json: { access_token: `access-${this.#access}`, expires_in: this.expiresIn } };
  }

  async #publicKey() {
    return { ...(await exportJWK(createPublicKey(this.#pusher))), kid: "k1", alg: "RS256", use: "sig" };
  }
}
