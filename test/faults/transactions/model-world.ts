/** The real things that are held against the model: one processor, its stores behind proxies, books to look into. */
import { type Proxy, proxyFor } from "../../../gameserver/testing/proxy.ts";
import { setStock } from "../../../gameserver/transactions/ledger/catalogue.ts";
import { type Books, openBooks } from "../../../gameserver/transactions/testing/books.ts";
import { openTransactions, type Transactions } from "../../../gameserver/transactions/transactions.ts";
import type { Finding } from "../../../gameserver/transactions/verifier/finding.ts";
import { VERIFIER_SESSION, verifyFull } from "../../../gameserver/transactions/verifier/verify.ts";
import { silentLog } from "../../../platform/log.ts";
import { createRegistry } from "../../../platform/metrics.ts";
import { createPool, withClient } from "../../../platform/postgres.ts";
import { freshRedis, redisUrl } from "../../stores/fixtures.ts";

export interface ModelWorld {
  readonly books: Books;
  readonly proxies: Readonly<Record<"redis" | "postgres", Proxy>>;
  /** The processor that lives now. */
  readonly pod: Transactions;
  /** How many there have been. */
  readonly lives: number;
  /** Closes the processor, giving it so long to settle what it holds, and opens another. */
  restart(closeWithinMs: number): Promise<void>;
  /** Entries that stand in any journal. */
  journaled(): Promise<number>;
  /** What the verifier finds wrong with all of the books. */
  findings(): Promise<readonly Finding[]>;
  close(): Promise<void>;
}

/** `limited`: the item that is sold from its stock. */
export async function openModelWorld(limited: string): Promise<ModelWorld> {
  const eye = await freshRedis();
  const books = await openBooks();
  // Before the pod reads which items are limited in number.
  await setStock(books.pool, books.ledger, limited, 1);
  const proxies = { redis: await proxyFor(redisUrl()), postgres: await proxyFor(books.url) };
  let lives = 0;
  const begin = async () => {
    const pod = await openTransactions({
      server: "default/a",
      life: `${++lives}`,
      registry: createRegistry(),
      log: silentLog(),
      redisUrl: proxies.redis.url,
      databaseUrl: proxies.postgres.url,
      verify: false,
    });
    const stop = new AbortController();
    const running = pod.run(stop.signal);
    const end = async (withinMs: number) => {
      stop.abort();
      await running;
      await pod.close(withinMs);
    };
    return { pod, end };
  };
  let now = await begin();
  return {
    books,
    proxies,
    get pod() {
      return now.pod;
    },
    get lives() {
      return lives;
    },
    async restart(closeWithinMs) {
      await now.end(closeWithinMs);
      now = await begin();
    },
    async journaled() {
      const keys = await eye.keys("gf:{journal}:s:*");
      const sizes = await Promise.all(keys.map((key) => eye.xlen(key)));
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    async findings() {
      const pool = createPool({
        url: books.url,
        name: "verifier",
        log: silentLog(),
        session: VERIFIER_SESSION,
      });
      try {
        return (await withClient(pool, (client) => verifyFull(client, false))).findings;
      } finally {
        await pool.end();
      }
    },
    async close() {
      await now.end(1_000);
      for (const proxy of Object.values(proxies)) proxy.close();
      eye.disconnect();
      await books.close();
    },
  };
}
