/**
 * Signing tickets. Each allocator process makes its own Ed25519 key, publishes the public half in the directory and
 * changes it regularly: no private key is ever stored or shared, and a replica needs nothing to be configured.
 *
 * A public key stays published for as long as something signed with it may be valid.
 */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { base64url, exportJWK } from "jose";
import { loop } from "../../platform/background.ts";
import { secretToken } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import type { Redis } from "../../platform/redis.ts";
import { warnAgain } from "../../platform/warn-again.ts";
import { keys, PublishedKey } from "../../protocol/directory.ts";
import { TICKET_SECONDS, type TicketClaims } from "../../protocol/ticket.ts";
import { SigningThread } from "./signing-thread.ts";

interface Key {
  readonly kid: string;
  readonly secret: KeyObject;
  /** The JWS protected header, encoded: the same for every ticket of this key. */
  readonly header: string;
  readonly published: PublishedKey;
  readonly useUntil: number;
}

const REPUBLISH_MS = 10_000;

export interface SignerOptions {
  readonly redis: Redis;
  readonly log: Log;
  /** How long a key signs, ms. */
  readonly rotationMs: number;
  readonly now?: () => number;
}

export class Signer {
  readonly #options: SignerOptions;
  readonly #now: () => number;
  #key: Key | undefined;
  /** Of the key that is in use; made with its first ticket, and again if it should end. */
  #thread: SigningThread | undefined;
  #retired: Key[] = [];

  constructor(options: SignerOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Makes the first key and publishes it: no ticket is given that no pod can check. */
  async start(): Promise<void> {
    await this.#rotate();
    await this.#publish();
  }

  /** True once a key is there. */
  get ready(): boolean {
    return this.#key !== undefined;
  }

  /** Rotates and re-publishes, as Redis may have lost what it had. */
  run(signal: AbortSignal): Promise<void> {
    return loop(
      async () => {
        if (this.#key && this.#now() >= this.#key.useUntil) await this.#rotate();
        await this.#publish();
      },
      {
        everyMs: REPUBLISH_MS,
        signal,
        onError: (error) => warnAgain(this.#options.log, "signing key not published", error),
      },
    );
  }

  /** The compact JWS (RFC 7515 §7.1) of these claims. */
  async sign(claims: TicketClaims): Promise<string> {
    const key = this.#key;
    if (!key) throw new TypeError("the signer has not been started");
    if (!this.#thread?.alive) this.#thread = new SigningThread(key.secret);
    const content = `${key.header}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
    return `${content}.${await this.#thread.sign(content)}`;
  }

  /** Ends its thread once all that was asked for is signed. */
  close(): void {
    this.#thread?.close();
    this.#thread = undefined;
  }

  async #rotate(): Promise<void> {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const kid = secretToken();
    const jwk = await exportJWK(publicKey);
    const useUntil = this.#now() + this.#options.rotationMs;
    // Some room for clocks that differ.
    const expiresAt = useUntil + TICKET_SECONDS * 1_000 + 60_000;
    const published = PublishedKey.parse({ kty: jwk.kty, crv: jwk.crv, x: jwk.x, kid, expiresAt });
    // Pods that meet a key they do not know read the directory again before they refuse its ticket.
    if (this.#key) this.#retired.push(this.#key);
    const header = base64url.encode(JSON.stringify({ alg: "EdDSA", kid }));
    this.#key = { kid, secret: privateKey, header, published, useUntil };
    // It signs with the old key.
    this.close();
    this.#retired = this.#retired.filter((key) => key.published.expiresAt > this.#now());
  }

  async #publish(): Promise<void> {
    const { redis } = this.#options;
    const mine = [...this.#retired, ...(this.#key ? [this.#key] : [])];
    await redis.hset(keys.jwks(), ...mine.flatMap((key) => [key.kid, JSON.stringify(key.published)]));
    const all = await redis.hgetall(keys.jwks());
    const dead = Object.entries(all).filter(([, text]) => expired(text, this.#now()));
    if (dead.length > 0) await redis.hdel(keys.jwks(), ...dead.map(([kid]) => kid));
  }
}

function expired(text: string, now: number): boolean {
  const parsed = PublishedKey.safeParse(JSON.parse(text));
  return !parsed.success || parsed.data.expiresAt <= now;
}
