/** The App Store for tests: keeps transactions, signs what it says, checks our own token. */
import type { KeyObject } from "node:crypto";
import { createPublicKey } from "node:crypto";
import { CompactSign, jwtVerify } from "jose";
import { type Chain, ecKey, makeChain, pemOf } from "./certificates.ts";
import { FakeServer } from "./fake-server.ts";

export const BUNDLE = "dev.gamefleet.test";
const YEAR_MS = 365 * 86_400_000;

export type AppleTransaction = Record<string, unknown> & { readonly transactionId: string };

export class FakeApple {
  readonly server: FakeServer;
  readonly chain: Chain = makeChain();
  readonly transactions = new Map<string, AppleTransaction>();
  readonly finished: string[] = [];
  /** Signs the server's own answers; another chain for a store that is not the store. */
  answering: Chain = this.chain;
  readonly #key: KeyObject = ecKey();
  #next = 2_000_000_000;

  constructor() {
    this.server = new FakeServer(async ({ path, headers, method }) => {
      const token = String(headers["authorization"]).replace("Bearer ", "");
      try {
        const { payload, protectedHeader } = await jwtVerify(token, createPublicKey(this.#key), {
          audience: "appstoreconnect-v1",
          issuer: "issuer-1",
        });
        if (payload["bid"] !== BUNDLE || protectedHeader.kid !== "KEY1") return { status: 401 };
      } catch {
        return { status: 401 };
      }
      const [, id = "", finish] = /^\/inApps\/v1\/transactions\/(\w+)(\/finish)?$/.exec(path) ?? [];
      const transaction = this.transactions.get(id);
      if (!transaction) return { status: 404, json: { errorCode: 4_040_010 } };
      if (finish && method === "POST") {
        this.finished.push(id);
        return {};
      }
      const signed = { ...transaction, signedDate: Date.now() };
      return { json: { signedTransactionInfo: await this.sign(signed, this.answering) } };
    });
  }

  get settings() {
    return {
      bundleId: BUNDLE,
      issuerId: "issuer-1",
      keyId: "KEY1",
      privateKey: pemOf(this.#key),
      roots: [this.chain.root.toString()],
      baseUrl: this.server.url,
      timeoutMs: 500,
    };
  }

  /** Somebody has paid. */
  buy(over: Record<string, unknown> = {}): AppleTransaction {
    const transactionId = String(this.#next++);
    const transaction = {
      transactionId,
      originalTransactionId: transactionId,
      bundleId: BUNDLE,
      productId: "gems",
      quantity: 1,
      type: "Consumable",
      environment: "Production",
      signedDate: Date.now(),
      ...over,
    };
    this.transactions.set(transaction.transactionId, transaction);
    return transaction;
  }

  subscribe(over: Record<string, unknown> = {}): AppleTransaction {
    const type = "Auto-Renewable Subscription";
    return this.buy({ productId: "pass", type, expiresDate: Date.now() + YEAR_MS, ...over });
  }

  sign(payload: object, chain: Chain = this.chain, head: object = {}): Promise<string> {
    return new CompactSign(Buffer.from(JSON.stringify(payload)))
      .setProtectedHeader({ alg: "ES256", x5c: [...chain.x5c], ...head })
      .sign(chain.key);
  }

  /** The body of a webhook. */
  async notification(
    notificationType: string,
    transaction: AppleTransaction | undefined,
    more: {
      readonly uuid?: string;
      readonly data?: object;
      readonly chain?: Chain;
      readonly subtype?: string;
    } = {},
  ): Promise<string> {
    const data = transaction && {
      bundleId: BUNDLE,
      environment: "Production",
      signedTransactionInfo: await this.sign(transaction),
      ...more.data,
    };
    const signedPayload = await this.sign(
      {
        notificationType,
        ...(more.subtype ? { subtype: more.subtype } : {}),
        notificationUUID: more.uuid ?? crypto.randomUUID(),
        signedDate: Date.now(),
        ...(data ? { data } : {}),
      },
      more.chain,
    );
    return JSON.stringify({ signedPayload });
  }
}
