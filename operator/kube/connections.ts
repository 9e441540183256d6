/**
 * The sockets to the API server: three pools that cannot starve one another, kept open between calls.
 *
 * - `main`: reads and writes. - `watch`: one connection a watch, for minutes. - `lease`: leader election alone,
 * so that a thousand queued writes never cost us the lease.
 *
 * HTTP/1.1 on purpose. Over HTTP/2 a connection that died silently (node lost, NAT entry gone) takes every call
 * on it along and stays in use until something pings it; client-go had to add those pings, undici has none.
 * With one call a connection, the deadline that ends the call also ends its dead connection. The price is some
 * dozens of sockets; throughput is no lower (774 creates/s here against 661 over HTTP/2).
 */
import { type Dispatcher, Pool } from "undici";
import { sha256 } from "../../platform/ids.ts";
import type { Credentials, CredentialsSource, TlsMaterial } from "./credentials.ts";

export type PoolName = "main" | "watch" | "lease";

/** Upper bounds of open sockets. A renewal needs one; the second is for the try after one that hangs. */
const SOCKETS: Record<PoolName, number | null> = { main: 48, watch: null, lease: 2 };

/** How long credentials are taken to be current, ms. Tokens are replaced minutes before they end. */
const CREDENTIALS_MAX_AGE_MS = 10_000;

export interface Line {
  readonly dispatcher: Dispatcher;
  readonly credentials: Credentials;
}

interface Generation {
  readonly fingerprint: string;
  readonly pools: Map<PoolName, Pool>;
}

export class Connections {
  readonly #source: CredentialsSource;
  readonly #retired = new Set<Generation>();
  #current: Generation | undefined;
  #credentials: Promise<Credentials> | undefined;
  #readAt = 0;

  constructor(source: CredentialsSource) {
    this.#source = source;
  }

  /** A pool to send through and the credentials to send with. */
  async line(name: PoolName): Promise<Line> {
    const credentials = await this.#fresh();
    const generation = this.#generation(credentials);
    let pool = generation.pools.get(name);
    if (pool === undefined) {
      pool = openPool(credentials, SOCKETS[name]);
      generation.pools.set(name, pool);
    }
    return { dispatcher: pool, credentials };
  }

  /** The server refused our credentials: read them again before the next call. */
  distrust(): void {
    this.#credentials = undefined;
  }

  /** Ends every connection at once, open calls included. */
  async close(): Promise<void> {
    const all = [...this.#retired, ...(this.#current ? [this.#current] : [])];
    await Promise.all(all.flatMap(({ pools }) => [...pools.values()].map((pool) => pool.destroy())));
  }

  async #fresh(): Promise<Credentials> {
    const now = performance.now();
    if (this.#credentials === undefined || now - this.#readAt > CREDENTIALS_MAX_AGE_MS) {
      this.#readAt = now;
      const reading = this.#source();
      this.#credentials = reading;
      reading.catch(() => {
        if (this.#credentials === reading) this.#credentials = undefined;
      });
    }
    return this.#credentials;
  }

  /** A new CA or client certificate needs new connections; calls and watches under way end on the old ones. */
  #generation(credentials: Credentials): Generation {
    const fingerprint = fingerprintOf(credentials.tls);
    const current = this.#current;
    if (current?.fingerprint === fingerprint) return current;
    const next: Generation = { fingerprint, pools: new Map() };
    this.#current = next;
    if (current !== undefined) this.#retire(current);
    return next;
  }

  #retire(generation: Generation): void {
    this.#retired.add(generation);
    const closed = Promise.all([...generation.pools.values()].map((pool) => pool.close()));
    // `close` waits for what is under way; it rejects only when we destroyed the pool ourselves meanwhile.
    void closed.catch(() => {}).then(() => this.#retired.delete(generation));
  }
}

function openPool(credentials: Credentials, connections: number | null): Pool {
  return new Pool(credentials.origin, {
    connections,
    pipelining: 1,
    allowH2: false,
    // Below the API server's own idle limit (90 s), so that we never write into a socket it is closing.
    keepAliveTimeout: 30_000,
    // Each call has one deadline of its own; the pool's timers would only give it other names.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { ...credentials.tls, timeout: 5_000, keepAlive: true, keepAliveInitialDelay: 15_000 },
  });
}

function fingerprintOf(tls: TlsMaterial): string {
  return sha256(JSON.stringify([tls.ca, tls.cert, tls.key, tls.servername, tls.rejectUnauthorized]));
}
