/** A store's access token: fetched once, kept until shortly before it runs out, dropped when it was not taken. */

/** Fetched anew so long before its end, ms. */
const EARLY_MS = 60_000;

export interface Issued {
  readonly token: string;
  readonly seconds: number;
}

export class AccessToken {
  readonly #fetch: (signal: AbortSignal) => Promise<Issued>;
  #current: { readonly token: Promise<string>; until: number } | undefined;

  constructor(fetch: (signal: AbortSignal) => Promise<Issued>) {
    this.#fetch = fetch;
  }

  /** Callers at the same time share one request. */
  get(signal: AbortSignal): Promise<string> {
    if (this.#current && this.#current.until > Date.now()) return this.#current.token;
    const token = this.#fetch(signal).then((issued) => {
      current.until = Date.now() + issued.seconds * 1_000 - EARLY_MS;
      return issued.token;
    });
    const current = { token, until: Number.POSITIVE_INFINITY };
    this.#current = current;
    token.catch(() => this.#drop(current));
    return token;
  }

  /** The next call fetches another. */
  forget(): void {
    this.#current = undefined;
  }

  #drop(one: object): void {
    if (this.#current === one) this.#current = undefined;
  }
}
