/** A store's access token: fetched once for all who ask, kept until shortly before it runs out, dropped when refused. */

import { z } from "zod";
import { ask, away, type Question, read } from "./ask.ts";

const TokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.number() });

/** Fetched anew so long before its end, ms. */
const EARLY_MS = 60_000;

export interface Issued {
  readonly token: string;
  readonly seconds: number;
}

export class AccessToken {
  readonly #fetch: (signal: AbortSignal) => Promise<Issued>;
  #held: { readonly token: string; readonly until: number } | undefined;
  #pending: Promise<string> | undefined;

  constructor(fetch: (signal: AbortSignal) => Promise<Issued>) {
    this.#fetch = fetch;
  }

  /** Callers at the same time share one request. */
  async get(signal: AbortSignal): Promise<string> {
    if (this.#held && this.#held.until > Date.now()) return this.#held.token;
    this.#pending ??= this.#renew(signal).finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** The store did not take `token`: the next call fetches another, unless that was done meanwhile. */
  forget(token: string): void {
    if (this.#held?.token === token) this.#held = undefined;
  }

  async #renew(signal: AbortSignal): Promise<string> {
    const { token, seconds } = await this.#fetch(signal);
    this.#held = { token, until: Date.now() + seconds * 1_000 - EARLY_MS };
    return token;
  }
}

/** Asks for one by form (RFC 6749 §5.1). Throws RECEIPT_UNVERIFIED; a refusal names the credentials to look at. */
export async function askForToken(question: Omit<Question, "method">): Promise<Issued> {
  const { what, credentials } = question;
  const headers = { ...question.headers, "content-type": "application/x-www-form-urlencoded" };
  const answer = await ask({ ...question, method: "POST", headers });
  if (answer.status !== 200) throw away(what, `refused with ${answer.status}; see ${credentials}`);
  const { access_token: token, expires_in: seconds } = read(TokenAnswer, what, answer);
  return { token, seconds };
}
