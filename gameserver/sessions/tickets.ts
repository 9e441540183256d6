/**
 * Checks tickets: signature against the published keys, audience, life time, single use.
 *
 * Keys are kept here, so that joins go on while Redis is away; only a key never seen before needs it. Throws
 * TICKET_INVALID, TICKET_EXPIRED, TICKET_USED, TICKET_ELSEWHERE, or STORE_UNAVAILABLE.
 */
import { decodeProtectedHeader, errors, importJWK, jwtVerify } from "jose";
import { fail, messageOf } from "../../platform/errors.ts";
import { keys, PublishedKey } from "../../protocol/directory.ts";
import { TICKET_ISSUER, TicketClaims } from "../../protocol/ticket.ts";
import type { Grant } from "./sessions.ts";
import { UsedTickets } from "./used-tickets.ts";

/** Clocks of allocator and pod may differ by so much. A ticket is remembered longer by the same time. */
const SKEW_SECONDS = 5;
/** Unknown keys are looked up at most so often: a flood of forged tickets must not become a flood to Redis. */
const LOOK_UP_MS = 500;
const MAX_USED = 100_000;

type Key = Awaited<ReturnType<typeof importJWK>>;

export interface TicketOptions {
  /** ServerKey of this pod: the audience. */
  readonly server: string;
  readonly fleet: string;
  readonly redis: { hgetall(key: string): Promise<Record<string, string>> };
  /** Unix ms. */
  readonly now?: () => number;
}

export class Tickets {
  readonly #options: TicketOptions;
  readonly #now: () => number;
  readonly #used = new UsedTickets(MAX_USED);
  #keys = new Map<string, Key>();
  #lookedUpAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  constructor(options: TicketOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Reads the published keys anew; called every few seconds, so that joins seldom have to. */
  refresh(): Promise<void> {
    this.#looking ??= this.#read().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async verify(ticket: string): Promise<Grant> {
    const claims = await this.#claims(ticket, await this.#key(keyIdOf(ticket)));
    if (claims.fleet !== this.#options.fleet)
      throw fail("TICKET_ELSEWHERE", `ticket is for fleet ${claims.fleet}`);
    const seconds = Math.floor(this.#now() / 1_000);
    const use = this.#used.use(claims.jti, claims.exp + SKEW_SECONDS, seconds);
    if (use === "again") throw fail("TICKET_USED", "ticket was used before");
    if (use === "full") throw fail("SERVER_FULL", "too many tickets at a time");
    const { sid: session, sub: player, zone, rh: resumeHash, party, role = "player", back = false } = claims;
    return { session, player, zone, resumeHash, party, role, back };
  }

  async #claims(ticket: string, key: Key): Promise<TicketClaims> {
    try {
      const { payload } = await jwtVerify(ticket, key, {
        algorithms: ["EdDSA"],
        issuer: TICKET_ISSUER,
        audience: this.#options.server,
        clockTolerance: SKEW_SECONDS,
        currentDate: new Date(this.#now()),
      });
      return TicketClaims.parse(payload);
    } catch (error) {
      if (error instanceof errors.JWTExpired)
        throw fail("TICKET_EXPIRED", "ticket has expired", { cause: error });
      if (error instanceof errors.JWTClaimValidationFailed && error.claim === "aud") {
        throw fail("TICKET_ELSEWHERE", "ticket is for another server", { cause: error });
      }
      throw fail("TICKET_INVALID", `ticket cannot be accepted: ${messageOf(error)}`, { cause: error });
    }
  }

  async #key(id: string): Promise<Key> {
    const known = this.#keys.get(id);
    if (known) return known;
    if (this.#looking || performance.now() - this.#lookedUpAt >= LOOK_UP_MS) {
      await this.refresh().catch((cause: unknown) => {
        throw fail("STORE_UNAVAILABLE", "the key of this ticket is not known yet", {
          cause,
          retryAfterSeconds: 1,
        });
      });
    }
    const found = this.#keys.get(id);
    if (!found) throw fail("TICKET_INVALID", "ticket is signed with an unknown key");
    return found;
  }

  async #read(): Promise<void> {
    const published = await this.#options.redis.hgetall(keys.jwks());
    this.#lookedUpAt = performance.now();
    const next = new Map<string, Key>();
    for (const [id, text] of Object.entries(published)) {
      const key = await this.#usable(id, text);
      if (key) next.set(id, key);
    }
    // An emptied Redis is no reason to forget keys: allocators publish again within seconds.
    if (next.size > 0) this.#keys = next;
  }

  async #usable(id: string, text: string): Promise<Key | undefined> {
    const known = this.#keys.get(id);
    if (known) return known;
    const parsed = PublishedKey.safeParse(json(text));
    if (!parsed.success || parsed.data.expiresAt <= this.#now()) return undefined;
    return importJWK({ ...parsed.data, alg: "EdDSA" });
  }
}

function keyIdOf(ticket: string): string {
  try {
    const { kid } = decodeProtectedHeader(ticket);
    if (typeof kid === "string") return kid;
  } catch {
    // Falls through: whatever cannot be read has no key.
  }
  throw fail("TICKET_INVALID", "ticket is not a signed JWT with a key id");
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
